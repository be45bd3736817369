"""Moving a row's times: exactly those the gateway stamped, by the step, and nothing else."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.publish.payload import GroupCodec
from agent.publish.redate import redated
from agent.store.events import event_body
from agent.store.outbox import Kind
from drivers.api import Frame

NS_PER_MS = 1_000_000
TIMES_MS = st.integers(0, 4_102_444_800_000)
SHIFTS_MS = st.integers(-2_000_000_000_000, 2_000_000_000_000)
VALUES = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(), st.none())


def rows(times_ms, values):
    codec = GroupCodec("dev", "grp", ["a", "b"], max_row_bytes=40_000)
    frames = [
        Frame("dev", "grp", at * NS_PER_MS, pair)
        for at, pair in zip(times_ms, values, strict=True)
    ]  # fmt: skip
    return codec.encode(frames)


def content(body):
    return orjson.loads(b"{" + body)


@given(
    scans=st.lists(st.tuples(TIMES_MS, st.tuples(VALUES, VALUES)), min_size=1, max_size=5),
    shift_ms=SHIFTS_MS,
)
def test_a_block_moves_as_a_whole(scans, shift_ms):
    """Every value's time moves by the step and every other byte stays as it was."""
    scans.sort(key=lambda scan: scan[0])
    times_ms, values = zip(*scans, strict=True)
    for row in rows(times_ms, values):
        moved = redated(Kind.DATA, row.body, shift_ms=shift_ms)
        before, after = content(row.body), content(moved)
        assert after.pop("t0") == max(0, before.pop("t0") + shift_ms)
        assert after == before
        assert moved.partition(b",")[2] == row.body.partition(b",")[2]


def test_a_step_of_nothing_copies_nothing():
    """Rows that need no new time are the same object."""
    body = b'"t0":5,"d":"x"}'
    assert redated(Kind.DATA, body, shift_ms=0) is body


@pytest.mark.parametrize("text", [b'"d":"x","t0":5}', b"", b'"t0":-5}'])
def test_what_is_no_block_is_refused(text):
    """A body that does not begin with its time is not touched in the hope that it is right."""
    with pytest.raises(ValueError, match="no block"):
        redated(Kind.DATA, text, shift_ms=1)


@pytest.mark.parametrize(
    ("kind", "fields", "moved"),
    [
        ("device", {"d": "x", "state": "online"}, {"t"}),
        ("missed", {"d": "x", "g": "g", "from": 900, "to": 990, "polls": 3}, {"t", "from", "to"}),
        ("dropped", {"from": 900, "to": 990, "rows": 3}, {"t"}),
        ("clock_step", {"from": 900, "to": 990, "by_ms": 90}, {"t"}),
    ],
)
def test_of_an_event_times_move_and_numbers_do_not(kind, fields, moved):
    """`from` and `to` move where they are times of the gateway, not where they number rows."""
    body = event_body(kind, t_ms=1000, **fields)
    before, after = content(body), content(redated(Kind.EVENT, body, shift_ms=500))
    assert {name for name in before if before[name] != after[name]} == moved
    assert all(after[name] - before[name] == 500 for name in moved)


def test_nothing_is_dated_before_1970():
    """A step back beyond 1970 ends there; the schema knows no earlier time."""
    body = event_body("device", t_ms=1000, d="x", state="online")
    assert content(redated(Kind.EVENT, body, shift_ms=-5000))["t"] == 0
