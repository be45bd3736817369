"""From tags to requests: addresses are resolved, neighbours share a request, all is precompiled.

A plan is pure and deterministic: the same tags and settings give the same requests, ordered by
table and address. A value never straddles two requests, so it is never torn. Never does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.api import AddressError
from drivers.modbus.address import resolve
from drivers.modbus.adu import read_request
from drivers.modbus.blocks import Block, coalesce
from drivers.modbus.config import Terms
from drivers.modbus.decoder import Decoder
from drivers.modbus.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from drivers.api import AddressProblem, Tag
    from drivers.modbus.address import Point
    from drivers.modbus.adu import Request
    from drivers.modbus.config import ModbusConfig


@dataclass(frozen=True, slots=True, eq=False)
class ModbusPlan:
    """How some tags of one device are read; `drivers.api.Plan`."""

    device: str
    group: str
    tags: tuple[Tag, ...]
    unit: int
    blocks: tuple[Block, ...]
    wire: tuple[Request, ...]
    """The requests, one per block and in their order."""
    decoder: Decoder
    terms: Terms

    @property
    def requests(self) -> int:
        """How many requests one read takes."""
        return len(self.blocks)


def compile_plan(
    config: ModbusConfig, tags: Sequence[Tag], *, device: str, group: str
) -> ModbusPlan:
    """Compile the requests for the tags; raises AddressError with every bad address."""
    points = resolve_all(config, tags, device=device)
    blocks = tuple(coalesce(config, tags, points))
    return ModbusPlan(
        device=device,
        group=group,
        tags=tuple(tags),
        unit=config.unit,
        blocks=blocks,
        wire=tuple(
            read_request(block.table, unit=config.unit, start=block.start, count=block.count)
            for block in blocks
        ),
        decoder=Decoder(points, blocks),
        terms=Terms(device, config.timeout_s, config.pause_between_s, config.transaction_ids),
    )


def resolve_all(config: ModbusConfig, tags: Iterable[Tag], *, device: str) -> tuple[Point, ...]:
    """Resolve every address; raises AddressError naming all that cannot be read."""
    points: list[Point] = []
    problems: list[AddressProblem] = []
    for tag in tags:
        try:
            points.append(resolve(tag, config))
        except Refusal as refusal:
            problems.append(refusal.problem(tag))
    if problems:
        raise AddressError(problems, device=device)
    return tuple(points)
