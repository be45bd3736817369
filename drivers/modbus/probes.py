"""The registers that tell who a device is, compiled for one look a day.

Their tags are called `identity.` and the field they fill. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.api import Tag
from drivers.modbus.blocks import coalesce
from drivers.modbus.points.decoder import Decoder
from drivers.modbus.wire.pdu import framing_of, read_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.api import Value
    from drivers.modbus.config import ModbusConfig
    from drivers.modbus.points.address import Point
    from drivers.modbus.wire.framing import Answer, Request

TAG_PREFIX = "identity."


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """How the configured registers are read, and what each of them tells."""

    fields: tuple[str, ...]
    """Of `drivers.api.Identity`, one per probe."""
    addresses: tuple[str, ...]
    """As they were written."""
    wire: tuple[Request, ...]
    decoder: Decoder

    def words(self, answers: Sequence[Answer]) -> list[tuple[str, str, str]]:
        """Give (field, address, text) of every probe that brought something."""
        values = self.decoder.decode(answers).values
        found = zip(self.fields, self.addresses, map(_text, values), strict=True)
        return [(field, address, text) for field, address, text in found if text]


def probe_tags(config: ModbusConfig) -> tuple[Tag, ...]:
    """Give the configured registers as tags, so that bad addresses are found with the others."""
    return tuple(
        Tag(f"{TAG_PREFIX}{field}", probe.address, probe.type)
        for field, probe in config.identity.items()
    )


def compile_probes(config: ModbusConfig, points: Sequence[Point]) -> Probes:
    """Compile the probes of a device from the points of its `probe_tags`; reads nothing beside."""
    alone = config.model_copy(update={"max_gap": 0})
    blocks, unread = coalesce(alone, points)
    framing = framing_of(config.framed)
    return Probes(
        fields=tuple(config.identity),
        addresses=tuple(probe.address for probe in config.identity.values()),
        wire=tuple(
            read_request(
                framing, block.table, unit=config.unit, start=block.start, count=block.count
            )
            for block in blocks
        ),
        decoder=Decoder(points, blocks, unread),
    )


def _text(value: Value) -> str:
    """Word a value; empty where there is none."""
    if value is None or isinstance(value, bytes):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value).strip()
