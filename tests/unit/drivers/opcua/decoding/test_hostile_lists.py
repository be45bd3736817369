"""Lists made to be taken for learned ones: no value under another's name, time or status."""

from __future__ import annotations

import math
import struct

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.decoding.items import read_items
from drivers.opcua.decoding.shape import HITS_TO_LOOK, NotificationDecoder

NOW = 134_000_000_000_000_000
TO_LEARN = 2 + HITS_TO_LOOK
INT32, FLOAT, DOUBLE, TEXT, ARRAY = 6, 10, 11, 12, 0x80
NAN = struct.pack("<d", math.nan)
VALUES = {INT32: b"\1\2\3\4", FLOAT: b"\0\0\x80?", DOUBLE: NAN, TEXT: b"\1\0\0\0x",
          ARRAY | INT32: b"\1\0\0\0\1\2\3\4"}  # fmt: skip


def item(handle, mask=0x07, kind=INT32, status=0, time=NOW):
    """Encode one item of fields in the standard's order; what the mask names, and no more."""
    return (
        struct.pack("<IB", handle, mask)
        + (bytes([kind]) + VALUES[kind] if mask & 0x01 else b"")
        + (struct.pack("<I", status) if mask & 0x02 else b"")
        + (struct.pack("<q", time) if mask & 0x04 else b"")
        + (b"pp" if mask & 0x10 else b"")
        + (struct.pack("<q", NOW + 1) if mask & 0x08 else b"")
        + (b"qq" if mask & 0x20 else b"")
    )


def body_of(items):
    return struct.pack("<i", len(items)) + b"".join(items) + struct.pack("<i", -1)


changed = st.fixed_dictionaries(
    {},
    optional={
        "mask": st.integers(0, 0x3F),
        "kind": st.sampled_from(list(VALUES)),
        "status": st.sampled_from([0x80310000, 0x40000000, 1]),
        "time": st.sampled_from([NOW + 1, 0, -1, NOW << 1]),
    },
)


@st.composite
def hostile(draw):
    """A list, and one like it: longer, shorter, in another order, doubled, of other fields."""
    fields = [{"handle": n, "kind": draw(st.sampled_from([INT32, FLOAT, DOUBLE]))}
              for n in range(draw(st.integers(2, 6)))]  # fmt: skip
    other = draw(st.permutations(fields))
    other = other[: draw(st.integers(1, len(other)))]
    other += draw(st.lists(st.sampled_from(fields), max_size=2))
    other = [one | draw(changed) for one in other]
    return body_of([item(**one) for one in fields]), body_of([item(**one) for one in other])


def told(columns):
    count = len(columns.handles)
    return (
        columns.handles,
        [struct.pack("<d", v) if isinstance(v, float) else v for v in columns.values],
        list(columns.statuses or [0] * count),
        list(columns.sources or [0] * count),
        columns.unfit.keys(),
    )


@settings(max_examples=60)
@given(hostile(), st.booleans())
def test_what_is_like_a_learned_list_is_read_as_it_stands(lists, both):
    """Whatever was learned, a list gives what the general loop gives, and so do later ones."""
    known, other = lists
    decoder = NotificationDecoder(10)
    for body in [known] * (TO_LEARN + 1) + [other, known] + [other] * (TO_LEARN * both) + [known]:
        columns = decoder.decode(body, 0, len(body))
        plain = [v if isinstance(v, int | float | str) else str(type(v)) for v in columns.values]
        columns.values = plain
        expected, _ = read_items(body, 4, int.from_bytes(body[:4], "little"))
        expected.values = [
            v if isinstance(v, int | float | str) else str(type(v)) for v in expected.values
        ]
        assert told(columns) == told(expected)
        if columns.pattern is not None:
            assert columns.statuses is None
            assert set(columns.sources) == set(columns.pattern)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0x05, 0x07, 0x0F, 0x3F]),
                          st.sampled_from([INT32, FLOAT]), st.sampled_from([0, 0x80310000])),
                min_size=2, max_size=6))  # fmt: skip
def test_the_library_reads_a_learned_list_the_same(found):
    """Handles, values, statuses and times are those that the library reads of the same bytes."""
    found = [(handle, mask & ~0x30, kind, status) for handle, mask, kind, status in found]
    good = body_of([item(handle, mask, kind) for handle, mask, kind, _ in found])
    body = body_of([item(handle, mask, kind, status) for handle, mask, kind, status in found])
    decoder = NotificationDecoder(10)
    for _ in range(TO_LEARN):
        decoder.decode(good, 0, len(good))
    columns = decoder.decode(body, 0, len(body))
    assert decoder.shape_hits == HITS_TO_LOOK + 1
    theirs = struct_from_binary(ua.DataChangeNotification, Buffer(body)).MonitoredItems
    assert columns.handles == tuple(one.ClientHandle for one in theirs)
    assert list(columns.values) == [one.Value.Value.Value for one in theirs]
    assert list(columns.statuses or [0] * len(theirs)) == [
        one.Value.StatusCode.value if one.Value.StatusCode else 0 for one in theirs
    ]
    assert [ua.win_epoch_to_datetime(ticks) for ticks in columns.sources] == [
        one.Value.SourceTimestamp for one in theirs
    ]


def test_what_is_not_a_number_is_still_said_to_be_possible():
    """A learned list of floats says that a value may be none, whatever it was when learned."""
    body = body_of([item(n, kind=DOUBLE) for n in range(3)])
    decoder = NotificationDecoder(10)
    for _ in range(TO_LEARN + 1):
        columns = decoder.decode(body, 0, len(body))
        assert columns.floats
        assert all(math.isnan(value) for value in columns.values)
    assert columns.pattern == (NOW,)


@pytest.mark.parametrize("more", [1, 4, 18])
def test_bytes_too_many_or_too_few_are_refused(more):
    """A learned list that promises items which are not there, or has a torn end, gives nothing."""
    good = body_of([item(n) for n in range(3)])
    decoder = NotificationDecoder(10)
    for _ in range(TO_LEARN + 1):
        decoder.decode(good, 0, len(good))
    with pytest.raises(DecodeError):
        decoder.decode(good[:-more], 0, len(good))
    promised = struct.pack("<i", 4) + good[4:]
    with pytest.raises(DecodeError):
        decoder.decode(promised, 0, len(promised))
