"""Learned shapes give what the general loop gives, or nothing."""

from __future__ import annotations

import gc
import struct
import tracemalloc

from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st
from unit.drivers.opcua.opcua_wire import SCALAR_VALUES, Sample, messages, notification

from drivers.opcua.decoding.items import read_items
from drivers.opcua.decoding.shape import (
    HITS_TO_LOOK,
    MISSES_TO_FORGET,
    MOST_BYTES_PER_ITEM,
    MOST_ITEMS,
    NotificationDecoder,
)
from drivers.opcua.decoding.values import SCALARS

FIXED = [ua.VariantType(number) for number in SCALARS if number != ua.VariantType.StatusCode]
times = st.none() | st.integers(1, 2**62)


@st.composite
def layouts(draw):
    """Draw what stays the same from message to message: handles, types and masks."""
    count = draw(st.integers(2, 8))
    return [
        (
            draw(st.integers(0, 99)),
            draw(st.sampled_from(FIXED)),
            draw(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans())),
        )
        for _ in range(count)
    ]


def message_of(layout, draw):
    def sample(kind, masks):
        value = ua.Variant(draw(SCALAR_VALUES[kind]), kind)
        status, source, picos, server = masks
        return Sample(
            value,
            draw(st.sampled_from([0, 0x80310000])) if status else None,
            draw(st.integers(0, 2**62)) if source else None,
            1 if picos else None,
            2 if server else None,
        )

    return notification([(handle, sample(kind, masks)) for handle, kind, masks in layout])


def plain(columns):
    count = len(columns.handles)
    return (
        columns.handles,
        list(columns.values),
        list(columns.statuses or [0] * count),
        list(columns.sources or [0] * count),
        columns.unfit,
    )


def general(body):
    columns, _ = read_items(body, 4, int.from_bytes(body[:4], "little"))
    return plain(columns)


@given(layouts(), st.data())
def test_shape_equals_general_loop(layout, data):
    """The third message of the same items is decoded by its shape, with the same result."""
    decoder = NotificationDecoder(100)
    for _ in range(4):
        body = message_of(layout, data.draw)
        assert plain(decoder.decode(body, 0, len(body))) == general(body)
    assert decoder.shape_hits == 2


@given(layouts(), layouts(), st.data())
def test_shape_never_decodes_other_items(first, second, data):
    """A learned shape does not touch a message with other handles, types or masks."""
    decoder = NotificationDecoder(100)
    for layout in (first, first, second, first, second, second, first):
        body = message_of(layout, data.draw)
        assert plain(decoder.decode(body, 0, len(body))) == general(body)


@given(st.lists(messages, max_size=6))
def test_any_sequence_equals_general_loop(sequence):
    """Whatever was learned before, every message decodes as it would alone."""
    decoder = NotificationDecoder(100)
    for message in [*sequence, *sequence, *sequence]:
        body = notification(message)
        assert plain(decoder.decode(body, 0, len(body))) == general(body)


def test_handles_swapped_in_a_learned_shape():
    """Two points of one type that change places keep their own values."""
    one, two = (Sample(ua.Variant(n, ua.VariantType.Int32)) for n in (1, 2))
    decoder = NotificationDecoder(10)
    for _ in range(3):
        body = notification([(4, one), (5, two)])
        decoder.decode(body, 0, len(body))
    assert decoder.shape_hits == 1
    body = notification([(5, two), (4, one)])
    swapped = decoder.decode(body, 0, len(body))
    assert dict(zip(swapped.handles, swapped.values, strict=True)) == {5: 2, 4: 1}


def test_learns_only_what_comes_twice():
    """Messages whose items differ each time are never learned."""
    sample = Sample(ua.Variant(1, ua.VariantType.Int32))
    decoder = NotificationDecoder(100)
    for start in range(50):
        body = notification([(start, sample), (start + 1, sample)])
        decoder.decode(body, 0, len(body))
    assert (decoder.shape_hits, decoder._shapes) == (0, {})


def test_memory_of_shapes_is_bounded():
    """However many sizes come, the shapes kept have few items in all, and old ones go."""
    sample = Sample(ua.Variant(1, ua.VariantType.Int32))
    decoder = NotificationDecoder(2000)
    for count in range(2, 400):
        body = notification([(handle, sample) for handle in range(count)])
        for _ in range(3):
            decoder.decode(body, 0, len(body))
    learned = sum(len(shape.handles) for shape in decoder._shapes.values())
    assert learned == decoder._items <= MOST_ITEMS
    assert len(decoder._seen) <= MISSES_TO_FORGET
    assert decoder.shape_hits > 300


