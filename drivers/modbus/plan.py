"""From tags to requests: addresses are resolved, neighbours share a request, all is precompiled.

A plan is deterministic: the same tags, settings and knowledge give the same requests. A value never
straddles two requests, so it is never torn. What is compiled is never changed: new knowledge
replaces it whole. Never does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from drivers.api import AddressError, PlannedRequest
from drivers.modbus.blocks import NOTHING_KNOWN, coalesce
from drivers.modbus.cost import costs_of
from drivers.modbus.learning.learner import Learner
from drivers.modbus.link import link_of
from drivers.modbus.points.address import resolve
from drivers.modbus.points.decoder import Decoder
from drivers.modbus.points.refusals import Refusal
from drivers.modbus.probes import compile_probes, probe_tags
from drivers.modbus.terms import terms_of
from drivers.modbus.wire.pdu import framing_of, read_request
from drivers.modbus.writable import check_writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drivers.api import AddressProblem, Tag
    from drivers.modbus.blocks import Block, Knowledge
    from drivers.modbus.config import ModbusConfig
    from drivers.modbus.points.address import Point
    from drivers.modbus.probes import Probes
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.framing import Framing, Request


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """The requests of a plan and what makes values of their answers; belong together."""

    blocks: tuple[Block, ...]
    wire: tuple[Request, ...]
    """The requests, one per block and in their order."""
    decoder: Decoder
    unread: Mapping[int, str]
    """Columns that no block reads, and the reason their values get."""
    knowledge: Knowledge
    """What was known when it was compiled."""


@dataclass(slots=True, eq=False)
class ModbusPlan:
    """How some tags of one device are read; `drivers.api.Plan`, `Explains`, `Learns`."""

    config: ModbusConfig
    device: str
    group: str
    place: str
    """Which device it is on the wire: lessons of another are not taken up."""
    tags: tuple[Tag, ...]
    points: tuple[Point, ...]
    """Where each tag is found; one per tag, in their order."""
    framing: Framing
    terms: Terms
    compiled: Compiled
    """A read takes it once, at its begin: it may be replaced while answers are awaited."""
    probes: Probes | None = None
    """The registers that tell who the device is."""
    learner: Learner = field(default_factory=Learner)
    """What was found out about the device by reading this plan."""

    @property
    def unit(self) -> int:
        """The unit id of the device."""
        return self.config.unit

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What the requests read, at this moment."""
        return self.compiled.blocks

    @property
    def requests(self) -> int:
        """How many requests one read takes."""
        return len(self.compiled.blocks)

    @property
    def lessons(self) -> str:
        """What was found out about the device so far, as JSON; empty when nothing was."""
        return self.learner.memory.text_about(self.place)

    def recall(self, lessons: str) -> None:
        """Take up earlier lessons; what is odd or of another device is dropped."""
        if self.config.learn:
            self.learner.recall(lessons, self)

    def recompile(self, knowledge: Knowledge) -> None:
        """Replace the requests by those that fit what is known about the device now."""
        cut = coalesce(self.config, self.points, knowledge=knowledge)
        if cut == (self.compiled.blocks, self.compiled.unread):
            # the decoder stays, and with it what it remembers of the last answers
            self.compiled = replace(self.compiled, knowledge=knowledge)
        else:
            self.compiled = _compiled(self.config, self.points, self.framing, knowledge)

    def request_s(self, read_s: float) -> float:
        """Take the fixed part of one request, for `Knowledge`, out of a whole read's time."""
        return costs_of(self.config).fixed_part(
            read_s,
            requests=self.requests,
            payload_bytes=sum(block.payload_bytes for block in self.blocks),
        )

    def explain(self) -> tuple[PlannedRequest, ...]:
        """Give every request of one read, in the order they are sent."""
        costs = costs_of(self.config, request_s=self.compiled.knowledge.request_s)
        return tuple(
            PlannedRequest(
                what=f"{block.table}:{block.start} +{block.count}",
                tags=tuple(self.tags[column].name for column in block.columns),
                unasked=_unasked(block, self.points),
                duration_s=costs.of(block.payload_bytes) if costs.known else None,
            )
            for block in self.blocks
        )


def compile_plan(
    config: ModbusConfig, tags: Sequence[Tag], *, device: str, group: str
) -> ModbusPlan:
    """Compile the requests for the tags; raises AddressError with every bad address."""
    # a bad probe is found together with the bad addresses of the tags
    resolved = resolve_all(config, (*tags, *probe_tags(config)), device=device)
    points, probes = resolved[: len(tags)], resolved[len(tags) :]
    framing = framing_of(config.framed)
    return ModbusPlan(
        config=config,
        device=device,
        group=group,
        place=f"{link_of(config)} {config.unit}",
        tags=tuple(tags),
        points=points,
        framing=framing,
        terms=terms_of(config, device),
        compiled=_compiled(config, points, framing, NOTHING_KNOWN),
        probes=compile_probes(config, probes) if probes else None,
    )


def resolve_all(config: ModbusConfig, tags: Iterable[Tag], *, device: str) -> tuple[Point, ...]:
    """Resolve every address; raises AddressError naming all that cannot be read."""
    points: list[Point] = []
    problems: list[AddressProblem] = []
    for tag in tags:
        try:
            point = resolve(tag, config)
            check_writable(tag, point, config)
            points.append(point)
        except Refusal as refusal:
            problems.append(refusal.problem(tag))
    if problems:
        raise AddressError(problems, device=device)
    return tuple(points)


def _compiled(
    config: ModbusConfig, points: Sequence[Point], framing: Framing, knowledge: Knowledge
) -> Compiled:
    """Cut the points into requests and make what decodes their answers."""
    blocks, unread = coalesce(config, points, knowledge=knowledge)
    wire = tuple(
        read_request(framing, block.table, unit=config.unit, start=block.start, count=block.count)
        for block in blocks
    )
    return Compiled(blocks, wire, Decoder(points, blocks, unread), unread, knowledge)


def _unasked(block: Block, points: Sequence[Point]) -> int:
    """Count the addresses of a block that no tag asked for."""
    asked: set[int] = set()
    for column in block.columns:
        asked.update(range(points[column].start, points[column].end))
    return block.count - len(asked)
