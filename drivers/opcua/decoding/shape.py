"""Data change notifications, decoded with what was learned from the one before.

A machine's points change together, so messages come again with the same items in the same
order. Such a *shape* is one struct for the whole list. It is valid only where every client
handle, mask and variant type in the message equals the learned ones, so it can never give a
value to another point; everything else takes the general loop. A shape is learned from the second
message of its kind, which it decodes itself at the cost of the general loop: a server that falls
behind now and then, and cuts its messages otherwise for a while, costs little.
"""

from __future__ import annotations

import struct
from itertools import accumulate, chain
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

_HANDLE = struct.Struct(f"<I{HEAD_BYTES - 4}x")

_Key: TypeAlias = "tuple[int, int, bytes, int]"  # as `_key` says


class Shape:
    """One struct for a whole list of monitored items of known handles and types."""

    __slots__ = ("_floats", "_heads", "_pick_heads", "_sources", "_statuses", "_unpack", "_values",
                 "handles", "size")  # fmt: skip

    def __init__(self, layouts: list[ItemLayout], data: bytes, pos: int) -> None:
        """Learn it from a list of items that lie so."""
        whole = struct.Struct("<" + "".join([layout.item for layout in layouts]))
        self._unpack: Callable[[bytes, int], tuple[Any, ...]] = whole.unpack_from
        self.size = whole.size
        """Bytes of the list."""
        self._floats = any(layout.floats for layout in layouts)
        masks = [layout.mask for layout in layouts]
        self._pick_heads, self._values, self._statuses, self._sources = _pickers(masks)
        self._heads = self._pick_heads(self._unpack(data, pos))
        self.handles: tuple[int, ...] = tuple(
            chain.from_iterable(_HANDLE.iter_unpack(b"".join(self._heads)))
        )
        """Client handle of each item."""

    def decode(self, data: bytes, pos: int) -> Columns | None:
        """Decode a list of the same length in bytes; None where its items are others."""
        flat = self._unpack(data, pos)
        if self._pick_heads(flat) != self._heads:
            return None
        statuses = self._statuses(flat) if self._statuses is not None else None
        if statuses is not None and not any(statuses):
            statuses = None
        sources = self._sources(flat) if self._sources is not None else None
        return Columns(self.handles, self._values(flat), statuses, sources, floats=self._floats)


class NotificationDecoder:
    """Decodes the data change notifications of one subscription of `points` items."""

    def __init__(self, points: int) -> None:
        self.every_handle = tuple(range(points))
        """The handles of a message that holds every point once; compare with `is`."""
        self._shapes: dict[_Key, Shape] = {}
        self._seen: set[_Key] = set()
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
            return self._decode_unknown(key, data, first, end)

    def _decode_unknown(self, key: _Key, data: bytes, first: int, end: int) -> Columns:
        """Decode what no shape knows; learn its shape if one of its kind came before."""
        count = key[1]
        self._misses += 1
        if self._misses > MISSES_TO_FORGET:
            self._forget()
        shape = _learned(data, first, count) if key in self._seen else None
        columns = None if shape is None else shape.decode(data, first)
        if shape is not None and columns is not None:
            behind = first + shape.size
        else:
            columns, behind = read_items(data, first, count)
        if end_of_diagnostics(data, behind) > end or end > len(data):
            raise DecodeError("a notification ends early")
        if columns.handles == self.every_handle:
            columns.handles = self.every_handle
        elif count and max(columns.handles) >= len(self.every_handle):
            raise DecodeError(f"no point has the client handle {max(columns.handles)}")
        self._seen.add(key)
        if shape is not None:
            shape.handles = columns.handles
            self._keep(key, shape)
        return columns

    def _keep(self, key: _Key, shape: Shape) -> None:
        """Keep a shape if there is room; it takes the place of the one known by the same key."""
        added = 0 if key in self._shapes else key[1]
        if self._items + added <= MOST_ITEMS:
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


def _learned(data: bytes, pos: int, count: int) -> Shape | None:
    """Give the shape of a list; None where an item varies in width, or there are too few."""
    if count < LEAST_ITEMS:
        return None
    layouts = _layouts(data, pos, count)
    return None if layouts is None else Shape(layouts, data, pos)


def _layouts(data: bytes, pos: int, count: int) -> list[ItemLayout] | None:
    """Give how each item of a list lies; None where one varies in width."""
    layouts: list[ItemLayout] = []
    for _ in range(count):
        layout = LAYOUTS[data[pos + 4 : pos + HEAD_BYTES]]
        if layout is None:
            return None
        layouts.append(layout)
        pos += layout.size
    return layouts


def _pickers(masks: list[int]) -> tuple[Pick, Pick, Pick | None, Pick | None]:
    """Pick heads, values, and the statuses and source times that are there, of all items."""
    mask = masks[0]
    if masks.count(mask) == len(masks):
        step = _fields(mask)
        status = _every(2, step) if mask & HAS_STATUS else None
        source = _every(step - 1, step) if mask & HAS_SOURCE_TIME else None
        return _every(0, step), _every(1, step), status, source
    starts = [0, *accumulate([_fields(mask) for mask in masks[:-1]])]
    return (
        itemgetter(*starts),
        itemgetter(*[start + 1 for start in starts]),
        _optional(masks, starts, HAS_STATUS),
        _optional(masks, starts, HAS_SOURCE_TIME),
    )


def _fields(mask: int) -> int:
    """Tell how many fields an item has: its head, its value, what follows."""
    return 2 + (mask & (HAS_STATUS | HAS_SOURCE_TIME)).bit_count()


def _every(first: int, step: int) -> Pick:
    """Pick evenly spaced places, twice as fast as one by one."""
    return itemgetter(slice(first, None, step))


def _optional(masks: list[int], starts: list[int], bit: int) -> Pick | None:
    """Pick a field that some items have; 0 where it is absent."""
    if not any(mask & bit for mask in masks):
        return None
    behind = 3 if bit == HAS_SOURCE_TIME else 2
    wanted = [
        start + (behind if mask & HAS_STATUS else 2) if mask & bit else None
        for start, mask in zip(starts, masks, strict=True)
    ]

    def pick(flat: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([0 if place is None else flat[place] for place in wanted])

    return pick
