"""Source of a plan's decoder: one function that takes all payloads apart at once.

One precompiled big-endian struct over the joined payloads; holes become pad bytes, constants are
inlined, nothing is called per tag but for text, dates and BCD. A payload whose fields overlap or
are swapped is first rearranged by one look-up in C: `bytes.translate`, with the payload as its
table. The source holds numbers and names of ours, nothing a point table could inject. Pure: no
I/O, no state.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from drivers.api import DataType, Value
from drivers.modbus.points.codec import (
    BCD,
    BITS_PER_BYTE,
    FLOATS,
    NUMBER_CODES,
    REGISTER_BYTES,
    TEXTS,
    bcd,
    byte_positions,
    register_mask,
)
from drivers.modbus.points.dates import DATES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.modbus.blocks import Block
    from drivers.modbus.points.address import Point

Generated: TypeAlias = "Callable[[Sequence[bytes]], tuple[tuple[Value, ...], bool]]"
"""Payloads in the order of the requests -> the values, and whether every one of them is a value."""

UNREAD: Final = "None"
"""The expression of a point that no block reads."""

_TABLE_BYTES = 256
"""What `bytes.translate` takes as a table; no payload is longer than 250."""

_CALLED: Final = {
    "bcd": bcd,
    **{f"text_{encoding.replace('-', '')}": decode for encoding, decode in TEXTS.items()},
    **{f"date_{encoding}": decode for encoding, decode in DATES.items()},
}
"""What is too much for an expression: functions that give None for bytes that are no value."""


@dataclass(frozen=True, slots=True)
class _Field:
    """What one or several points take out of a payload."""

    offset: int
    size: int
    code: str
    positions: tuple[int, ...]
    """Bytes of the field, the most significant first, counted from the payload's begin."""

    @property
    def straight(self) -> bool:
        """Whether the bytes stand in the payload as the struct wants them."""
        return self.positions == tuple(range(self.offset, self.offset + self.size))


def generate(points: Sequence[Point], blocks: Sequence[Block]) -> tuple[str, dict[str, Any]]:
    """Write the source of a `Generated` function and the constants it names."""
    names: dict[str, Any] = {}
    formats = [">"]
    payloads: list[str] = []
    variables: list[str] = []
    expressions = [UNREAD] * len(points)
    for number, block in enumerate(blocks):
        fields = _fields(points, block)
        known = {field: f"v{len(variables) + at}" for at, field in enumerate(fields)}
        variables += known.values()
        for column in block.columns:
            point = points[column]
            expressions[column] = _expression(point, known[_field(point, block)], block)
        if _in_line(fields):
            formats.append(_padded(fields, block.payload_bytes))
            payloads.append(f"payloads[{number}]")
        else:
            formats += [field.code for field in fields]
            names[f"order{number}"] = bytes(at for field in fields for at in field.positions)
            payloads.append(f"order{number}.translate(payloads[{number}].ljust({_TABLE_BYTES}))")
    names |= {"unpack": struct.Struct("".join(formats)).unpack, "join": b"".join}
    names |= {"isfinite": math.isfinite} | _CALLED
    return _source(points, payloads, variables, expressions), names


def compile_source(source: str, names: dict[str, Any]) -> Generated:
    """Turn generated source into a function."""
    exec(compile(source, "<modbus plan>", "exec"), names)  # noqa: S102 - generated from numbers alone; measured 27 times faster or more than a loop over the tags
    function: Generated = names["decode"]
    return function


def _source(
    points: Sequence[Point],
    payloads: Sequence[str],
    variables: Sequence[str],
    expressions: Sequence[str],
) -> str:
    """Put the lines together."""
    if not payloads:
        return f"def decode(payloads):\n    return {(None,) * len(points)}, True\n"
    data = payloads[0] if len(payloads) == 1 else f"join(({', '.join(payloads)},))"
    read = [at for at, expression in enumerate(expressions) if expression != UNREAD]
    floats = [expressions[at] for at in read if points[at].data_type in FLOATS]
    if list(variables) == list(expressions):
        sound = "isfinite(sum(values))" if floats else "True"
        return f"def decode(payloads):\n    values = unpack({data})\n    return values, {sound}\n"
    # one NaN or infinity makes the sum none; an overflow of the sum costs a second look only
    checks = [f"isfinite(sum(({', '.join(floats)},)))"] if floats else []
    called = [at for at in read if _call(points[at])]
    results = list(expressions)
    for at in called:
        results[at] = f"t{at}"
        checks.append(f"t{at} is not None")
    return (
        "def decode(payloads):\n"
        f"    {', '.join(variables)}, = unpack({data})\n"
        + "".join(f"    t{at} = {expressions[at]}\n" for at in called)
        + f"    return ({', '.join(results)},), {' and '.join(checks) or 'True'}\n"
    )


def _fields(points: Sequence[Point], block: Block) -> list[_Field]:
    """List the different fields of a block in the order of their addresses."""
    fields = dict.fromkeys(_field(points[column], block) for column in block.columns)
    return sorted(fields, key=lambda field: (field.offset, field.size, field.code))


def _field(point: Point, block: Block) -> _Field:
    """Tell which bytes of the block's payload a point needs."""
    place = point.start - block.start
    if point.table.holds_bits:
        byte = place // BITS_PER_BYTE
        return _Field(byte, 1, "B", (byte,))
    offset = REGISTER_BYTES * place
    size = REGISTER_BYTES * point.width
    if point.byte:
        at = offset + ((point.byte == "l") != point.order.swaps_bytes)
        return _Field(at, 1, NUMBER_CODES[point.data_type], (at,))
    if point.data_type in {DataType.BOOL, DataType.BIT}:
        return _Field(offset, size, "H", (offset, offset + 1))
    code = NUMBER_CODES.get(point.data_type, f"{size}s")
    positions = tuple(offset + at for at in byte_positions(point.width, point.order))
    return _Field(offset, size, code, positions)


def _in_line(fields: Sequence[_Field]) -> bool:
    """Tell whether a struct can take the payload as it is: nothing swapped, no overlap."""
    free_from = 0
    for field in fields:
        if not field.straight or field.offset < free_from:
            return False
        free_from = field.offset + field.size
    return True


def _padded(fields: Sequence[_Field], payload_bytes: int) -> str:
    """Write the struct format of a payload taken as it is, with pad bytes over the holes."""
    parts = []
    at = 0
    for field in fields:
        parts += [f"{field.offset - at}x"] * (field.offset > at) + [field.code]
        at = field.offset + field.size
    return "".join(parts + [f"{payload_bytes - at}x"] * (payload_bytes > at))


def _expression(point: Point, variable: str, block: Block) -> str:
    """Write a point's value in terms of its field."""
    if point.table.holds_bits:
        return f"({variable} & {1 << (point.start - block.start) % BITS_PER_BYTE} != 0)"
    if point.data_type is DataType.BOOL:
        return f"({variable} != 0)"
    if point.data_type is DataType.BIT:
        return f"({variable} & {register_mask(point.shift, point.order)} != 0)"
    if point.mask:
        masked = f"({variable} & {point.mask})"
        return f"({masked} >> {point.shift})" if point.shift else masked
    if point.fraction_bits:
        return f"({variable} * {2.0**-point.fraction_bits!r})"
    call = _call(point)
    return f"{call}({variable})" if call else variable


def _call(point: Point) -> str:
    """Name the function that decodes a point; empty where an expression does."""
    if point.data_type in BCD:
        return "bcd"
    if point.data_type is DataType.STRING:
        return f"text_{point.encoding.replace('-', '')}"
    return f"date_{point.encoding}" if point.data_type is DataType.DATETIME else ""
