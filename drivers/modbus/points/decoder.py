"""From the answers of a read to the columns of its frame.

Guarantees that a refused request, a float that is no number and bytes that are no text, date or
BCD cost only their own values, which are None, BAD and have a reason; that equal answers give the
very same columns again; and that an error never becomes a value. Never does I/O.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from drivers.api import DataType, Quality
from drivers.modbus.points.codec import BCD, FLOATS, NOT_A_NUMBER, NOT_DECODABLE
from drivers.modbus.points.generated import compile_source, generate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drivers.api import Value
    from drivers.modbus.blocks import Block
    from drivers.modbus.points.address import Point
    from drivers.modbus.wire.framing import Answer

_FALLIBLE: Final = FLOATS | BCD | {DataType.STRING, DataType.DATETIME}
"""Types of which some bytes are no value."""

_NONE: Mapping[int, str] = MappingProxyType({})


class Decoded(NamedTuple):
    """The columns of a frame."""

    values: tuple[Value, ...]
    qualities: bytes | None
    reasons: Mapping[int, str] | None


class Decoder:
    """Decodes the answers to a plan's requests; remembers the last, so equal bytes cost nothing."""

    __slots__ = (
        "_answers",
        "_blanks",
        "_blocks",
        "_decoded",
        "_fallible",
        "_generated",
        "_qualities",
        "_reasons",
        "source",
    )

    def __init__(
        self, points: Sequence[Point], blocks: Sequence[Block], unread: Mapping[int, str] = _NONE
    ) -> None:
        """Prepare for the points in the blocks; `unread` names the others, with their reasons."""
        self._blocks = tuple(blocks)
        self._reasons = dict(sorted(unread.items())) or None
        self._qualities = _qualities(len(points), unread) if unread else None
        self._blanks = tuple(bytes(block.payload_bytes) for block in blocks)
        self._fallible = tuple(
            tuple(column for column in block.columns if points[column].data_type in _FALLIBLE)
            for block in blocks
        )
        self.source, names = generate(points, blocks)
        """The generated function, for people."""
        self._generated = compile_source(self.source, names)
        self._answers: Sequence[Answer] = ()
        self._decoded: Decoded | None = None

    def decode(self, answers: Sequence[Answer]) -> Decoded:
        """Give the values of all points; the same object again for the same answers."""
        if self._decoded is not None and answers == self._answers:
            return self._decoded
        # blanks stand in for refused payloads until `_mend` voids every value taken from them
        payloads = [
            answer if isinstance(answer, bytes) else blank
            for answer, blank in zip(answers, self._blanks, strict=True)
        ]
        values, sound = self._generated(payloads)
        if sound and all(isinstance(answer, bytes) for answer in answers):
            decoded = Decoded(values, self._qualities, self._reasons)
        else:
            decoded = self._mend(values, answers)
        self._answers, self._decoded = answers, decoded
        return decoded

    def _mend(self, values: tuple[Value, ...], answers: Sequence[Answer]) -> Decoded:
        """Void what came from a refused request or is no value, and say why."""
        reasons = dict(self._reasons or {})
        for block, fallible, answer in zip(self._blocks, self._fallible, answers, strict=True):
            if isinstance(answer, bytes):
                found = ((column, _fault(values[column])) for column in fallible)
                reasons |= {column: fault for column, fault in found if fault}
            else:
                reasons |= dict.fromkeys(block.columns, answer.reason)
        if not reasons:
            return Decoded(values, None, None)
        mended = list(values)
        for column in reasons:
            mended[column] = None
        return Decoded(
            tuple(mended), _qualities(len(values), reasons), dict(sorted(reasons.items()))
        )


def _qualities(count: int, bad: Iterable[int]) -> bytes:
    """Write the quality of each of `count` columns, of which some are bad."""
    qualities = bytearray([Quality.GOOD]) * count
    for column in bad:
        qualities[column] = Quality.BAD
    return bytes(qualities)


def _fault(value: Value) -> str:
    """Tell why what was decoded is no value; empty if it is one."""
    if value is None:
        return NOT_DECODABLE
    if isinstance(value, float) and not math.isfinite(value):
        return NOT_A_NUMBER
    return ""
