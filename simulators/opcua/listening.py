"""asyncua's server with every connection guarded, and every part replaced that knows a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncua
from asyncua.server.address_space import AttributeService
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.server import Server

from simulators.opcua.guard import Guard
from simulators.opcua.limits import NODES
from simulators.opcua.subscriptions import Subscriptions

if TYPE_CHECKING:
    import asyncio

    from asyncua.server.user_managers import UserManager

    from simulators.opcua.clock import DeviceClock
    from simulators.opcua.faults import Faults
    from simulators.opcua.history import Historian
    from simulators.opcua.limits import Limits

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked


class GuardedServer(Server):
    """A server whose limits, faults, clock and history are given from outside."""

    def __init__(
        self,
        *,
        users: UserManager,
        limits: Limits,
        faults: Faults,
        clock: DeviceClock,
        historian: Historian,
    ) -> None:
        super().__init__(user_manager=users)
        self.bounds = limits
        self.faults = faults
        self.device_clock = clock
        inner: Any = self.iserver  # its parts are meant to be replaced, but not typed so
        inner.subscription_service = Subscriptions(self.iserver, limits, faults)
        inner.attribute_service = Attributes(self.iserver.aspace, faults)
        inner.history_manager = historian
        inner.isession.subscription_service = inner.subscription_service

    async def start(self) -> None:
        """Listen."""
        await self._setup_server_nodes()
        await self.iserver.start()
        address, port = self._get_bind_socket_info()
        self.bserver = Listener(self, str(address), int(port or 0))
        self.bserver.set_policies(self._policies)
        await self.bserver.start()

    @property
    def guards(self) -> list[Guard]:
        """The open connections."""
        clients = [] if self.bserver is None else self.bserver.clients
        return [each.processor for each in clients if isinstance(each.processor, Guard)]


class Attributes(AttributeService):
    """Reading attributes, unless the machine's nodes are not known yet."""

    def __init__(self, aspace: Any, faults: Faults) -> None:
        super().__init__(aspace)
        self._faults = faults

    def read(self, params: Any) -> list[Any]:
        """Read; nodes of other namespaces than 0 are unknown for a while after some starts."""
        found = super().read(params)
        if self._faults.knows_nodes():
            return found
        unknown = ua.DataValue(StatusCode=ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))
        return [
            unknown if wanted.NodeId.NamespaceIndex else value
            for wanted, value in zip(params.NodesToRead, found, strict=True)
        ]


class Listener(BinaryServer):
    """Accepts connections and guards each."""

    def __init__(self, server: GuardedServer, host: str, port: int) -> None:
        super().__init__(server.iserver, host, port, server.limits)
        self.server = server

    def _make_protocol(self) -> OPCUAProtocol:
        return Connection(self)


class Connection(OPCUAProtocol):
    """One connection."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(
            iserver=listener.iserver,
            policies=listener._policies,  # noqa: SLF001 - as asyncua's own factory does
            clients=listener.clients,
            closing_tasks=listener.closing_tasks,
            limits=listener.limits,
        )
        self._owner = listener.server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept, with a guard in place of asyncua's plain processor."""
        super().connection_made(transport)
        if self.transport is None:
            return
        owner = self._owner
        self.processor = Guard(
            self.iserver,
            self.transport,
            self.limits,
            limits=owner.bounds,
            faults=owner.faults,
            clock=owner.device_clock,
        )
        self.processor.set_policies(self.policies)  # type: ignore[no-untyped-call]  # asyncua leaves it so


async def announce(server: Server, limits: Limits) -> None:
    """Write the operation limits where clients look for them, or take the nodes away."""
    for operation, name in NODES.items():
        number = getattr(ua.ObjectIds, f"Server_ServerCapabilities_OperationLimits_{name}")
        node = server.get_node(ua.NodeId(number))
        if limits.tell == "absent":
            await server.delete_nodes([node])
            continue
        said = 0 if limits.tell == "zero" else limits.per_call.get(operation, 0)
        await node.write_value(ua.Variant(said, ua.VariantType.UInt32))
