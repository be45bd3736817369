"""Data change notifications, decoded with what was learned from the one before.

A machine's points change together, so messages come again with the same items in the same
order. Such a *shape* is one struct for the whole list. It is valid only where every client
handle, mask and variant type in the message equals the learned ones, so it can never give a
value to another point; everything else takes the general loop. A shape is learned from the second
message of its kind, which it decodes itself at the cost of the general loop; how its times repeat
is learned only once it has decoded some: a server that falls behind, and cuts its messages
otherwise each time, costs no more than without. How the bytes of a list lie is kept once for
all shapes that lie alike, and goes with the last of them.
"""

from __future__ import annotations

import struct
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakValueDictionary

from drivers.opcua.decoding.binary import DecodeError, count_at, decoding
from drivers.opcua.decoding.items import (
    HEAD_BYTES,
    LAYOUTS,
    Columns,
    ItemLayout,
    end_of_diagnostics,
    read_items,
)
from drivers.opcua.decoding.lay import Lay
from drivers.opcua.decoding.plain import period_of, repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.decoding.plain import Plain

MOST_ITEMS = 32_768
"""Items of all shapes of a subscription; beyond, no more are learned."""

MOST_BYTES_PER_ITEM = 500
"""What a shape takes an item at most, its handle and how it lies included; usually 300."""

HITS_TO_LOOK = 3
"""After so many messages a shape learns how the source times repeat."""

ODD_TO_LOOK = 16
"""After so many messages in a row whose source times do not repeat as learned, or whose statuses
are not all good, a shape looks again how they repeat."""

MISSES_TO_FORGET = 256
"""After so many messages that no shape decoded, all are forgotten and learned anew."""

LEAST_ITEMS = 2
"""Fewer items gain nothing."""

MOST_SAMPLES = 64
"""Samples of one point in a row that are told apart."""

_HANDLE = struct.Struct(f"<I{HEAD_BYTES - 4}x")

_Key: TypeAlias = "tuple[int, int, bytes, int]"  # as `_key` says


class Shape:
    """A list of monitored items of known handles and types."""

    __slots__ = ("_heads", "_odd", "_period", "_plain", "handles", "lay")

    def __init__(self, lay: Lay, handles: tuple[int, ...], data: bytes, pos: int) -> None:
        """Learn it from a list of items that lie so."""
        self.lay = lay
        """How the items lie."""
        self.handles = handles
        """Client handle of each item."""
        self._heads = lay.heads(lay.number(data, pos))
        self._period = 0
        self._plain: Plain | None = None
        self._odd = ODD_TO_LOOK - HITS_TO_LOOK

    def decode(self, data: bytes, pos: int) -> Columns | None:
        """Decode a list of the same length in bytes; None where its items are others."""
        lay, plain = self.lay, self._plain
        number = lay.number(data, pos)
        times = plain.times(data, pos) if plain is not None else None
        if plain is not None and times is not None and plain.holds(number, self._heads, times):
            self._odd = 0
            again = -(-lay.count // len(times))
            return Columns(
                self.handles, plain.values(data, pos), None, (times * again)[: lay.count],
                floats=lay.floats, pattern=times,
            )  # fmt: skip
        if lay.heads(number) != self._heads:
            return None
        values, statuses, sources = lay.fields(data, pos)
        if statuses is not None and not any(statuses):
            statuses = None
        pattern = repeated(sources, self._period) if statuses is None else None
        if pattern is not None:
            self._odd = 0
        elif self._looks_again(sources) and statuses is None:
            pattern = repeated(sources, self._period)
        return Columns(self.handles, values, statuses, sources, floats=lay.floats, pattern=pattern)

    def _looks_again(self, sources: Sequence[int] | None) -> bool:
        """Count a list that is not as expected; after enough of them learn how its times repeat."""
        self._odd += 1
        if self._odd <= ODD_TO_LOOK:
            return False
        self._odd = 0
        self._period = period_of(sources, most=MOST_SAMPLES)
        self._plain = self.lay.plain(self._period)
        return True


class NotificationDecoder:
    """Decodes the data change notifications of one subscription of `points` items."""

    def __init__(self, points: int) -> None:
        self.every_handle = tuple(range(points))
        """The handles of a message that holds every point once; compare with `is`."""
        self._shapes: dict[_Key, Shape] = {}
        self._lays: WeakValueDictionary[bytes, Lay] = WeakValueDictionary()
        self._seen: dict[_Key, int] = {}
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
                    _check_end(data, first + shape.lay.size, end)
                    self.shape_hits += 1
                    return columns
            return self._decode_unknown(key, data, first, end)

    def _decode_unknown(self, key: _Key, data: bytes, first: int, end: int) -> Columns:
        """Decode what no shape knows; learn its shape if some of its kind came before."""
        count = key[1]
        self._misses += 1
        if self._misses > MISSES_TO_FORGET:
            self._forget()
        shape = self._learned(data, first, count) if self._is_worth(key) else None
        columns = None if shape is None else shape.decode(data, first)
        if shape is not None and columns is not None:
            behind = first + shape.lay.size
        else:
            columns, behind = read_items(data, first, count)
        _check_end(data, behind, end)
        if columns.handles == self.every_handle:
            columns.handles = self.every_handle
        elif count and max(columns.handles) >= len(self.every_handle):
            raise DecodeError(f"no point has the client handle {max(columns.handles)}")
        self._seen[key] = self._seen.get(key, 0) + 1
        if shape is not None:
            shape.handles = columns.handles
            self._keep(key, shape)
        return columns

    def _is_worth(self, key: _Key) -> bool:
        """Whether to learn a message: the second of its kind, and if others follow ever rarer."""
        seen, count = self._seen.get(key, 0), key[1]
        if not seen or seen & (seen + 1) or count < LEAST_ITEMS:
            return False
        return key in self._shapes or self._items + count <= MOST_ITEMS

    def _learned(self, data: bytes, pos: int, count: int) -> Shape | None:
        """Give the shape of a list; None where an item varies in width."""
        found = _layouts(data, pos, count)
        if found is None:
            return None
        layouts, heads = found
        kinds = heads[4::HEAD_BYTES] + heads[5::HEAD_BYTES]  # all masks, then all variant types
        lay = self._lays.get(kinds)
        if lay is None:
            lay = self._lays[kinds] = Lay(layouts)
        handles = tuple(chain.from_iterable(_HANDLE.iter_unpack(heads)))
        return Shape(lay, handles, data, pos)

    def _keep(self, key: _Key, shape: Shape) -> None:
        """Keep a shape; it takes the place of the one known by the same key."""
        if key not in self._shapes:
            self._items += key[1]
        self._shapes[key] = shape

    def _forget(self) -> None:
        self._shapes.clear()
        self._seen.clear()
        self._items = self._misses = 0


def _check_end(data: bytes, behind: int, end: int) -> None:
    """Refuse a notification whose items or diagnostics reach behind its end."""
    if end_of_diagnostics(data, behind) > end or end > len(data):
        raise DecodeError("a notification ends early")


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


def _layouts(data: bytes, pos: int, count: int) -> tuple[list[ItemLayout], bytes] | None:
    """Give how each item of a list lies, and their heads; None where one varies in width."""
    layouts: list[ItemLayout] = []
    heads: list[bytes] = []
    for _ in range(count):
        head = data[pos : pos + HEAD_BYTES]
        layout = LAYOUTS[head[4:]]
        if layout is None:
            return None
        layouts.append(layout)
        heads.append(head)
        pos += layout.size
    return layouts, b"".join(heads)
