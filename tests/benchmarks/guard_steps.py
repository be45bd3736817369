"""The steps of a value's path, each alone, in one process, on fixed input.

Each step is the product's own code as the agent composes it, fed with what the step before it
gives. Nothing is read from a network; the store is a real one on disk. The same work every time:
what it costs may be counted in instructions.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.config.load import load
from agent.config.model import Store
from agent.kpi.days import Calendar
from agent.kpi.observe import Observer
from agent.normalize.pipeline import Pipeline
from agent.publish.payload import GroupCodec, join_rows
from agent.publish.stream import Stream
from agent.store.outbox import Batch, Row
from agent.store.sqlite import Outbox
from agent.telemetry.latest import LatestGroup
from drivers.api import Frame
from drivers.opcua.decoding.shape import NotificationDecoder
from drivers.opcua.frames import make_frame
from tests.benchmarks.measure import write_config
from tests.benchmarks.workloads import REGISTERS_PER_REQUEST, Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.config.plan import GroupPlan

VALUES = 1000
"""Tags of the one device; a round of a step takes so many values."""
T_NS = 1_795_400_000_000_000_000
"""The time of the first frame; the frames are a second apart."""
FRAMES_PER_DAY = 3000
"""Frames begin anew after so many, within one shop day."""
ROWS_PER_COMMIT = 10
MESSAGES_PER_TURN = 10
MAX_ROW_BYTES = 256_000
PUBACK = struct.Struct(">BBH")
_ITEM = struct.Struct("<IBBdQ")
_TICKS_1601 = 116_444_736_000_000_000
_EPOCH = "01KAR5Z8Q4"


@dataclass(frozen=True, slots=True)
class Step:
    """One step, to be called again and again."""

    name: str
    values: int
    """How many values one call takes along."""
    run: Callable[[], object]


@contextmanager
def steps(folder: Path) -> Iterator[tuple[Step, ...]]:
    """Give every step in the order of a value's path, after the yardstick; files go to a folder."""
    with ExitStack() as stack:
        modbus, opcua = _group(folder, "modbus"), _group(folder, "opcua")
        frames = _Frames()
        yield (
            Step("yardstick", VALUES, yardstick),
            Step("decode modbus", VALUES, _modbus_decode(modbus)),
            Step("decode opcua", VALUES, _opcua_decode(opcua)),
            Step("normalize", VALUES, _normalize(modbus, frames)),
            Step("observe", VALUES, _observe(modbus, frames)),
            Step("encode", VALUES, _encode(modbus, frames)),
            Step("commit", VALUES * ROWS_PER_COMMIT, stack.enter_context(_commit(modbus, folder))),
            Step("publish", VALUES * MESSAGES_PER_TURN, stack.enter_context(_publish(modbus))),
        )


def yardstick() -> int:
    """Do what never changes: what a step costs is told as a multiple of it, on any machine."""
    cells = {f"n{at}": (at, at * 0.5) for at in range(VALUES)}
    return sum(len(name) + pair[0] for name, pair in cells.items() if pair[1] >= 0)


class _Frames:
    """Frames of one group, one after the other; no two in a row hold the same values."""

    def __init__(self) -> None:
        self._columns = [tuple(range(at, at + VALUES)) for at in range(16)]
        self._number = 0

    def next(self) -> Frame:
        at = self._number = (self._number + 1) % FRAMES_PER_DAY
        return Frame("device-00", "default", T_NS + at * 10**9, self._columns[at % 16])


def _group(folder: Path, protocol: Any) -> GroupPlan:
    """Load a configuration of one device as the agent does; give its one group."""
    own = folder / protocol
    own.mkdir()
    path = write_config(
        Workload("guard", protocol, 1, VALUES, 1.0, ()), own, ports=(502,), broker_port=1883
    )
    return load(path).devices[0].groups[0]


def _modbus_decode(group: GroupPlan) -> Callable[[], object]:
    plan: Any = group.plan
    answers = [
        tuple(
            struct.pack(f">{REGISTERS_PER_REQUEST}H", *range(at, at + REGISTERS_PER_REQUEST))
            for at in range(generation, generation + VALUES, REGISTERS_PER_REQUEST)
        )
        for generation in range(2)
    ]

    def run() -> Frame:
        answers.reverse()
        values, marks, reasons = plan.compiled.decoder.decode(answers[0])
        return Frame("device-00", "default", T_NS, values, qualities=marks, reasons=reasons)

    return run


