"""Data change notifications, decoded with what was learned from the one before.

A machine's points change together, so messages come again with the same items in the same
order. Such a *shape* is one struct for the whole list. It is valid only where every client
handle, mask and variant type in the message equals the learned ones, so it can never give a
value to another point; everything else takes the general loop. A shape is learned when the same
items came twice running, since learning costs more than decoding.
"""

from __future__ import annotations

import struct
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from drivers.opcua.decoding.binary import DecodeError, count_at, decoding
from drivers.opcua.decoding.items import (
    HAS_SOURCE_TIME,
    HAS_STATUS,
    HEAD_BYTES,
    LAYOUTS,
    Columns,
    ItemLayout,
    end_of_diagnostics,
    read_items,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_ITEMS = 32_768
"""Items of all shapes of a subscription, about 150 bytes each; beyond, no more are learned."""

MISSES_TO_FORGET = 256
"""After so many messages that no shape decoded, all are forgotten and learned anew."""

LEAST_ITEMS = 2
"""Fewer items gain nothing."""

Pick: TypeAlias = "Callable[[tuple[Any, ...]], tuple[Any, ...]]"
"""Takes some places of an unpacked message."""

MOST_SAMPLES = 64
"""Samples of one point in a row that are told apart."""

_Key: TypeAlias = "tuple[int, int, bytes, int]"  # as `_key` says


class Shape:
    """One struct for a whole list of monitored items of known handles and types."""

    __slots__ = ("_floats", "_handles", "_heads", "_pick_heads", "_sources", "_statuses", "_unpack",
                 "_values")  # fmt: skip

    def __init__(
        self, handles: tuple[int, ...], layouts: list[ItemLayout], heads: list[bytes]
    ) -> None:
        body = "".join(f"{HEAD_BYTES}s{layout.body}" for layout in layouts)
        self._unpack: Callable[[bytes, int], tuple[Any, ...]] = struct.Struct(
            "<" + body
        ).unpack_from
        self._handles = handles
        self._heads = tuple(heads)
        self._floats = any(layout.floats for layout in layouts)
        masks = [layout.mask for layout in layouts]
        self._pick_heads, self._values = _picks(masks, 0), _picks(masks, 1)
        self._statuses = _optional(masks, HAS_STATUS)
        self._sources = _optional(masks, HAS_SOURCE_TIME)

    def decode(self, data: bytes, pos: int) -> Columns | None:
        """Decode a list of the same length in bytes; None where its items are others."""
        flat = self._unpack(data, pos)
        if self._pick_heads(flat) != self._heads:
            return None
        statuses = self._statuses(flat) if self._statuses is not None else None
        if statuses is not None and not any(statuses):
            statuses = None
        sources = self._sources(flat) if self._sources is not None else None
        return Columns(self._handles, self._values(flat), statuses, sources, floats=self._floats)


class NotificationDecoder:
    """Decodes the data change notifications of one subscription of `points` items."""

    def __init__(self, points: int) -> None:
        self.every_handle = tuple(range(points))
        """The handles of a message that holds every point once; compare with `is`."""
        self._shapes: dict[_Key, Shape] = {}
        self._seen: dict[_Key, int] = {}  # only the hash of the handles, which are many
        self._items = 0
        self._misses = 0
        self.shape_hits = 0
        """Messages that a learned shape decoded."""

    def decode(self, data: bytes, pos: int, end: int) -> Columns:
        """Decode the body of a DataChangeNotification between two positions.

        Raises:
            DecodeError: the bytes are torn or false, or name a client handle that is not ours.
        """
        with decoding("a notification"):
            count, first = count_at(data, pos, least_bytes=HEAD_BYTES - 1)
            key = _key(data, first, count, end - pos)
            shape = self._shapes.get(key)
            if shape is not None:
                columns = shape.decode(data, first)
                if columns is not None:
                    self.shape_hits += 1
                    return columns
            columns, behind = read_items(data, first, count)
            if end_of_diagnostics(data, behind) > end or end > len(data):
                raise DecodeError("a notification ends early")
        if columns.handles == self.every_handle:
            columns.handles = self.every_handle
        elif count and max(columns.handles) >= len(self.every_handle):
            raise DecodeError(f"no point has the client handle {max(columns.handles)}")
        self._consider(key, columns, data, first)
        return columns

    def _consider(self, key: _Key, columns: Columns, data: bytes, first: int) -> None:
        """Learn the shape if the same items came in the last message like this one, too."""
        count = key[1]
        self._misses += 1
        if self._misses > MISSES_TO_FORGET:
            self._forget()
        known = self._shapes.get(key)
        added = 0 if known is not None else count
        if count < LEAST_ITEMS or self._items + added > MOST_ITEMS:
            return
        told = hash(columns.handles)
        if self._seen.get(key) != told:
            self._seen[key] = told
            return
        shape = _learn(columns.handles, data, first)
        if shape is not None:
            self._shapes[key] = shape
            self._items += added

    def _forget(self) -> None:
        self._shapes.clear()
        self._seen.clear()
        self._items = self._misses = 0


def _key(data: bytes, pos: int, count: int, size: int) -> _Key:
    """Give what a message is known by: bytes, items, the first head, and how often that comes.

    A server samples its points alike, so that tells how many samples each of the others has.
    """
    head = data[pos : pos + HEAD_BYTES]
    layout = LAYOUTS[head[4:]]
    samples = 1
    if layout is not None:
        while samples < MOST_SAMPLES and data.startswith(head, pos + samples * layout.size):
            samples += 1
    return size, count, head, samples


def _learn(handles: tuple[int, ...], data: bytes, pos: int) -> Shape | None:
    """Compile the shape of a list that was decoded before; None where an item varies in width."""
    layouts: list[ItemLayout] = []
    heads: list[bytes] = []
    for _ in handles:
        head = data[pos : pos + HEAD_BYTES]
        layout = LAYOUTS[head[4:]]
        if layout is None:
            return None
        heads.append(head)
        layouts.append(layout)
        pos += layout.size
    return Shape(handles, layouts, heads)


def _optional(masks: list[int], bit: int) -> Pick | None:
    """Pick a field that every item has or none has; a mix is picked item by item."""
    present = [mask & bit for mask in masks]
    if not any(present):
        return None
    places = _starts(masks)
    offsets = [
        start + 2 + (1 if bit == HAS_SOURCE_TIME and mask & HAS_STATUS else 0)
        for start, mask in zip(places, masks, strict=True)
    ]
    if all(present):
        return _picker(offsets)
    wanted = [place if has else None for place, has in zip(offsets, present, strict=True)]

    def pick(flat: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([0 if place is None else flat[place] for place in wanted])

    return pick


def _picks(masks: list[int], field: int) -> Pick:
    """Pick the head (0) or the value (1) of every item."""
    return _picker([start + field for start in _starts(masks)])


def _starts(masks: list[int]) -> list[int]:
    """Give where each item's fields start in the unpacked tuple."""
    starts: list[int] = []
    place = 0
    for mask in masks:
        starts.append(place)
        place += 2 + (mask & (HAS_STATUS | HAS_SOURCE_TIME)).bit_count()
    return starts


def _picker(places: list[int]) -> Pick:
    """Pick these places of a tuple, by slice where they are evenly spaced (twice as fast)."""
    step = places[1] - places[0]
    if places == list(range(places[0], places[-1] + 1, step)):
        return itemgetter(slice(places[0], places[-1] + 1, step))
    return itemgetter(*places)
