"""Writes values to a device, one at a time, and reads each back: functions 5, 6 and 16.

Guarantees: only a tag that was planned as READ_WRITE is written; a value is sent once and never
again; it counts as written only when the device holds exactly its bytes, as a fresh read tells,
and did not confirm anything else. Where no answer came the reason says that nobody knows. Never
reads a register to change a part of it. Reasons are the symbolic statuses of frames.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.api import Access, Busy, NoReply, SessionLost, Silent, WriteResult
from drivers.modbus.points.address import Table
from drivers.modbus.points.encode import encode
from drivers.modbus.wire.framing import ExceptionReply
from drivers.modbus.wire.pdu import FUNCTIONS, read_request, write_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from drivers.api import Tag, Value
    from drivers.modbus.plan import ModbusPlan
    from drivers.modbus.points.address import Point
    from drivers.modbus.wire.framing import Answer, Request

    Ask = Callable[[Request], Awaitable[Answer]]

WRITE_COIL: Final = 5
WRITE_REGISTER: Final = 6
WRITE_REGISTERS: Final = 16
"""Source: Modbus Application Protocol V1.1b3, 6.5, 6.6 and 6.12."""

GATEWAY_SILENT: Final = 0x0B
"""Exception of a gateway whose device did not answer: it may have heard the write."""

NOT_WRITABLE: Final = "BadNotWritable"
"""The tag was not planned to be written; nothing was sent."""
NOT_ENCODABLE: Final = "BadTypeMismatch"
"""The value cannot be held by the tag's type; nothing was sent."""
FOREIGN_ECHO: Final = "BadUnknownResponse"
"""The device confirmed another address or value than it was sent."""
NO_ANSWER: Final = "BadTimeout"
"""Nobody knows whether the device took the value: its answer did not come."""
CONNECTION_ENDED: Final = "BadConnectionClosed"
"""Nobody knows whether the device took the value: the connection ended first."""
STILL_BUSY: Final = "BadResourceUnavailable"
"""The device asked for patience; it may take the value later."""
READ_BACK_DIFFERS: Final = "BadReadBackDiffers"
"""The device confirmed the value and holds another."""
READ_BACK_FAILED: Final = "BadReadBackFailed"
"""The device confirmed the value and does not tell what it holds."""

_UNKNOWN: Final = frozenset({NO_ANSWER, CONNECTION_ENDED, STILL_BUSY})
_COIL_ON: Final = b"\xff\x00"
_COIL_OFF: Final = b"\x00\x00"


@dataclass(frozen=True, slots=True)
class _Job:
    """One value on its way: what is sent, what confirms it, what is read afterwards."""

    request: Request
    echo: bytes
    read_back: Request
    held: bytes
    """What the device answers to `read_back` once it holds the value."""


async def write_all(
    ask: Ask, plan: ModbusPlan, values: Mapping[Tag, Value]
) -> tuple[WriteResult, ...]:
    """Write raw values in their order; `ask` runs one request and raises what a session does."""
    return tuple([await _write(ask, plan, tag, value) for tag, value in values.items()])


async def _write(ask: Ask, plan: ModbusPlan, tag: Tag, value: Value) -> WriteResult:
    """Write one value; whatever happens is told, nothing but a cancellation is raised."""
    point = dict(zip(plan.tags, plan.points, strict=True)).get(tag)
    if point is None or tag.access is not Access.READ_WRITE:
        return WriteResult(tag, written=False, reason=NOT_WRITABLE)
    raw = _encoded(point, value)
    if raw is None:
        return WriteResult(tag, written=False, reason=NOT_ENCODABLE)
    job = _job(plan, point, raw)
    reason = await _send(ask, job)
    if reason and reason not in _UNKNOWN:
        return WriteResult(tag, written=False, reason=reason)
    seen = await _held(ask, job)
    if seen == job.held:
        return WriteResult(tag, written=True)
    if not reason:
        reason = READ_BACK_FAILED if seen is None else READ_BACK_DIFFERS
    return WriteResult(tag, written=False, reason=reason)


def _encoded(point: Point, value: Value) -> bytes | None:
    """Give the bytes of a value on the wire; None where the point cannot hold exactly it."""
    try:
        return encode(point, value)
    except ValueError:
        return None


def _job(plan: ModbusPlan, point: Point, raw: bytes) -> _Job:
    """Make the requests for one value."""
    where = f"{point.table}:{point.start}"
    if point.table is Table.COILS:
        function, data = WRITE_COIL, _COIL_ON if raw[0] else _COIL_OFF
        echo = data = struct.pack(">H", point.start) + data
    elif point.width == 1 and not plan.config.write_multiple:
        function = WRITE_REGISTER
        echo = data = struct.pack(">H", point.start) + raw
    else:
        function = WRITE_REGISTERS
        echo = struct.pack(">HH", point.start, point.width)
        data = echo + bytes([len(raw)]) + raw
    return _Job(
        request=write_request(
            plan.framing, function, data, unit=plan.unit, asked=f"a write to {where}"
        ),
        echo=echo,
        read_back=read_request(
            plan.framing, point.table, unit=plan.unit, start=point.start, count=point.width
        ),
        held=raw,
    )


async def _send(ask: Ask, job: _Job) -> str:
    """Send the value once; give why it is not confirmed, nothing when it is."""
    try:
        answer = await ask(job.request)
    except Busy:
        return STILL_BUSY
    except (Silent, NoReply):
        return NO_ANSWER
    except SessionLost:
        return CONNECTION_ENDED
    if isinstance(answer, ExceptionReply):
        return NO_ANSWER if answer.code == GATEWAY_SILENT else answer.reason
    return "" if answer == job.echo else FOREIGN_ECHO


async def _held(ask: Ask, job: _Job) -> bytes | None:
    """Read what the device holds now; None where it does not say."""
    try:
        answer = await ask(job.read_back)
    except (Busy, Silent, SessionLost):
        return None
    if not isinstance(answer, bytes):
        return None
    if job.read_back.function == FUNCTIONS[Table.COILS]:
        return bytes([answer[0] & 1])  # some devices fill the byte up with the neighbours
    return answer
