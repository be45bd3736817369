"""The short way for full, good scans gives the very rows that the careful way gives."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.publish.payload import GroupCodec
from agent.publish.scans import FullScans
from drivers.api import Frame

T_NS = 1_790_000_000_000_000_000
CARRIED = st.one_of(
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(max_size=4),
)


@st.composite
def scans(draw):
    """Some full, good frames of one group, wide or narrow."""
    width = draw(st.integers(1, 8))
    rows = st.lists(CARRIED, min_size=width, max_size=width).map(tuple)
    values = draw(st.lists(rows, min_size=1, max_size=5))
    return [Frame("d", "g", T_NS + at * 10**9, row) for at, row in enumerate(values)]


@given(scans(), st.integers(60, 400), st.integers(1, 3))
def test_both_ways_give_the_same_rows(frames, limit, times):
    """Told which columns they have, frames go the careful way: not one byte differs."""
    width = len(frames[0].values)
    names = [f"m{at}" for at in range(width)]
    told = [replace(frame, columns=tuple(range(width))) for frame in frames]
    short = GroupCodec("d", "g", names, max_row_bytes=limit)
    careful = GroupCodec("d", "g", names, max_row_bytes=limit)
    for _ in range(times):  # what fits is learned alike
        assert short.encode(frames) == careful.encode(told)


def test_a_row_is_not_touched_by_the_next():
    """Columns that are kept are not seen in rows made before."""
    codec = GroupCodec("d", "g", ["a", "b"], max_row_bytes=1000)
    (first,) = codec.encode([Frame("d", "g", T_NS, (1, "x"))])
    (second,) = codec.encode([Frame("d", "g", T_NS, (2, None))])
    assert (b'"s":{"a":[1],"b":["x"]}' in first.body, first.values) == (True, 2)
    assert b'"s":{"a":[2],"b":[null]}' in second.body


def test_what_needs_care_is_left_to_others():
    """Too large a row, bytes and integers beyond 2^53 give nothing at all."""
    full = FullScans("d", "g", ("a", "b"))

    def rows(*scans, most_bytes=1000):
        return full.rows(
            scans, t0_ms=0, offsets_ms=[0] * len(scans), most_values=1, most_bytes=most_bytes
        )

    assert len(rows((1, 2), (3, 4))) == 2
    assert rows((1, 2), most_bytes=20) is None
    assert rows((1, b"\x01")) is None
    assert rows((1, 2), (3, 2**53)) is None
