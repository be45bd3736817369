"""When silent devices are asked: rarely enough for the others, soon enough for themselves."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect.probing import FORGIVEN_S, OWED_MAX_S, REST_PER_COST, SHARE, Probing


def test_nobody_waits():
    """An empty queue gives nothing and never will by itself."""
    probing = Probing()
    assert probing.begin(1e9, shared=True) is None
    assert probing.next_s(shared=True) == inf


def test_an_errand_waits_for_its_own_time():
    """Nothing is begun before it is due, and it leaves the queue when it begins."""
    probing = Probing()
    probing.add("a", due_s=10)
    assert probing.begin(9.99, shared=True) is None
    assert probing.next_s(shared=True) == 10
    assert "a" in probing
    assert probing.begin(10, shared=True) == "a"
    assert "a" not in probing


def test_one_at_a_time():
    """While one is under way no other begins, live devices or not."""
    probing = Probing()
    probing.add("a", due_s=0)
    probing.add("b", due_s=0)
    assert probing.begin(0, shared=False) == "a"
    assert probing.begin(1e9, shared=False) is None
    assert probing.next_s(shared=False) == inf
    probing.end(1, cost_s=1)
    assert probing.begin(1, shared=False) == "b"


def test_the_longest_waiting_goes_first():
    """Order is by who has been due longest, not by who came first."""
    probing = Probing()
    for name, due_s in (("late", 3), ("early", 1), ("middle", 2)):
        probing.add(name, due_s=due_s)
    order = []
    for now_s in (10, 11, 12):
        order.append(probing.begin(now_s, shared=False))
        probing.end(now_s, cost_s=0)
    assert order == ["early", "middle", "late"]


def test_a_costly_probe_is_followed_by_a_long_rest():
    """After a probe of one second the line rests for 19, unless nobody on it lives."""
    probing = Probing()
    probing.add("a", due_s=0)
    assert probing.begin(0, shared=True) == "a"
    probing.end(1, cost_s=1)
    probing.add("b", due_s=0)
    assert probing.next_s(shared=True) == pytest.approx(20)
    assert probing.begin(19.9, shared=True) is None
    assert probing.next_s(shared=False) == 0
    assert probing.begin(20.1, shared=True) == "b"


def test_a_cheap_probe_lets_the_next_come_soon():
    """A shop that is switched on is found quickly: an answer costs little."""
    probing, now_s = Probing(), 0.0
    for name in range(30):
        probing.add(name, due_s=0)
    for _ in range(30):
        now_s = max(now_s, probing.next_s(shared=True))
        assert probing.begin(now_s, shared=True) is not None
        now_s += 0.05
        probing.end(now_s, cost_s=0.05)
    assert now_s < 30


def test_a_session_that_had_to_be_opened_again_counts_as_cost():
    """What reopening took is charged to the errand that made it necessary."""
    probing = Probing()
    probing.add("a", due_s=0)
    probing.begin(0, shared=True)
    probing.end(1, cost_s=1)
    probing.charge(0.5)
    probing.add("b", due_s=0)
    assert probing.next_s(shared=True) == pytest.approx(1 + 1.5 * REST_PER_COST)


def test_one_lost_answer_is_forgiven():
    """A poll that met silence once does not delay the probe after it."""
    probing = Probing()
    probing.met_silence(100, cost_s=1)
    probing.add("a", due_s=101)
    assert probing.next_s(shared=True) == 101


def test_silence_again_and_again_is_rested_for():
    """A device that answers every other question costs its line no more than a dead one."""
    probing, now_s, spent_s = Probing(), 1000.0, 0.0
    for _ in range(200):
        probing.met_silence(now_s, cost_s=1)
        spent_s += 1
        probing.add("flaky", due_s=now_s + 1)
        now_s = max(now_s + 1, probing.next_s(shared=True))
        assert probing.begin(now_s, shared=True) == "flaky"
        now_s += 0.05
        probing.end(now_s, cost_s=0.05)
        now_s += 1
    assert spent_s <= SHARE * (now_s - 1000 + FORGIVEN_S + 2)


def test_many_that_fall_silent_at_once_delay_the_search_by_a_minute_at_most():
    """A shop that is switched off in the evening does not make the morning wait."""
    probing = Probing()
    for _ in range(31):
        probing.met_silence(100, cost_s=1)
    probing.add("a", due_s=101)
    assert probing.next_s(shared=True) == 100 + OWED_MAX_S
    assert probing.next_s(shared=False) == 101


def test_kinds_take_turns():
    """Thirty questions of one kind do not starve one of another, nor the other way round."""
    probing = Probing()
    for n in range(3):
        probing.add(f"who-{n}", due_s=0, lane=1)
    probing.add("probe", due_s=5, lane=0)
    order = []
    for now_s in range(10, 14):
        order.append(probing.begin(now_s, shared=False))
        probing.end(now_s, cost_s=0)
    assert order.index("probe") <= 1


def test_who_answers_is_forgotten():
    """A dropped errand is not run; dropping one that does not wait is harmless."""
    probing = Probing()
    probing.add("a", due_s=0)
    probing.drop("a")
    probing.drop("a")
    assert probing.begin(1, shared=True) is None


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(0.001, 5), st.integers(0, 1)),
        min_size=1, max_size=40,
    )
)  # fmt: skip
def test_errands_take_no_more_than_their_share(errands):
    """However they come, errands cost at most the share of the time until the next may begin."""
    probing, now_s, spent_s, first_s = Probing(), 0.0, 0.0, None
    for name, (due_s, _, lane) in enumerate(errands):
        probing.add(name, due_s=due_s, lane=lane)
    while (next_s := probing.next_s(shared=True)) != inf:
        now_s = max(now_s, next_s)
        if first_s is None:
            first_s = now_s
        elif spent_s:
            assert spent_s <= SHARE * (now_s - first_s) * 1.0001
        name = probing.begin(now_s, shared=True)
        cost_s = errands[name][1]
        now_s += cost_s
        spent_s += cost_s
        probing.end(now_s, cost_s=cost_s)
