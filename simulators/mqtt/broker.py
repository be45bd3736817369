"""A small MQTT 5 and 3.1.1 broker for the demo and for fault tests, in the caller's event loop.

Guarantees: QoS 0 and 1, retained messages, Will, session takeover, keep alive, true PUBACK reasons
(0x10 when nobody subscribed, 0x97 when a subscriber's queue is full); everything it holds is
bounded by `Limits`; `Faults` makes it misbehave. Sessions and retained messages live in the object:
`stop` and `start` keep them (a broker with persistence), `forget` loses them (one without).
It never writes to disk, and is no broker for production.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Self

from simulators.mqtt.conditions import Conditions
from simulators.mqtt.connection import Connection
from simulators.mqtt.faults import BrokerStats, Faults, Limits
from simulators.mqtt.packets import Publish, Version
from simulators.mqtt.router import Router
from simulators.mqtt.topics import valid_topic
from simulators.mqtt.wire import Property, Reason

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from simulators.mqtt.packets import Connect

_ACCEPT_STEPS = 3
"""Loop iterations from a socket's accept to its `opened`: none may slip through a stop."""


class Broker:
    """`async with Broker() as broker:` listens on `broker.url` until the block is left."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        users: Mapping[str, str] | None = None,
        faults: Faults | None = None,
        limits: Limits | None = None,
        on_publish: Callable[[str, Publish], None] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.faults = faults or Faults()
        self.limits = limits or Limits()
        self.stats = BrokerStats()
        self.frozen = False
        self._ssl = ssl_context
        self._users = users
        self._on_publish = on_publish
        self._server: asyncio.Server | None = None
        self.router = Router(
            faults=self.faults, limits=self.limits, stats=self.stats, changed=self.changed
        )
        self._connections: set[Connection] = set()
        self._conditions = Conditions()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where it listens, as mqtt://host:port or mqtts://host:port."""
        return f"mqtt{'s' if self._ssl else ''}://{self.host}:{self.port}"

    @property
    def clients(self) -> tuple[str, ...]:
        """Client ids connected now."""
        return tuple(
            name for name, session in self.router.sessions.items() if session.link is not None
        )

    @property
    def retained(self) -> Mapping[str, Publish]:
        """Retained messages by topic."""
        return self.router.retained

    def waiting(self, client_id: str) -> int:
        """Messages queued for, or not acknowledged by, one subscriber."""
        session = self.router.sessions.get(client_id)
        return session.waiting if session else 0

    async def start(self) -> None:
        """Listen; with port 0 a free port is taken and kept for every later start."""
        loop = asyncio.get_running_loop()
        self.router.stopping = False
        self._server = await loop.create_server(
            lambda: Connection(self), self.host, self.port, ssl=self._ssl, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Vanish: close the port and cut every connection; sessions stay, no Will is sent."""
        self.router.stopping = True
        if self._server is not None:
            self._server.close()
            self._server = None
        for _ in range(_ACCEPT_STEPS):
            await asyncio.sleep(0)
        for connection in tuple(self._connections):
            connection.abort()
        async with asyncio.timeout(5):
            await self.until(lambda: not self._connections)
        self.router.stop_timers()

    def forget(self) -> None:
        """Lose every session without a connection and every retained message."""
        self.router.forget()

    async def restart(self, *, persistent: bool = True) -> None:
        """Stop and start on the same port; without persistence everything is forgotten."""
        await self.stop()
        if not persistent:
            self.forget()
        await self.start()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something the broker did makes `condition` true; bound it with a timeout."""
        await self._conditions.until(condition)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        """Publish as the broker itself; gives the reason a client would have got."""
        if not valid_topic(topic):
            raise ValueError(f"{topic!r} is no topic name")
        return self.router.route(Publish(topic, payload, qos, retain), "")

    def disconnect(self, client_id: str | None = None, *, reason: int | None = None) -> int:
        """Drop one client or all, with a reason or without a word. Gives how many."""
        links = self._links(client_id)
        for link in links:
            if reason is None:
                link.abort()
            else:
                link.end(reason)
        return len(links)

    def release_pubacks(self) -> None:
        """Send the PUBACKs held back by `Faults.stall_pubacks`, which also ends."""
        self.faults.stall_pubacks = False
        for link in self._links(None):
            link.release_pubacks()

    def freeze(self) -> None:
        """Read nothing more from any client, as a stopped process would."""
        self.frozen = True
        for connection in self._connections:
            connection.freeze(frozen=True)

    def thaw(self) -> None:
        """End `freeze`."""
        self.frozen = False
        for connection in self._connections:
            connection.freeze(frozen=False)

    def inject(self, data: bytes, client_id: str | None = None) -> int:
        """Write raw bytes to one client or all, such as a PUBACK nobody asked for."""
        links = self._links(client_id)
        for link in links:
            link.write(data)
        return len(links)

    def _links(self, client_id: str | None) -> list[Connection]:
        return [
            connection
            for connection in self._connections
            if connection.session is not None and client_id in {None, connection.session.client_id}
        ]

    def changed(self) -> None:
        """Look whether someone waits for what has just happened."""
        self._conditions.changed()

    def opened(self, connection: Connection) -> None:
        """Take note of a new connection; one too many is cut."""
        self._connections.add(connection)
        if self.router.stopping or len(self._connections) > self.limits.connections:
            connection.abort()
        elif self.frozen:
            connection.freeze(frozen=True)

    def closed(self, connection: Connection) -> None:
        """Take note of a connection's end."""
        self._connections.discard(connection)
        session = connection.session
        if session is not None and session.link is connection:
            self.router.detach(session)
        self.changed()

    def refusal(self, packet: Connect) -> Reason | None:
        """Why a CONNECT is not accepted; None when it is."""
        will, anonymous = packet.will, not packet.client_id
        checks = (
            (not self._password_fits(packet), Reason.BAD_USER_NAME_OR_PASSWORD),
            (Property.AUTH_METHOD in packet.properties, Reason.BAD_AUTHENTICATION_METHOD),
            (
                anonymous and packet.version is Version.V311 and not packet.clean_start,
                Reason.CLIENT_IDENTIFIER_NOT_VALID,
            ),
            (will is not None and will.qos > 1, Reason.QOS_NOT_SUPPORTED),
            (will is not None and not valid_topic(will.topic), Reason.TOPIC_NAME_INVALID),
        )
        found = (reason for wrong, reason in checks if wrong)
        return self.faults.refuse_connect or next(found, None)

    def accept(self, packet: Publish, sender: str) -> int:
        """Route a client's message; gives its PUBACK reason."""
        self.stats.published += 1
        if self._on_publish is not None:
            self._on_publish(sender, packet)
        forced = self.faults.reason_for(packet.topic)
        return self.router.route(packet, sender) if forced is None else forced

    def _password_fits(self, packet: Connect) -> bool:
        if self._users is None:
            return True
        expected = self._users.get(packet.username or "")
        given = packet.password or b""
        return expected is not None and hmac.compare_digest(expected.encode(), given)
