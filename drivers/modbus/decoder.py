"""From the answers of a read to the columns of its frame.

Guarantees that a refused request, a float that is no number and an undecodable text cost only
their own values, which are None, BAD and have a reason; that equal answers give the very same
columns again; and that an error never becomes a value. Never does I/O.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from drivers.api import DataType, Quality
from drivers.modbus.codec import NOT_A_NUMBER, NOT_TEXT
from drivers.modbus.generated import compile_source, generate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drivers.api import Value
    from drivers.modbus.address import Point
    from drivers.modbus.adu import Answer
    from drivers.modbus.blocks import Block

_FALLIBLE = frozenset({DataType.FLOAT32, DataType.FLOAT64, DataType.STRING})
"""Types of which some bytes are no value."""


class Decoded(NamedTuple):
    """The columns of a frame."""

    values: tuple[Value, ...]
    qualities: bytes | None
    reasons: Mapping[int, str] | None


class Decoder:
    """Decodes the answers to a plan's requests; remembers the last, so equal bytes cost nothing."""

    __slots__ = ("_answers", "_blanks", "_blocks", "_decoded", "_fallible", "_generated", "source")

    def __init__(self, points: Sequence[Point], blocks: Sequence[Block]) -> None:
        self._blocks = tuple(blocks)
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
            decoded = Decoded(values, None, None)
        else:
            decoded = self._mend(values, answers)
        self._answers, self._decoded = answers, decoded
        return decoded

    def _mend(self, values: tuple[Value, ...], answers: Sequence[Answer]) -> Decoded:
        """Void what came from a refused request or is no value, and say why."""
        reasons: dict[int, str] = {}
        for block, fallible, answer in zip(self._blocks, self._fallible, answers, strict=True):
            if isinstance(answer, bytes):
                found = ((column, _fault(values[column])) for column in fallible)
                reasons |= {column: fault for column, fault in found if fault}
            else:
                reasons |= dict.fromkeys(block.columns, answer.reason)
        if not reasons:
            return Decoded(values, None, None)
        mended = list(values)
        qualities = bytearray([Quality.GOOD]) * len(values)
        for column in reasons:
            mended[column] = None
            qualities[column] = Quality.BAD
        return Decoded(tuple(mended), bytes(qualities), dict(sorted(reasons.items())))


def _fault(value: Value) -> str:
    """Tell why a decoded float or text is no value; empty if it is one."""
    if value is None:
        return NOT_TEXT
    if isinstance(value, float) and not math.isfinite(value):
        return NOT_A_NUMBER
    return ""