def _opcua_decode(group: GroupPlan) -> Callable[[], object]:
    plan: Any = group.plan
    decoder = NotificationDecoder(VALUES)
    ticks = T_NS // 100 + _TICKS_1601
    bodies = [
        struct.pack("<i", VALUES)
        + b"".join(_ITEM.pack(at, 0x05, 11, at + turn * 0.5, ticks) for at in range(VALUES))
        + struct.pack("<i", -1)
        for turn in range(2)
    ]

    def run() -> Frame:
        bodies.reverse()
        columns = decoder.decode(bodies[0], 0, len(bodies[0]))
        return make_frame(plan, columns, read_ns=T_NS, tags=None, layouts=None)[0]

    return run


def _normalize(group: GroupPlan, frames: _Frames) -> Callable[[], object]:
    pipeline = Pipeline(
        "device-00", group, latest=LatestGroup(VALUES), observe=lambda _frame: None,
        monotonic=time.monotonic,
    )  # fmt: skip
    return lambda: pipeline.process(frames.next())


def _observe(group: GroupPlan, frames: _Frames) -> Callable[[], object]:
    names = [tag.name for tag in group.tags]
    observer = Observer({("device-00", "default"): names}, Calendar("Asia/Shanghai"))
    watch = observer.watch("device-00", "default")
    return lambda: watch(frames.next())


def _codec(group: GroupPlan) -> GroupCodec:
    names = [tag.name for tag in group.tags]
    return GroupCodec("device-00", "default", names, max_row_bytes=MAX_ROW_BYTES)


def _encode(group: GroupPlan, frames: _Frames) -> Callable[[], object]:
    codec = _codec(group)
    return lambda: codec.encode([frames.next()])


@contextmanager
def _commit(group: GroupPlan, folder: Path) -> Iterator[Callable[[], object]]:
    """Commit rows, and the acknowledgement of those before, as in a steady run."""
    codec, frames = _codec(group), _Frames()
    rows = [row for _ in range(ROWS_PER_COMMIT) for row in codec.encode([frames.next()])]
    outbox = Outbox.open(Store(path=folder / "guard.db"))
    outbox.meta_version("guard")
    behind: list[tuple[int, int]] = []

    def run() -> None:
        done = outbox.commit(Batch(rows=list(rows), acked=list(behind)))
        behind[:] = [(done.rows[0].seq, done.rows[-1].seq)]

    try:
        yield run
    finally:
        outbox.close(clean=True)


@contextmanager
def _publish(group: GroupPlan) -> Iterator[Callable[[], object]]:
    """Send one row and have it acknowledged, over a socket whose other end is held here."""
    codec = _codec(group)
    rows = [
        Row(1, new.kind, 1, new.t_ms, new.values, new.body)
        for new in codec.encode([_Frames().next()])
    ]
    ours, broker = socket.socketpair()
    with asyncio.Runner() as runner, closing(ours), closing(broker):
        ours.setblocking(False)
        for end in (ours, broker):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        acked, room = asyncio.Event(), bytearray(1 << 16)
        stream = runner.run(_stream(ours, acked))

        async def turn() -> None:
            for _ in range(MESSAGES_PER_TURN):
                acked.clear()
                payload = join_rows(rows, gateway="gw-bench", epoch=_EPOCH, clock="ok")
                mid = stream.publish("hb/v1/ent-bench/gw-bench/data", payload)
                broker.recv_into(room)
                broker.send(PUBACK.pack(0x40, 2, mid or 0))
                async with asyncio.timeout(30):
                    await acked.wait()

        yield lambda: runner.run(turn())
        runner.run(_ended(stream))


async def _stream(ours: socket.socket, acked: asyncio.Event) -> Stream:
    return Stream(ours, v5=True, keepalive_s=3600, on_ack=lambda *_: acked.set(), name_of=str)


async def _ended(stream: Stream) -> None:
    stream.end("measured")
