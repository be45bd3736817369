"""How the items of a list lie in its bytes, whatever points they are of: what shapes share.

A list is read as one number, low bytes first; a mask leaves of it what is to be compared: its
heads (client handles, masks, variant types), by one comparison instead of one object per item.
What is told of lists of good values whose times repeat is in `decoding.plain`. Pure.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakValueDictionary

from drivers.opcua.decoding.items import HAS_SOURCE_TIME, HAS_STATUS
from drivers.opcua.decoding.plain import MOST_TURNS, Plain, as_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.opcua.decoding.items import ItemLayout

    Fields: TypeAlias = "tuple[tuple[Any, ...], Sequence[int] | None, Sequence[int] | None]"
    """Values, statuses and source times of a list; None for a column that no item has."""

Pick: TypeAlias = "Callable[[tuple[Any, ...]], tuple[Any, ...]]"
"""Takes some places of an unpacked list."""


class Lay:
    """The layouts of the items of a list."""

    __slots__ = ("__weakref__", "_heads_mask", "_layouts", "_pick_sources", "_pick_statuses",
                 "_pick_values", "_plain", "_unpack", "count", "floats", "size")  # fmt: skip

    def __init__(self, layouts: Sequence[ItemLayout]) -> None:
        """Take how each item lies."""
        self.count = len(layouts)
        """Items of the list."""
        self.floats = any(one.floats for one in layouts)
        """Whether a value may be not a number."""
        self._layouts = tuple(layouts)
        whole = struct.Struct("<" + "".join([one.item for one in layouts]))
        self.size = whole.size
        """Bytes of the list."""
        self._unpack: Callable[[bytes, int], tuple[Any, ...]] = whole.unpack_from
        masks = [one.mask for one in layouts]
        self._pick_values, self._pick_statuses, self._pick_sources = _pickers(masks)
        self._heads_mask = as_number([one.heads for one in layouts])
        self._plain: WeakValueDictionary[int, Plain] = WeakValueDictionary()

    def plain(self, period: int) -> Plain | None:
        """Give what tells lists with times that repeat after so many; None where that is dear."""
        if not 0 < period <= MOST_TURNS or not all(
            one.mask & HAS_SOURCE_TIME for one in self._layouts
        ):
            return None
        plain = self._plain.get(period)
        if plain is None:
            plain = self._plain[period] = Plain(self._layouts, period=period)
        return plain

    def number(self, data: bytes, pos: int) -> int:
        """Read a list as one number.

        Raises:
            IndexError: it ends early.
        """
        if pos + self.size > len(data):
            raise IndexError(f"{self.size} bytes wanted, {len(data) - pos} remain")
        return int.from_bytes(data[pos : pos + self.size], "little")

    def heads(self, number: int) -> int:
        """Give the heads of a list, to be compared with those of others that lie so."""
        return number & self._heads_mask

    def fields(self, data: bytes, pos: int) -> Fields:
        """Give values, statuses and source times of any list of these layouts."""
        flat = self._unpack(data, pos)
        statuses, sources = self._pick_statuses, self._pick_sources
        return (
            self._pick_values(flat),
            None if statuses is None else statuses(flat),
            None if sources is None else sources(flat),
        )


def _pickers(masks: list[int]) -> tuple[Pick, Pick | None, Pick | None]:
    """Pick values, and the statuses and source times that are there, of all items."""
    mask = masks[0]
    if masks.count(mask) == len(masks):
        step = _fields(mask)
        status = _every(1, step) if mask & HAS_STATUS else None
        source = _every(step - 1, step) if mask & HAS_SOURCE_TIME else None
        return _every(0, step), status, source
    starts = [*accumulate([_fields(mask) for mask in masks[:-1]], initial=0)]
    return (
        itemgetter(*starts),
        _optional(masks, starts, HAS_STATUS),
        _optional(masks, starts, HAS_SOURCE_TIME),
    )


def _fields(mask: int) -> int:
    """Tell how many fields an item has: its value, and what follows."""
    return 1 + (mask & (HAS_STATUS | HAS_SOURCE_TIME)).bit_count()


def _every(first: int, step: int) -> Pick:
    """Pick evenly spaced places, twice as fast as one by one."""
    return itemgetter(slice(first, None, step))


def _optional(masks: list[int], starts: list[int], bit: int) -> Pick | None:
    """Pick a field that some items have; 0 where it is absent."""
    if not any(mask & bit for mask in masks):
        return None
    behind = 2 if bit == HAS_SOURCE_TIME else 1
    wanted = [
        start + (behind if mask & HAS_STATUS else 1) if mask & bit else None
        for start, mask in zip(starts, masks, strict=True)
    ]

    def pick(flat: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([0 if place is None else flat[place] for place in wanted])

    return pick
