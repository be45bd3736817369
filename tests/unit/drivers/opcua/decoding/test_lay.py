"""Lists that are compared as whole numbers give what the general loop gives, or nothing."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.decoding.items import read_items
from drivers.opcua.decoding.plain import MOST_TURNS, period_of
from drivers.opcua.decoding.shape import HITS_TO_LOOK, ODD_TO_LOOK, NotificationDecoder
from drivers.opcua.decoding.values import SCALARS

NOW = 134_000_000_000_000_000
POINTS = 20
WITH_VALUE_AND_TIME = 0x05
STATUS, SERVER_TIME, PICOSECONDS = 0x02, 0x08, 0x10
TO_LEARN = 2 + HITS_TO_LOOK
"""So many messages alike, and all is learned of them: they came, they came again, their times."""


@st.composite
def lists(draw):
    """The items of a list: (handle, mask, variant type), several samples of each point."""
    samples = draw(st.integers(1, 4))
    more = draw(st.sampled_from([0, STATUS, SERVER_TIME, PICOSECONDS, STATUS | SERVER_TIME]))
    points = draw(
        st.lists(
            st.tuples(
                st.integers(0, POINTS - 1),
                st.just(WITH_VALUE_AND_TIME | more),
                st.sampled_from(list(SCALARS)),
            ),
            min_size=1,
            max_size=6,
        )
    )
    items = [item for item in points for _ in range(samples)]
    if len(items) < 2:
        items *= 2
    return items[: len(items) - draw(st.integers(0, min(len(items) - 2, samples - 1)))]


def body_of(items, times, values):
    """Encode a list whose items take the times in turn; `values` are bytes for the values."""
    encoded = []
    for at, (handle, mask, kind) in enumerate(items):
        size = struct.calcsize("<" + SCALARS[kind])
        encoded.append(
            struct.pack("<IBB", handle, mask, kind)
            + bytes(values[(at + n) % len(values)] for n in range(size))
            + (bytes(4) if mask & STATUS else b"")
            + struct.pack("<q", times[at % len(times)])
            + (b"pp" if mask & PICOSECONDS else b"")
            + (b"servtime" if mask & SERVER_TIME else b"")
        )
    return struct.pack("<i", len(items)) + b"".join(encoded) + struct.pack("<i", -1)


def told(columns):
    """Give what columns say, floats by their bytes: what is not a number is equal to itself."""
    count = len(columns.handles)
    return (
        columns.handles,
        [struct.pack("<d", v) if isinstance(v, float) else v for v in columns.values],
        list(columns.statuses or [0] * count),
        list(columns.sources or [0] * count),
        columns.unfit,
    )


def general(body):
    columns, _ = read_items(body, 4, int.from_bytes(body[:4], "little"))
    return told(columns)


distinct = st.lists(st.integers(NOW, NOW + 10**9), min_size=1, max_size=4)
some_bytes = st.binary(min_size=1, max_size=16)


@settings(max_examples=60)
@given(lists(), st.lists(st.tuples(distinct, some_bytes), min_size=TO_LEARN, max_size=TO_LEARN + 3))
def test_a_learned_list_gives_what_the_general_loop_gives(items, messages):
    """Whatever the times of the messages, however often they repeat, the columns are the same."""
    decoder = NotificationDecoder(POINTS)
    for times, values in messages:
        body = body_of(items, times, values)
        columns = decoder.decode(body, 0, len(body))
        assert told(columns) == general(body)
        if columns.pattern is not None:
            count, pattern = len(items), columns.pattern
            again = (pattern * count)[:count]
            assert tuple(columns.sources) == again
            assert columns.statuses is None


@settings(max_examples=60)
@given(lists(), distinct, some_bytes, st.data())
def test_no_changed_bit_goes_unseen(items, times, values, data):
    """A bit that differs from what was learned, wherever it is, is decoded as it stands there."""
    decoder = NotificationDecoder(POINTS)
    good = body_of(items, times, values)
    for _ in range(TO_LEARN):
        decoder.decode(good, 0, len(good))
    assert decoder.shape_hits == HITS_TO_LOOK
    place = data.draw(st.integers(4, len(good) - 5))
    changed = bytearray(good)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    body = bytes(changed)
    try:
        expected = NotificationDecoder(POINTS).decode(body, 0, len(body))
    except DecodeError:
        with pytest.raises(DecodeError):
            decoder.decode(body, 0, len(body))
        return
    assert told(decoder.decode(body, 0, len(body))) == told(expected)


@settings(max_examples=60)
@given(lists(), distinct, some_bytes, st.data())
def test_a_bad_status_is_seen(items, times, values, data):
    """A status among good ones is told at its own place."""
    items = [(handle, mask | STATUS, kind) for handle, mask, kind in items]
    decoder = NotificationDecoder(POINTS)
    good = body_of(items, times, values)
    for _ in range(TO_LEARN):
        decoder.decode(good, 0, len(good))
    which = data.draw(st.integers(0, len(items) - 1))
    at = len(body_of(items[:which], times, values)) - 4
    at += 6 + struct.calcsize("<" + SCALARS[items[which][2]])
    bad = good[:at] + struct.pack("<I", 0x80310000) + good[at + 4 :]
    columns = decoder.decode(bad, 0, len(bad))
    assert decoder.shape_hits == HITS_TO_LOOK + 1
    assert [place for place, code in enumerate(columns.statuses) if code] == [which]
    assert columns.pattern is None


def test_a_list_that_ends_early_is_refused():
    """A shape does not read behind the end of the bytes."""
    items = [(n, WITH_VALUE_AND_TIME, 11) for n in range(4)]
    decoder = NotificationDecoder(POINTS)
    body = body_of(items, [NOW], b"12345678")
    for _ in range(TO_LEARN):
        decoder.decode(body, 0, len(body))
    with pytest.raises(DecodeError, match="early"):
        decoder.decode(body[:-12], 0, len(body))


def test_times_that_repeat_otherwise_for_long_are_learned_without_the_rest():
    """After enough messages whose times repeat otherwise, these are what is expected."""
    items = [(n // 2, WITH_VALUE_AND_TIME, 11) for n in range(8)]
    decoder = NotificationDecoder(POINTS)
    once = body_of(items, [NOW], b"12345678")
    twice = body_of(items, [NOW, NOW + 7], b"12345678")
    patterns = [decoder.decode(once, 0, len(once)).pattern for _ in range(TO_LEARN)]
    assert patterns == [None] * (TO_LEARN - 1) + [(NOW,)]
    for _ in range(ODD_TO_LOOK):
        assert decoder.decode(twice, 0, len(twice)).pattern is None
    for _ in range(2):
        assert decoder.decode(twice, 0, len(twice)).pattern == (NOW, NOW + 7)
    assert decoder.shape_hits == HITS_TO_LOOK + ODD_TO_LOOK + 2  # no general loop, nothing anew


@pytest.mark.parametrize("period", range(1, MOST_TURNS + 3))
def test_times_are_told_in_turn_however_many(period):
    """Few times are compared as a number, many one by one: either way they are told, once known."""
    items = [(n // period, WITH_VALUE_AND_TIME | STATUS, 11) for n in range(3 * period)]
    decoder = NotificationDecoder(POINTS)
    for start in range(TO_LEARN + 3):
        times = [NOW + 10**8 * start + 10**6 * at + (start * at) ** 2 for at in range(period)]
        body = body_of(items, times, b"12345678")
        columns = decoder.decode(body, 0, len(body))
        assert told(columns) == general(body)
    assert columns.pattern == tuple(times)


@pytest.mark.parametrize("time", [0, -1, -NOW, 2**63 - 1])
def test_a_time_before_all_times_is_none_that_repeats(time):
    """No time, or a false one, is never one that others may be told by."""
    items = [(n, WITH_VALUE_AND_TIME, 6) for n in range(4)]
    decoder = NotificationDecoder(POINTS)
    for times in [[NOW]] * (TO_LEARN + 1) + [[time], [NOW, time], [time, NOW]] * 9:
        body = body_of(items, times, b"12345678")
        columns = decoder.decode(body, 0, len(body))
        assert told(columns) == general(body)
        assert columns.pattern is None or min(columns.pattern) > 0


@pytest.mark.parametrize(
    ("sources", "period"),
    [
        (None, 0), ((), 0), ((5, 5, 5), 1), ((5, 6, 5, 6), 2), ((5, 6, 5), 2), ((5, 6, 7), 3),
        ((5, 5, 6), 0), ((1, 2, 3, 4, 5, 1), 0),
    ],
)  # fmt: skip
def test_the_period_of_times(sources, period):
    """Times repeat from the first to the last, the last turn perhaps cut short."""
    assert period_of(sources, most=4) == period
