"""One simulated OPC UA device: what it holds, what it serves, what ails it, and its restarts.

It goes on living while its server is away: values written meanwhile stand there at the next start,
and are in the history. A start is a new server on the same port: sessions, subscriptions and, when
shuffled, namespace indexes of before are gone.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import asyncua
from asyncua.common.connection import TransportLimits

from simulators.opcua.access import Access, Doorkeeper, TrustList, check, protect
from simulators.opcua.clock import DeviceClock
from simulators.opcua.faults import Faults
from simulators.opcua.history import Historian
from simulators.opcua.limits import Limits
from simulators.opcua.listening import GuardedServer, announce
from simulators.opcua.odd import disguise
from simulators.opcua.space import MACHINES_NAMESPACE, Space
from simulators.ports import require_free

if TYPE_CHECKING:
    from collections.abc import Sequence

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

PRODUCT_URI: Final = "urn:chulian:simulator"
"""Nobody can take its data for a machine's."""
APPLICATION_URI: Final = f"{PRODUCT_URI}:server"


class Content(Protocol):
    """What a device is made of."""

    @property
    def namespaces(self) -> Sequence[str]:
        """Namespaces it needs besides the machine's own."""

    async def build(self, space: Space, *, history: bool) -> None:
        """Add every node and note in `space.nodes` what can be written."""

    def encode(self, identifier: str, value: Any, space: Space | None) -> Any:
        """Give a value as the variable's Variant; None where that needs a running server."""

    def kept(self, identifier: str) -> bool:
        """Tell whether a variable's history is kept."""


