"""A part of an array or a structure, taken out of the bytes of a variant.

A part that is not there, a structure that is not known, or one whose bytes do not end where its
layout ends gives no value and a reason: never a neighbour's value. Work is bounded by `Budget`,
memory by the message: nothing is copied but the value itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from drivers.opcua.decoding.binary import MAX_DEPTH, DecodeError, chunk, count_at, skip_chunk
from drivers.opcua.decoding.values import (
    DECODING_ERROR,
    NO_DATA,
    TOO_LONG,
    TYPE_MISMATCH,
    Compound,
    read_builtin,
    read_variant,
)
from drivers.opcua.structures.layout import EXTENSION_OBJECT, VARIANT, Form, Layouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.decoding.items import Columns
    from drivers.opcua.structures.layout import FieldLayout, Key, Layout
    from drivers.opcua.structures.part import Part

NO_ELEMENT: Final = "BadIndexRangeNoData"
NO_FIELD: Final = "BadNotFound"
UNKNOWN_STRUCTURE: Final = "BadDataTypeIdUnknown"

MOST_STEPS: Final = 20_000
"""Elements and fields stepped over for one message: some 50 ms of work."""
CHEAP: Final = 16
"""Fields of fixed width that are passed over in the time of one step."""

_ARRAY, _MATRIX = 0x80, 0x40
_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_I32 = struct.Struct("<i").unpack_from
_WIDTHS: Final = {
    1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 4, 11: 8, 13: 8, 14: 16, 19: 4,
}  # fmt: skip
"""Built-in type -> bytes of one value, where it is always the same."""

_Found = tuple[Any, str, int]
"""Value, reason, and the position behind what was read."""


class _TooLongError(Exception):
    """The budget is spent."""


@dataclass(slots=True)
class Budget:
    """How many steps are left for the values of one message."""

    steps: int = MOST_STEPS

    def take(self, steps: int = 1) -> None:
        """Spend steps; raises when there are none left."""
        self.steps -= steps
        if self.steps < 0:
            raise _TooLongError


def take_parts(
    columns: Columns, parts: Sequence[Part], tags: Sequence[int] | None, layouts: Layouts
) -> None:
    """Put the part each tag means in the place of the array or structure it stands in.

    `parts` has one entry per tag of the plan; `tags` tells which tag each value belongs to.
    """
    budget = Budget()
    values: list[Any] = list(columns.values)
    for position, tag in enumerate(tags if tags is not None else range(len(values))):
        part, value = parts[tag], values[position]
        if not part:
            continue
        reason = columns.unfit.pop(position, TYPE_MISMATCH)
        values[position] = None
        if isinstance(value, Compound):
            values[position], reason = take_part(value, part, layouts, budget)
        if reason:
            columns.unfit[position] = reason
    columns.values = values


def take_part(
    compound: Compound, part: Part, layouts: Layouts, budget: Budget | None = None
) -> tuple[Any, str]:
    """Give (value, reason) of a part of a variant; the reason is empty where there is a value."""
    try:
        value, reason, _ = _Taking(compound.data, layouts, budget or Budget()).variant(
            compound.pos, part
        )
    except _TooLongError:
        return None, TOO_LONG
    except (DecodeError, struct.error, IndexError):
        return None, DECODING_ERROR
    return (None, reason) if reason else (value, "")


@dataclass(slots=True)
class _Taking:
    """One walk through the bytes of one message."""

    data: bytes
    layouts: Layouts
    budget: Budget
    depth: int = 0

    def variant(self, pos: int, part: Part) -> _Found:
        """Take a part of a variant."""
        encoding = self.data[pos]
        kind = encoding & 0x3F
        if not encoding & _ARRAY:
            if kind == EXTENSION_OBJECT:
                return self.extension_object(pos + 1, part)
            value, reason, end = read_variant(self.data, pos)
            return (None, reason or TYPE_MISMATCH, end) if part else (value, reason, end)
        count, start = count_at(self.data, pos + 1, least_bytes=_WIDTHS.get(kind, 1))
        sizes = self.sizes(start, kind, count) if encoding & _MATRIX else (count,)
        at = self._element(part, sizes, ranged=self.layouts.ranges and self.depth == 0)
        if isinstance(at, str):
            return None, at, start
        return self._one(kind, None, self._skip(kind, None, start, at), part[1:])

    def extension_object(self, pos: int, part: Part) -> _Found:
        """Take a part of a structure that says itself what it is."""
        encoding, pos = read_key(self.data, pos)
        held = self.data[pos]
        pos += 1
        if not held & 3:
            return None, NO_DATA, pos
        end = skip_chunk(self.data, pos)
        if not part or isinstance(part[0], tuple):
            return None, TYPE_MISMATCH, end
        layout = self.layouts.encoded(encoding)
        if layout is None or held & 3 != 1:
            return None, UNKNOWN_STRUCTURE, end
        value, reason, stop = self.structure(layout, pos + 4, part)
        if stop != end:
            return None, DECODING_ERROR, end
        return value, reason, end

    def structure(self, layout: Layout, pos: int, part: Part) -> _Found:
        """Take a part of a structure and step over the rest of it."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise DecodeError(f"structures nest deeper than {MAX_DEPTH}")
        present, pos = self._present(layout, pos)
        wanted = part[0] if part else None
        found: list[Any] = [None, NO_FIELD if part else TYPE_MISMATCH]
        for field in layout.fields:
            if field.name == wanted and field not in present:
                found = [None, NO_DATA]
        self.budget.take(len(present) // CHEAP)
        for field in present:
            if field.name == wanted:
                *found, pos = self._field(field, pos, part[1:])
                continue
            width = 0 if field.rank or field.structure else _WIDTHS.get(field.kind, 0)
            pos = pos + width if width else self._field(field, pos, ())[2]
        self.depth -= 1
        return found[0], found[1], pos

    def _present(self, layout: Layout, pos: int) -> tuple[tuple[FieldLayout, ...], int]:
        """Tell which fields follow, and where they begin."""
        if layout.form is Form.PLAIN:
            return layout.fields, pos
        number: int = _U32(self.data, pos)[0]
        pos += 4
        if layout.form is Form.UNION:
            if number > len(layout.fields):
                raise DecodeError(f"a union of {len(layout.fields)} has no field {number}")
            return layout.fields[number - 1 : number] if number else (), pos
        optional = [field for field in layout.fields if field.optional]
        if number >> len(optional):
            raise DecodeError("more optional fields than the structure has")
        absent = {field.name for bit, field in enumerate(optional) if not number >> bit & 1}
        return tuple(field for field in layout.fields if field.name not in absent), pos

    def _field(self, field: FieldLayout, pos: int, part: Part) -> _Found:
        """Take a part of a field and step over the rest of it."""
        if not field.rank:
            return self._one(field.kind, field.structure, pos, part)
        sizes: tuple[int, ...]
        least = 1 if field.structure else _WIDTHS.get(field.kind, 1)
        if field.rank == 1:
            count, pos = count_at(self.data, pos, least_bytes=least)
            sizes = (count,)
        else:
            rank, pos = count_at(self.data, pos, least_bytes=4)
            sizes = tuple(_I32(self.data, pos + 4 * n)[0] for n in range(rank))
            pos += 4 * rank
            count = prod(sizes)
            if min(sizes, default=0) < 0 or count * least > len(self.data) - pos:
                raise DecodeError(f"a matrix promises {sizes} elements")
        at = self._element(part, sizes, ranged=False)
        if isinstance(at, str):
            return None, at, self._skip(field.kind, field.structure, pos, count)
        pos = self._skip(field.kind, field.structure, pos, at)
        value, reason, pos = self._one(field.kind, field.structure, pos, part[1:])
        return value, reason, self._skip(field.kind, field.structure, pos, count - at - 1)

    def _one(self, kind: int, structure: Key | None, pos: int, part: Part) -> _Found:
        """Take a part of one value."""
        self.budget.take()
        if structure is not None:
            layout = self.layouts.by_type.get(structure)
            if layout is None:
                raise DecodeError("a field's structure is not known")
            return self.structure(layout, pos, part)
        if kind == EXTENSION_OBJECT:
            return self.extension_object(pos, part)
        if kind == VARIANT:
            value, reason, end = read_variant(self.data, pos)
            if not isinstance(value, Compound) or not part:
                return (None, TYPE_MISMATCH, end) if part else (value, reason, end)
            self.depth += 1
            value, reason, _ = self.variant(pos, part)
            self.depth -= 1
            return value, reason, end
        value, reason, end = read_builtin(kind, self.data, pos)
        return (None, TYPE_MISMATCH, end) if part else (value, reason, end)

    def _skip(self, kind: int, structure: Key | None, pos: int, count: int) -> int:
        """Step over values of one type."""
        width = None if structure else _WIDTHS.get(kind)
        if width is not None:
            return pos + width * count
        for _ in range(count):
            pos = self._one(kind, structure, pos, ())[2]
        return pos

    def _element(self, part: Part, sizes: tuple[int, ...], *, ranged: bool) -> int | str:
        """Tell which element of an array is meant, or why none is."""
        if not part or not isinstance(part[0], tuple):
            return TYPE_MISMATCH
        indexes = part[0]
        if len(indexes) != len(sizes):
            return NO_ELEMENT
        if ranged and prod(sizes) == 1:
            return 0  # just the element that was asked for
        at = 0
        for index, size in zip(indexes, sizes, strict=True):
            if index >= size:
                return NO_ELEMENT
            at = at * size + index
        return at

    def sizes(self, start: int, kind: int, count: int) -> tuple[int, ...]:
        """Read the dimensions that follow the elements of a matrix."""
        pos = self._skip(kind, None, start, count)
        rank, pos = count_at(self.data, pos, least_bytes=4)
        sizes = tuple(_I32(self.data, pos + 4 * n)[0] for n in range(rank))
        if min(sizes, default=0) < 0 or prod(sizes) != count:
            raise DecodeError(f"{count} elements in a matrix of {sizes}")
        return sizes


def dimensions_of(data: bytes, start: int, kind: int, count: int) -> tuple[int, ...]:
    """Give the dimensions of a matrix whose elements begin at `start`; empty where torn.

    Raises:
        DecodeError: the bytes are torn or false.
    """
    try:
        return _Taking(data, Layouts(), Budget()).sizes(start, kind, count)
    except (_TooLongError, struct.error, IndexError) as error:
        raise DecodeError("a matrix ends early") from error


def read_key(data: bytes, pos: int) -> tuple[Key, int]:
    """Read a NodeId; give its key and the position behind it."""
    kind = data[pos]
    if kind == 0:
        return (0, data[pos + 1]), pos + 2
    if kind == 1:
        return (data[pos + 1], _U16(data, pos + 2)[0]), pos + 4
    space: int = _U16(data, pos + 1)[0]
    if kind == 2:
        return (space, _U32(data, pos + 3)[0]), pos + 7
    if kind == 4:
        return (space, UUID(bytes_le=data[pos + 3 : pos + 19])), pos + 19
    if kind not in {3, 5}:
        raise DecodeError(f"a NodeId of kind {kind}")
    raw, pos = chunk(data, pos + 3)
    return (space, (raw or b"") if kind == 5 else (raw or b"").decode(errors="replace")), pos
