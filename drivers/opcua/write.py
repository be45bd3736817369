"""Writes values to an OPC UA server, one at a time, and reads each back.

Guarantees: only a tag that was planned as READ_WRITE is written; a value is sent once and never
again, in the node's own type, and only if that type holds exactly it; it counts as written only
when the server holds it, as a fresh read tells. Where no answer came the reason says that nobody
knows. Never writes a part of a node, a status or a time; never calls a method.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from drivers.api import Access, Busy, DriverError, NoReply, SessionLost, WriteResult
from drivers.opcua.browse.asking import held, read_attributes
from drivers.opcua.calls import UNKNOWN_NODE, ServiceRefused
from drivers.opcua.decoding.status import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drivers.api import Tag, Value
    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services

NOT_WRITABLE: Final = "BadNotWritable"
"""The tag was not planned to be written, or the node is only read; nothing was sent."""
NO_RIGHT: Final = "BadUserAccessDenied"
"""The node may be written, but not by the user we logged in as; nothing was sent."""
NOT_ENCODABLE: Final = "BadTypeMismatch"
"""The value cannot be held by the node's type; nothing was sent."""
NO_ANSWER: Final = "BadTimeout"
"""Nobody knows whether the server took the value: its answer did not come."""
CONNECTION_ENDED: Final = "BadConnectionClosed"
"""Nobody knows whether the server took the value: the connection ended first."""
STILL_BUSY: Final = "BadResourceUnavailable"
"""The server asked for patience; it may take the value later."""
NOT_REACHED: Final = "BadNoCommunication"
"""The session ended before; nothing was sent."""
NOT_READABLE: Final = "BadNotReadable"
"""The node's type cannot be told; nothing was sent."""
READ_BACK_DIFFERS: Final = "BadReadBackDiffers"
READ_BACK_FAILED: Final = "BadReadBackFailed"
"""The server confirmed the value, and holds another, or does not tell what it holds."""

READ_BACK_PAUSES_S: Final = (0.0, 0.2, 0.5, 1.0)
"""A server between us and the machine shows the new value only after its own next read."""

_UNKNOWN: Final = frozenset({NO_ANSWER, CONNECTION_ENDED, STILL_BUSY})
_CODES: Final = {
    1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q", 10: "f", 11: "d",
}  # fmt: skip
"""Built-in types that can be written -> format of their bytes."""
_BOOLEAN: Final = 1
_FLOATING: Final = frozenset({10, 11})
_CURRENT_WRITE: Final = 2  # bit of AccessLevel and UserAccessLevel; OPC 10000-3, 8.57