class Device:
    """A device that serves inside `async with`; or by `start` and `stop`, as often as needed."""

    def __init__(
        self,
        content: Content,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        access: Access | None = None,
        clock: DeviceClock | None = None,
        historian: Historian | None = None,
        endpoint: str = "",
    ) -> None:
        """Prepare it; nothing listens yet.

        `endpoint` is the URL the server claims to have, as behind NAT; empty: where it is.
        """
        self._content = content
        self.host = host
        self.port = port
        self.limits = limits or Limits()
        self.access = access or Access()
        self.clock = clock or DeviceClock()
        self.historian = historian or Historian()
        self.faults = Faults()
        self.trust = TrustList(suspicious=self.access.suspicious)
        self.starts = 0
        """How often it was started."""
        self._endpoint = endpoint
        self._turn = 0
        self._held: dict[str, tuple[Any, int]] = {}
        self._space: Space | None = None
        self._server: GuardedServer | None = None

    @property
    def url(self) -> str:
        """Where it can be reached."""
        return f"opc.tcp://{self.host}:{self.port}/chulian/simulator"

    @property
    def running(self) -> bool:
        """Whether the server listens."""
        return self._server is not None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Build the address space and listen; takes about a second.

        Raises:
            OSError: the port cannot be bound, or the certificate not be made.
            ValueError: the access asked for does not exist.
        """
        check(self.access)
        require_free(self.host, self.port)
        server = GuardedServer(
            users=Doorkeeper(self.access),
            limits=self.limits,
            faults=self.faults,
            clock=self.clock,
            historian=self.historian,
        )
        await server.init()
        await self._introduce(server)
        await protect(server, self.access, uri=APPLICATION_URI, host=self.host)
        await announce(server, self.limits)
        uris = (MACHINES_NAMESPACE, *self._content.namespaces)
        space = await Space.open(server, uris, turn=self._turn)
        await self._content.build(space, history=bool(self.historian.depth))
        self.historian.serve(space.identify)
        self._space = space
        for identifier, (value, time_ns) in list(self._held.items()):
            variant = self._content.encode(identifier, value, space)
            await space.write(identifier, self._stamped(identifier, variant, time_ns))
        await server.start()
        self._server = server
        if server.bserver is not None:
            self.port = server.bserver.port
        self.starts += 1

    async def stop(self) -> None:
        """Close every connection and forget every session."""
        server, self._server, self._space = self._server, None, None
        if server is not None:
            await server.stop()

    async def restart(self, *, away_s: float = 0.0, shuffle: bool = False) -> None:
        """Stop, stay away, and start again on the same port, its namespaces in another order."""
        await self.stop()
        await asyncio.sleep(away_s)
        self._turn += shuffle
        await self.start()

    async def write(self, identifier: str, value: Any, *, time_ns: int) -> None:
        """Let a variable hold a value since a true moment; kept while the server is away."""
        self._held[identifier] = value, time_ns
        variant = self._content.encode(identifier, value, self._space)
        if variant is None:
            return
        stamped = self._stamped(identifier, variant, time_ns)
        if self._content.kept(identifier):
            self.historian.record(identifier, stamped)
        if self._space is not None:
            await self._space.write(identifier, stamped)

    def holds(self, identifier: str) -> bool:
        """Tell whether a variable was ever written."""
        return identifier in self._held

    async def show(self, identifier: str) -> bool:
        """Put a held value into the server once more, as its oddity makes it; False: no such."""
        if identifier not in self._held:
            return False
        value, time_ns = self._held[identifier]
        if self._space is not None:
            variant = self._content.encode(identifier, value, self._space)
            await self._space.write(identifier, self._stamped(identifier, variant, time_ns))
        return True

    async def emit(self, event: Any) -> None:
        """Send an event to who monitors the node that emits it; lost while the server is away."""
        if self._server is not None:
            await self._server.iserver.subscription_service.trigger_event(event)

    async def tick(self) -> None:
        """Move the server's own clock variable (ServerStatus/CurrentTime)."""
        if self._server is not None:
            now = self.clock.now()
            value = ua.DataValue(ua.Variant(now, ua.VariantType.DateTime), SourceTimestamp=now)
            node = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
            await self._server.write_attribute_value(node, value)

    async def kill_sessions(self) -> int:
        """Close every session behind its client's back, connections stay; give how many."""
        if self._server is None:
            return 0
        for guard in self._server.guards:
            guard.end_session()
        sessions = list(self._server.iserver._external_sessions.values())  # noqa: SLF001 - asyncua has no public list
        for session in sessions:
            await session.close_session(delete_subs=True)
        return len(sessions)

    async def kill_subscriptions(self) -> int:
        """Delete every subscription, sessions stay; give how many."""
        if self._server is None:
            return 0
        service = self._server.iserver.subscription_service
        doomed = list(service.subscriptions)
        await service.delete_subscriptions(doomed)
        return len(doomed)

    def drop_connections(self) -> int:
        """Reset every connection, sessions stay; give how many."""
        if self._server is None:
            return 0
        transports = list(self._server.iserver.asyncio_transports)
        for transport in transports:
            transport.abort()
        return len(transports)

    def node_id(self, identifier: str) -> str:
        """Give the address of a variable as a client writes it, for this start."""
        index = self._space.index(MACHINES_NAMESPACE) if self._space is not None else "?"
        return f"ns={index};s={identifier}"

    def _stamped(self, identifier: str, variant: Any, time_ns: int) -> Any:
        stamp = self.clock.stamp(time_ns)
        value = ua.DataValue(variant, SourceTimestamp=stamp, ServerTimestamp=stamp)
        kind = self.faults.odd.get(identifier)
        return value if kind is None else disguise(kind, value)

    async def _introduce(self, server: GuardedServer) -> None:
        server.product_uri = PRODUCT_URI
        server.name = "Chulian simulated device"
        server.manufacturer_name = "Chulian simulator"
        await server.set_application_uri(APPLICATION_URI)
        await server.set_build_info(
            PRODUCT_URI, server.manufacturer_name, server.name, "1.0", "simulated",
            datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        server.set_endpoint(self._endpoint or self.url)
        server.socket_address = (self.host, self.port)
        if self._endpoint:
            server.set_match_discovery_endpoint_url(False)
            server.set_match_discovery_client_ip(False)
        server.set_certificate_validator(self.trust.judge)
        server.disable_clock()  # its clock task makes every stop wait a second
        most = self.limits.buffer_bytes
        server.limits = TransportLimits(most, most, 0, 100 * 1024 * 1024)