def long_list(start, now, *, items=2000, times=4):
    """Encode a list of items as wide as can be learned, of types in another order each time."""
    kinds = [(kind, struct.calcsize("<" + SCALARS[kind])) for kind in (1, 11, 6, 11, 4, 8)]
    encoded = b"".join(
        struct.pack("<IBB", start + at, 0x3F, kinds[(start + at * at) % 6][0])
        + bytes(kinds[(start + at * at) % 6][1] + 4)
        + struct.pack("<q", now + at % times)
        + bytes(12)
        for at in range(items)
    )
    return struct.pack("<i", items) + encoded + struct.pack("<i", -1)


def test_memory_of_long_lists_is_bounded_in_bytes():
    """Lists as wide as can be, learned with their times, take no more bytes an item than said."""
    bodies = [long_list(start, 10**17) for start in range(MOST_ITEMS // 2000 + 2)]
    decoder = NotificationDecoder(3000)
    for body in bodies[:1] * 9:
        decoder.decode(body, 0, len(body))  # what the process keeps for ever is there
    decoder._forget()
    tracemalloc.start()
    try:
        for body in bodies:
            for _ in range(2 + HITS_TO_LOOK):
                decoder.decode(body, 0, len(body))
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert MOST_ITEMS - 2000 < decoder._items <= MOST_ITEMS
    assert len(decoder._lays) <= len(decoder._shapes)
    assert decoder._items * 50 < kept <= MOST_ITEMS * MOST_BYTES_PER_ITEM
    decoder._forget()
    assert len(decoder._lays) == 0


def test_how_a_list_lies_is_kept_once_and_goes_with_the_last_shape():
    """Lists of other points that lie alike share it; a repeating period costs no general loop."""
    sample = Sample(ua.Variant(1, ua.VariantType.Int32), source=5)
    decoder = NotificationDecoder(100)
    for _ in range(9):
        for start in range(0, 50, 10):
            body = notification([(start + n, sample) for n in range(10)])
            decoder.decode(body, 0, len(body))
    assert (len(decoder._shapes), len(decoder._lays)) == (5, 1)


def test_what_is_always_another_list_is_learned_ever_more_rarely():
    """Lists of one kind with other points each time are not learned each time in vain."""
    sample = Sample(ua.Variant(1, ua.VariantType.Int32))
    decoder = NotificationDecoder(100)
    shapes = set()
    for last in range(1, 65):
        body = notification([(0, sample), (last, sample)])
        assert decoder.decode(body, 0, len(body)).handles == (0, last)
        shapes.update(shape.handles for shape in decoder._shapes.values())
    assert sorted(shapes) == [(0, 2), (0, 4), (0, 8), (0, 16), (0, 32), (0, 64)]


def test_messages_that_take_turns_are_all_learned():
    """Messages of one size that hold other items by turns each have their shape."""
    sample = Sample(ua.Variant(1, ua.VariantType.Int32))
    decoder = NotificationDecoder(100)
    for _ in range(5):
        for start in range(0, 50, 10):
            body = notification([(start + n, sample) for n in range(10)])
            assert decoder.decode(body, 0, len(body)).handles == tuple(range(start, start + 10))
    assert decoder.shape_hits == 15


def test_every_point_once_is_told_by_identity():
    """A message that holds every point in order has the decoder's own tuple of handles."""
    sample = Sample(ua.Variant(1.5, ua.VariantType.Double))
    decoder = NotificationDecoder(3)
    for _ in range(4):
        body = notification([(handle, sample) for handle in range(3)])
        assert decoder.decode(body, 0, len(body)).handles is decoder.every_handle


def test_messages_of_one_size_with_more_or_fewer_samples_have_shapes_of_their_own():
    """Where a server falls behind now and then, its two kinds of messages both stay learned."""
    decoder = NotificationDecoder(12)
    once = [(handle, Sample(ua.Variant(1.5, ua.VariantType.Double))) for handle in range(12)]
    twice = [item for item in once[:6] for _ in range(2)]
    for _ in range(6):
        for items in (once, twice):
            body = notification(items)
            assert plain(decoder.decode(body, 0, len(body))) == general(body)
    assert decoder.shape_hits == 2 * (6 - 2)
    assert decoder._items == 2 * 12