_ATTRIBUTES: Final = (
    AttributeIds.DataType, AttributeIds.AccessLevel, AttributeIds.UserAccessLevel,
    AttributeIds.Value,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Target:
    """A node as the server describes it, or why it cannot be written."""

    kind: int = 0
    """Number of its built-in type."""
    refusal: str = ""


async def write_all(
    services: Services,
    plan: OpcuaPlan,
    nodes: Sequence[ua.NodeId | None],
    values: Mapping[Tag, Value],
) -> tuple[tuple[WriteResult, ...], SessionLost | None]:
    """Write raw values in their order; `nodes` are the plan's. Tells why the session ended, if so.

    Whatever happens is told, nothing but a cancellation is raised.
    """
    known = dict(zip(plan.tags, nodes, strict=True))
    writer = _Writer(services)
    results: list[WriteResult] = []
    for tag, value in values.items():
        node = known.get(tag)
        if tag not in known or tag.access is not Access.READ_WRITE:
            reason = NOT_WRITABLE
        elif node is None:
            reason = UNKNOWN_NODE
        else:
            reason = await writer.write(node, value)
        results.append(WriteResult(tag, written=not reason, reason=reason))
    return tuple(results), writer.lost


class _Writer:
    """Writes single values; remembers how the session ended, if it did."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.lost: SessionLost | None = None

    async def write(self, node: ua.NodeId, value: Value) -> str:
        """Write one value; give why it is not written, nothing when it is."""
        target = await self._described(node)
        if target.refusal:
            return target.refusal
        exact = _exactly(value, target.kind)
        if exact is None:
            return NOT_ENCODABLE
        reason = await self._send(node, exact, target.kind)
        if reason and reason not in _UNKNOWN:
            return reason
        seen = await self._read_back(node, exact)
        if seen == exact and type(seen) is type(exact):
            return ""
        return reason or (READ_BACK_FAILED if seen is None else READ_BACK_DIFFERS)

    async def _described(self, node: ua.NodeId) -> _Target:
        """Ask what the node is, and whether it may be written by us."""
        wanted = [(node, attribute) for attribute in _ATTRIBUTES]
        try:
            answers = await read_attributes(self._services, wanted)
        except SessionLost as error:
            self.lost = error
            return _Target(refusal=NOT_REACHED)
        except DriverError:
            return _Target(refusal=NOT_READABLE)
        return _target(answers)

    async def _send(self, node: ua.NodeId, exact: float, kind: int) -> str:
        """Send the value once; give why it is not confirmed, nothing when it is."""
        bare = ua.DataValue(ua.Variant(exact, ua.VariantType(kind)), StatusCode=None)
        one = ua.WriteValue(NodeId=node, AttributeId=AttributeIds.Value, Value=bare)
        request = ua.WriteRequest(Parameters=ua.WriteParameters(NodesToWrite=[one]))
        try:
            answer = await self._services.ask(request, ua.WriteResponse, what="Write")
        except Busy:
            return STILL_BUSY
        except ServiceRefused as refused:
            return refused.status
        except SessionLost as error:
            self.lost = error
            return NO_ANSWER if isinstance(error, NoReply) else CONNECTION_ENDED
        codes = [int(result.value) for result in answer.Results or []]
        if len(codes) != 1:
            return NO_ANSWER
        return name_of(codes[0]) if codes[0] >> 31 else ""

    async def _read_back(self, node: ua.NodeId, exact: float) -> Value:
        """Read until the node holds the value, a few times; None where it does not tell."""
        seen: Value = None
        for pause_s in READ_BACK_PAUSES_S:
            await asyncio.sleep(pause_s)
            try:
                columns = await self._services.read((node,))
            except DriverError as error:
                self.lost = error if isinstance(error, SessionLost) else self.lost
                return None
            good = columns.statuses is None or not columns.statuses[0] >> 30
            seen = columns.values[0] if good else None
            if seen == exact:
                break
        return seen


def _target(answers: Sequence[ua.DataValue]) -> _Target:
    """Judge what a server says of a node's attributes."""
    data_type, level, user_level, current = map(held, answers)
    if data_type is None:
        return _Target(refusal=_why(answers[0]))
    if isinstance(level, int) and not level & _CURRENT_WRITE:
        return _Target(refusal=NOT_WRITABLE)
    if isinstance(user_level, int) and not user_level & _CURRENT_WRITE:
        return _Target(refusal=NO_RIGHT)
    return _typed(data_type, answers[3].Value if current is not None else None)


def _typed(data_type: object, current: ua.Variant | None) -> _Target:
    """Tell the built-in type: by the node's own, else by the value it holds now."""
    own = isinstance(data_type, ua.NodeId) and data_type.NamespaceIndex == 0
    number: object = data_type.Identifier if own and isinstance(data_type, ua.NodeId) else None
    if current is not None:
        if current.is_array:
            return _Target(refusal=NOT_ENCODABLE)
        now = int(current.VariantType.value)
        number = now if number not in _CODES else number
    if not isinstance(number, int) or number not in _CODES:
        return _Target(refusal=NOT_ENCODABLE)
    return _Target(kind=number)


def _why(result: ua.DataValue) -> str:
    code = 0 if result.StatusCode is None else int(result.StatusCode.value)
    return name_of(code) if code >> 30 else NOT_READABLE


def _exactly(value: Value, kind: int) -> bool | int | float | None:
    """Give a value as the type holds it; None where it would become another."""
    if isinstance(value, bool) != (kind == _BOOLEAN) or not isinstance(value, int | float):
        return None
    if not isfinite(value):
        return None
    if kind == _BOOLEAN:
        return bool(value)
    try:
        number = float(value) if kind in _FLOATING else int(value)
        layout = struct.Struct("<" + _CODES[kind])
        exact: int | float = layout.unpack(layout.pack(number))[0]
    except (struct.error, OverflowError, ValueError):
        return None
    return exact if exact == value else None
