"""A flood of alarms: nothing uncounted, the last word of every alarm told, the rate kept."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from agent.collect.chatter import MOST_WAITING, REST_S, Chatter
from drivers.api import Alert


def alert(key="a", *, active=True, message="m", n=0):
    return Alert(time_ns=n, severity=500, source="L1", kind="Alarm", message=message,
                 active=active, key=key)  # fmt: skip


def test_the_first_report_is_told_at_once():
    """An alarm does not wait for company."""
    chatter = Chatter(per_minute=60)
    chatter.offer(alert())
    assert [repeats for _, repeats in chatter.due(100.0)] == [0]
    assert chatter.next_s(100.0) == inf


def test_a_chattering_alarm_is_told_once_a_second_with_its_last_word():
    """Ten changes within a second become one report: the newest, with how many it replaced."""
    chatter = Chatter(per_minute=60)
    chatter.offer(alert(n=1))
    chatter.due(0.0)
    for n in range(10):
        chatter.offer(alert(active=bool(n % 2), n=n + 2))
        assert chatter.due(0.05 * n) == []
    assert chatter.next_s(0.5) == REST_S
    ((told, repeats),) = chatter.due(REST_S)
    assert (told.time_ns, told.active, repeats) == (11, True, 9)


def test_events_without_a_key_are_one_by_their_words():
    """Two messages of one source are two; the same message again is a repeat."""
    chatter = Chatter(per_minute=60)
    for words in ("door", "door", "coolant"):
        chatter.offer(alert(key="", message=words))
    assert [(a.message, repeats) for a, repeats in chatter.due(0.0)] == [
        ("door", 1), ("coolant", 0),
    ]  # fmt: skip


def test_more_than_the_rate_waits_for_its_turn():
    """Beyond the bucket alarms wait, and come one by one as it fills."""
    chatter = Chatter(per_minute=6)
    for n in range(8):
        chatter.offer(alert(key=str(n)))
    assert len(chatter.due(0.0)) == 6
    assert chatter.due(5.0) == []
    assert chatter.next_s(5.0) == 10.0
    assert [a.key for a, _ in chatter.due(10.0)] == ["6"]
    assert [a.key for a, _ in chatter.due(20.0)] == ["7"]


def test_what_finds_no_room_is_dropped_and_counted():
    """Of too many different alarms the oldest go, their repeats with them, and are counted."""
    chatter = Chatter(per_minute=1)
    chatter.offer(alert(key="first"))
    chatter.offer(alert(key="first"))
    for n in range(MOST_WAITING):
        chatter.offer(alert(key=str(n)))
    assert chatter.take_dropped() == 2
    assert chatter.take_dropped() == 0
    assert len(chatter.rest()) == MOST_WAITING


STEPS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.booleans(), st.floats(0, 3)), max_size=120
)


@given(steps=STEPS, per_minute=st.integers(1, 120))
def test_every_report_is_told_replaced_or_dropped(steps, per_minute):
    """Offered = told + replaced + dropped, and the last told of each alarm is its last report."""
    chatter, now_s, told, last = Chatter(per_minute=per_minute), 0.0, [], {}
    for n, (key, active, pause_s) in enumerate(steps):
        now_s += pause_s
        chatter.offer(alert(key=key, active=active, n=n))
        last[key] = n
        due = chatter.due(now_s)
        told += due
        assert chatter.next_s(now_s) > now_s or not due or chatter.due(now_s) == []
    told += chatter.rest()
    replaced = sum(repeats for _, repeats in told)
    assert len(steps) == len(told) + replaced + chatter.take_dropped()
    assert {a.key: a.time_ns for a, _ in told} == last
