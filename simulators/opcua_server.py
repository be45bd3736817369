"""An OPC UA server for simulated machines: variables with string node ids and source timestamps.

It writes only what changed, says in its ProductUri and BuildInfo that it is a simulator, and is
read-only for clients. Started again after a stop, it is a new server on the same port: sessions
and subscriptions of before are gone, as after a controller's reboot.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import asyncua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager

from simulators.points import NAMESPACE
from simulators.ports import require_free

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncua.common.node import Node

    from simulators.board import Held
    from simulators.machine import Value
    from simulators.points import Point

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

PRODUCT_URI = "urn:chulian:simulator"

_VARIANTS = {
    "bool": ua.VariantType.Boolean,
    "int16": ua.VariantType.Int16,
    "uint16": ua.VariantType.UInt16,
    "int32": ua.VariantType.Int32,
    "uint32": ua.VariantType.UInt32,
    "float32": ua.VariantType.Float,
    "float64": ua.VariantType.Double,
    "string": ua.VariantType.String,
}
_BAD = ua.StatusCode(ua.StatusCodes.BadDeviceFailure)
_WAITING = ua.StatusCode(ua.StatusCodes.BadWaitingForInitialData)


@dataclass(frozen=True, slots=True)
class _OneUser(UserManager):
    """Lets one user in, or everybody when no name is set."""

    username: str
    password: str

    def get_user(
        self,
        iserver: Any,  # noqa: ARG002 - asyncua's signature
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,  # noqa: ARG002 - asyncua's signature
    ) -> User | None:
        """Give the role of whom to let in, or None to refuse."""
        if self.username and (username, password) != (self.username, self.password):
            return None
        return User(role=UserRole.User)


class OpcuaServer:
    """A server that runs inside `async with`; or by `start` and `stop`, as often as needed."""

    def __init__(
        self,
        machines: Mapping[str, Sequence[Point]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "",
        password: str = "",
    ) -> None:
        """Serve each machine's points, by machine id; with a user name, anonymous is refused."""
        self._machines = dict(machines)
        self._user = _OneUser(username, password)
        self.host = host
        self.port = port
        self._server: Server | None = None
        self._variables: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._held: dict[tuple[str, str], Held] = {}

    @property
    def url(self) -> str:
        """Endpoint address, `opc.tcp://host:port/chulian/simulator`."""
        return f"opc.tcp://{self.host}:{self.port}/chulian/simulator"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Build the address space and listen; takes about a second.

        Raises:
            OSError: the port cannot be bound.
        """
        require_free(self.host, self.port)
        server = Server(user_manager=self._user)
        await server.init()
        await _introduce(server)
        self._restrict(server)
        await self._build(server)
        for (machine, metric), held in self._held.items():
            await self._write_one(server, machine, metric, held)
        await server.start()
        if server.bserver is not None:
            self.port = server.bserver.port
        self._server = server
        await self.tick(time.time_ns())

    async def stop(self) -> None:
        """Close every connection and forget every session."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()

    async def write(self, machine: str, changes: Mapping[str, Held]) -> None:
        """Publish the changed values of a machine; while stopped they are kept for the start."""
        self._held.update({(machine, metric): held for metric, held in changes.items()})
        if self._server is not None:
            for metric, held in changes.items():
                await self._write_one(self._server, machine, metric, held)

    async def tick(self, now_ns: int) -> None:
        """Move the server's own clock variable (ServerStatus/CurrentTime)."""
        if self._server is not None:
            node = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
            variant = ua.Variant(_datetime(now_ns), ua.VariantType.DateTime)
            await self._server.write_attribute_value(
                node, ua.DataValue(variant, SourceTimestamp=_datetime(now_ns))
            )

    def _restrict(self, server: Server) -> None:
        server.set_endpoint(self.url)
        server.socket_address = (self.host, self.port)
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        named = bool(self._user.username)
        server.set_identity_tokens(
            [ua.UserNameIdentityToken if named else ua.AnonymousIdentityToken]
        )
        server.iserver.allow_remote_admin = False
        # its clock task makes every stop wait a second; `tick` moves the clock instead
        server.disable_clock()

    async def _build(self, server: Server) -> None:
        index = await server.register_namespace(NAMESPACE)
        for machine, points in self._machines.items():
            folders = {"": await _add_object(server.nodes.objects, index, path=machine)}
            for point in points:
                branch, _, leaf = point.address.rpartition(".")
                parent = await _branch(folders, index, machine=machine, path=branch)
                node_id = ua.NodeId(f"{machine}.{point.address}", index)
                variant_type = _VARIANTS[point.type]
                await _add_variable(parent, node_id, leaf, point)
                self._variables[machine, point.metric] = (node_id, variant_type)

    async def _write_one(self, server: Server, machine: str, metric: str, held: Held) -> None:
        node_id, variant_type = self._variables[machine, metric]
        await server.write_attribute_value(
            node_id, _data_value(held.value, variant_type, time_ns=held.time_ns)
        )


async def _introduce(server: Server) -> None:
    """Say in every place a client may look that this is a simulator."""
    server.product_uri = PRODUCT_URI
    server.name = "Chulian simulated workshop"
    server.manufacturer_name = "Chulian simulator"
    await server.set_application_uri(f"{PRODUCT_URI}:server")
    await server.set_build_info(
        PRODUCT_URI,
        server.manufacturer_name,
        server.name,
        "1.0",
        "simulated",
        datetime(2026, 1, 1, tzinfo=UTC),
    )


async def _branch(folders: dict[str, Node], index: int, *, machine: str, path: str) -> Node:
    """Find or make the object at a dotted path below a machine."""
    if path not in folders:
        above = path.rpartition(".")[0]
        parent = await _branch(folders, index, machine=machine, path=above)
        folders[path] = await _add_object(parent, index, path=f"{machine}.{path}")
    return folders[path]


async def _add_object(parent: Node, index: int, *, path: str) -> Node:
    name = ua.QualifiedName(path.rpartition(".")[2], index)
    node: Node = await parent.add_object(ua.NodeId(path, index), name)
    return node


async def _add_variable(parent: Node, node_id: Any, leaf: str, point: Point) -> None:
    index = node_id.NamespaceIndex
    initial = ua.Variant(ua.get_default_value(_VARIANTS[point.type]), _VARIANTS[point.type])
    node = await parent.add_variable(node_id, ua.QualifiedName(leaf, index), initial)
    await node.write_value(ua.DataValue(initial, StatusCode=_WAITING))
    description = ua.Variant(ua.LocalizedText(point.zh, "zh-CN"), ua.VariantType.LocalizedText)
    await node.write_attribute(ua.AttributeIds.Description, ua.DataValue(description))
    if point.unit:
        unit = ua.EUInformation(UnitId=-1, DisplayName=ua.LocalizedText(point.unit))
        name = ua.QualifiedName("EngineeringUnits", 0)
        await node.add_property(ua.NodeId(f"{node_id.Identifier}.Unit", index), name, unit)


def _data_value(value: Value | None, variant_type: Any, *, time_ns: int) -> Any:
    stamp = _datetime(time_ns)
    if value is None:
        return ua.DataValue(ua.Variant(), _BAD, SourceTimestamp=stamp, ServerTimestamp=stamp)
    variant = ua.Variant(value, variant_type)
    return ua.DataValue(variant, SourceTimestamp=stamp, ServerTimestamp=stamp)


def _datetime(time_ns: int) -> datetime:
    """Convert UTC nanoseconds to a time with microseconds, rounding down."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest // 1_000)
