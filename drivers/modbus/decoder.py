"""The decoder of a plan: one function, generated once, that turns answers into a column of values.

The generated source takes all payloads apart with one precompiled big-endian struct; holes become
pad bytes, every constant is inlined, nothing is called per tag (but for text). A request whose
fields overlap or are swapped is first rearranged by one table look-up in C: `bytes.translate`
with the payload as the table. Guarantees the same values as `codec.decode_value`, point by point,
and that a failed request, a float that is no number or an undecodable text costs only its own
values. The source holds numbers only, nothing a point table could inject.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from drivers.api import DataType, Quality
from drivers.modbus.codec import (
    BITS_PER_BYTE,
    NUMBER_CODES,
    REGISTER_BYTES,
    byte_positions,
    decode_value,
    register_mask,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from drivers.api import Value
    from drivers.modbus.address import Point
    from drivers.modbus.adu import Answer
    from drivers.modbus.blocks import Block

_TABLE_BYTES = 256
"""What `bytes.translate` takes as a table; no payload is longer than 250."""


class Decoded(NamedTuple):
    """The columns of a frame."""

    values: tuple[Value, ...]
    qualities: bytes | None
    reasons: Mapping[int, str] | None


class Decoder:
    """Decodes the answers to a plan's requests; remembers the last, so equal bytes cost nothing."""

    __slots__ = ("_answers", "_blocks", "_decoded", "_generated", "_points", "source")

    def __init__(self, points: Sequence[Point], blocks: Sequence[Block]) -> None:
        self._points = tuple(points)
        self._blocks = tuple(blocks)
        self.source, names = generate(points, blocks)
        """The generated function, for people."""
        self._generated = _compile(self.source, names)
        self._answers: Sequence[Answer] = ()
        self._decoded: Decoded | None = None

    def decode(self, answers: Sequence[Answer]) -> Decoded:
        """Give the values of all points; the same object again for the same bytes."""
        if self._decoded is not None and answers == self._answers:
            return self._decoded
        values = None
        if all(type(answer) is bytes for answer in answers):
            values = self._generated(answers)
        decoded = self._one_by_one(answers) if values is None else Decoded(values, None, None)
        self._answers, self._decoded = answers, decoded
        return decoded

    def _one_by_one(self, answers: Sequence[Answer]) -> Decoded:
        """Decode point by point; what fails is None, BAD and has its reason."""
        values: list[Value] = [None] * len(self._points)
        reasons: dict[int, str] = {}
        for block, answer in zip(self._blocks, answers, strict=True):
            for column in block.columns:
                if isinstance(answer, bytes):
                    value, reason = decode_value(self._points[column], answer, block.start)
                else:
                    value, reason = None, answer.reason
                values[column] = value
                if reason:
                    reasons[column] = reason
        if not reasons:
            return Decoded(tuple(values), None, None)
        qualities = bytes(
            Quality.BAD if column in reasons else Quality.GOOD for column in range(len(values))
        )
        return Decoded(tuple(values), qualities, dict(sorted(reasons.items())))


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
    """Write the source of `decode(payloads)` and the constants it names.

    The function gives the tuple of values, or None where a value is no number or no text.
    """
    names: dict[str, Any] = {}
    formats = [">"]
    payloads: list[str] = []
    variables: list[str] = []
    expressions = [""] * len(points)
    for number, block in enumerate(blocks):
        fields = _fields(points, block)
        known = {field: f"v{len(variables) + at}" for at, field in enumerate(fields)}
        variables += known.values()
        for column in block.columns:
            point = points[column]
            expressions[column] = _expression(point, known[_field(point, block)], block)
        if _in_line(fields):
            formats.append(_padded(fields, _payload_bytes(block)))
            payloads.append(f"payloads[{number}]")
        else:
            formats += [field.code for field in fields]
            names[f"order{number}"] = bytes(at for field in fields for at in field.positions)
            payloads.append(f"order{number}.translate(payloads[{number}].ljust({_TABLE_BYTES}))")
    names |= {"unpack": struct.Struct("".join(formats)).unpack, "join": b"".join}
    names |= {"text": text, "isfinite": math.isfinite}
    return _source(payloads, variables, expressions, _checks(points, expressions)), names


def _source(
    payloads: Sequence[str],
    variables: Sequence[str],
    expressions: Sequence[str],
    checks: Sequence[str],
) -> str:
    """Put the lines together."""
    if not payloads:
        return "def decode(payloads):\n    return ()\n"
    data = payloads[0] if len(payloads) == 1 else f"join(({', '.join(payloads)},))"
    if list(variables) == list(expressions):
        check = "    if not isfinite(sum(values)):\n        return None\n" if checks else ""
        return f"def decode(payloads):\n    values = unpack({data})\n{check}    return values\n"
    texts = [f"    t{at} = {each}\n" for at, each in enumerate(expressions) if each[:4] == "text"]
    results = [f"t{at}" if each[:4] == "text" else each for at, each in enumerate(expressions)]
    return (
        "def decode(payloads):\n"
        f"    {', '.join(variables)}, = unpack({data})\n"
        + "".join(texts)
        + "".join(f"    if {check}:\n        return None\n" for check in checks)
        + f"    return ({', '.join(results)},)\n"
    )


def _checks(points: Sequence[Point], expressions: Sequence[str]) -> list[str]:
    """Write the conditions under which a value of the column is none."""
    floats = [
        expression
        for point, expression in zip(points, expressions, strict=True)
        if point.data_type in {DataType.FLOAT32, DataType.FLOAT64}
    ]
    texts = [f"t{at}" for at, point in enumerate(points) if point.data_type is DataType.STRING]
    checks = []
    if floats:
        # one NaN or infinity makes the sum none; an overflow of the sum only costs the slow way
        checks.append(f"not isfinite(sum(({', '.join(floats)},)))")
    if texts:
        checks.append(f"None in ({', '.join(texts)},)")
    return checks


def _compile(
    source: str, names: dict[str, Any]
) -> Callable[[Sequence[Answer]], tuple[Value, ...] | None]:
    """Turn the source into a function."""
    exec(compile(source, "<modbus plan>", "exec"), names)  # noqa: S102 - generated from numbers alone; measured 20 times faster than a loop over tags
    function: Callable[[Sequence[Answer]], tuple[Value, ...] | None] = names["decode"]
    return function


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


def _payload_bytes(block: Block) -> int:
    """Count the bytes that answer a block's request."""
    if block.table.holds_bits:
        return (block.count + BITS_PER_BYTE - 1) // BITS_PER_BYTE
    return REGISTER_BYTES * block.count


def _expression(point: Point, variable: str, block: Block) -> str:
    """Write a point's value in terms of its field."""
    if point.table.holds_bits:
        return f"({variable} & {1 << (point.start - block.start) % BITS_PER_BYTE} != 0)"
    if point.data_type is DataType.BOOL:
        return f"({variable} != 0)"
    if point.data_type is DataType.BIT:
        return f"({variable} & {register_mask(point.bit, point.order)} != 0)"
    if point.data_type is DataType.STRING:
        return f"text({variable})"
    return variable
