"""The last value of every tag, however the frames came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from unit.agent.normalize.engineering import BAD, GOOD, T_NS, UNCERTAIN, full, part, seen

from agent.telemetry.latest import NEVER, LatestGroup


def test_before_anything_was_read_there_is_nothing():
    """A tag nobody has read is bad, without value and time."""
    assert LatestGroup(2).all() == [NEVER, NEVER]
    assert (NEVER.value, NEVER.quality, NEVER.time_ns) == (None, BAD, None)


def test_a_silence_keeps_values_and_times_but_not_their_quality():
    """During a silence every value is bad with the reason; its time does not move."""
    latest = LatestGroup(2)
    latest.update(full(1, 2))
    latest.silence("BadNoCommunication")
    assert [tuple(v) for v in latest.all()] == [
        (1, BAD, "BadNoCommunication", T_NS), (2, BAD, "BadNoCommunication", T_NS),
    ]  # fmt: skip
    latest.update(part([0], 5, times_ns=(7,)))
    assert latest.value(0) == (5, GOOD, "", 7)
    assert latest.value(1) == (2, BAD, "BadNoCommunication", T_NS), "not given since"
    latest.update(full(3, 4))
    assert [v.quality for v in latest.all()] == [GOOD, GOOD]


def test_a_good_value_clears_a_bad_mark():
    """A partial frame without qualities makes its columns good again, and only those."""
    latest = LatestGroup(2)
    latest.update(part([0, 1], None, 2, marks=[BAD, UNCERTAIN], reasons={0: "A", 1: "B"}))
    latest.update(part([0], 9))
    assert [(v.value, v.quality, v.reason) for v in latest.all()] == [
        (9, GOOD, ""), (2, UNCERTAIN, "B"),
    ]  # fmt: skip


ENTRY = st.tuples(st.integers(0, 2), st.integers(0, 9), st.sampled_from([GOOD, UNCERTAIN, BAD]))
STEP = st.tuples(st.booleans(), st.booleans(), st.lists(ENTRY, min_size=3, max_size=5))


@given(st.lists(STEP, max_size=20))
def test_it_is_what_a_table_of_last_values_is(steps):
    """Over any mix of full and partial frames every tag has what was seen of it last."""
    latest, table = LatestGroup(3), {}
    for number, (is_full, own_times, drawn) in enumerate(steps):
        entries = drawn[:3] if is_full else drawn
        columns = [0, 1, 2] if is_full else [c for c, *_ in entries]
        marks = [mark for *_, mark in entries]
        values = [None if mark == BAD else value for _, value, mark in entries]
        fields = {
            "marks": marks if set(marks) != {GOOD} else None,
            "reasons": {i: f"r{i}" for i, m in enumerate(marks) if m != GOOD} or None,
            "read_ns": T_NS + number,
            "times_ns": tuple(range(len(columns))) if own_times else None,
        }
        frame = full(*values, **fields) if is_full else part(columns, *values, **fields)
        latest.update(frame)
        table |= {c: rest for c, *rest in seen(frame)}
        assert latest.times_ns() == {c: rest[-1] for c, rest in table.items()}
    assert [list(v) for v in latest.all()] == [table.get(c, list(NEVER)) for c in range(3)]
