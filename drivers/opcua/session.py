"""One session on an OPC UA server: reads, subscriptions, and who the server is.

A session never reconnects: when it ends, every read and every subscription says so and the host
opens another. It keeps itself alive while nobody reads, and renews its channel in time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from drivers.api import DriverError, Identity, SessionLost
from drivers.opcua.calls import UNKNOWN_NODE
from drivers.opcua.frames import make_frame
from drivers.opcua.poll import read_nodes
from drivers.opcua.subscribe import Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from asyncua import ua

    from drivers.api import Frame
    from drivers.opcua.notify import PublishLoop
    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services

PROBE_INTERVAL_S: Final = 10.0
"""How often the server is asked whether it lives."""

PROBE_TIMEOUT_S: Final = 10.0
"""A controller may pause longer than one answer takes, at a program change for example."""

NAMESPACE_RETRY_S: Final = 10.0
"""A namespace that is missing is looked for again this often: servers load them after starting."""

_log = logging.getLogger(__name__)


class OpcuaSession:
    """A session on one server; made by `drivers.opcua.opening.open_session`."""

    def __init__(
        self,
        services: Services,
        *,
        application_uri: str,
        product_uri: str,
    ) -> None:
        self._services = services
        self._application_uri = application_uri
        self._product_uri = product_uri
        self._publishes: PublishLoop | None = None
        self._namespaces: list[str] = []
        self._namespaces_read_s = 0.0
        self._resolved: dict[int, tuple[OpcuaPlan, list[ua.NodeId | None]]] = {}
        self._streams: set[Stream] = set()
        self._lost: DriverError | None = None
        self.restamped = 0
        """Values stamped on receipt: their source time was absent or far from our clock."""

    async def read(self, plan: OpcuaPlan) -> Frame:
        """Read every tag of the plan once; what the server refuses is BAD with its reason.

        Raises:
            NoReply, SessionLost: the session is over.
            Busy: the server wants the read repeated later.
        """
        self._check()
        with self._noting_loss():
            nodes = await self._nodes(plan)
            columns = await read_nodes(
                self._services, nodes, most=plan.max_items_per_call, unknown=UNKNOWN_NODE
            )
        frame, restamped = make_frame(plan, columns, read_ns=time.time_ns(), tags=None)
        self.restamped += restamped
        return frame

    async def subscribe(self, plan: OpcuaPlan, *, interval_s: float) -> AsyncIterator[Frame]:
        """Yield the current value of every tag, then changes; closing it ends the subscription.

        Raises:
            NoReply, SessionLost: the session is over, or the subscription dead.
            Busy: the server has no room for the subscription now.
        """
        self._check()
        stream = Stream(plan, self._services, on_restamped=self._count_restamped)
        self._streams.add(stream)
        try:
            with self._noting_loss():
                nodes = await self._nodes(plan)
                await stream.start(self._publishes, nodes, sampling_s=interval_s)
                while True:
                    yield await stream.get()
        finally:
            self._streams.discard(stream)
            with suppress(DriverError), self._noting_loss():
                await stream.close(polite=self.alive)

    async def identify(self, plan: OpcuaPlan) -> Identity:  # noqa: ARG002 - one device per server
        """Read maker, product and version as the server states them; empty where it does not.

        Raises:
            NoReply, SessionLost: the session is over.
        """
        self._check()
        with self._noting_loss():
            info = await self._services.build_info()
        raw = {
            "ApplicationUri": self._application_uri,
            "ApplicationProductUri": self._product_uri,
            **info,
        }
        return Identity(
            maker=info.get("ManufacturerName", ""),
            model=info.get("ProductName", ""),
            firmware=info.get("SoftwareVersion", ""),
            uri=self._application_uri,
            raw=tuple((name, text) for name, text in raw.items() if text),
        )

    def publish_with(self, publishes: PublishLoop) -> None:
        """Take notifications from our own publish loop instead of the library's."""
        self._publishes = publishes

    async def learn(self) -> None:
        """Read what every plan needs: the namespaces, and what the server takes at once."""
        await self._read_namespaces()
        await self._services.learn_limits()

    async def keep(
        self, *, interval_s: float = PROBE_INTERVAL_S, timeout_s: float = PROBE_TIMEOUT_S
    ) -> None:
        """Prove every so often that the server lives, renew the channel, ask for refused points.

        Goes on until the session is lost.
        """
        loop = asyncio.get_running_loop()
        renew_s = loop.time() + self._services.channel_life_s / 2
        pause_s = min(interval_s, self._services.session_life_s / 3)
        while self._lost is None:
            await asyncio.sleep(pause_s)
            with suppress(DriverError), self._noting_loss():
                await self._services.probe(timeout_s=max(timeout_s, self._services.timeout_s))
                if loop.time() >= renew_s:
                    renew_s = loop.time() + await self._services.renew_channel() / 2
                for stream in tuple(self._streams):
                    await stream.retry(partial(self._nodes, stream.plan))

    def lose(self, error: DriverError) -> None:
        """End every subscription and refuse every read from now on; the first reason stays."""
        if self._lost is None:
            self._lost = error
        for stream in self._streams:
            stream.end(self._lost)

    @property
    def alive(self) -> bool:
        """Whether nothing has ended the session yet."""
        return self._lost is None

    def _check(self) -> None:
        if self._lost is not None:
            raise SessionLost(f"the session ended before: {self._lost}")

    @contextmanager
    def _noting_loss(self) -> Iterator[None]:
        """Remember the loss of the session for whoever comes next."""
        try:
            yield
        except SessionLost as error:
            self.lose(error)
            raise

    def _count_restamped(self, values: int) -> None:
        self.restamped += values

    async def _nodes(self, plan: OpcuaPlan) -> list[ua.NodeId | None]:
        """Give the node ids of a plan on this server; None where the namespace is unknown."""
        known = self._resolved.get(id(plan))
        if known is not None and known[0] is plan:
            nodes = known[1]
            now_s = asyncio.get_running_loop().time()
            if None not in nodes or now_s < self._namespaces_read_s + NAMESPACE_RETRY_S:
                return nodes
            await self._read_namespaces()
        nodes = self._services.node_ids(plan.nodes, self._namespaces)
        self._resolved[id(plan)] = (plan, nodes)
        missing = sorted({node.uri for node in plan.nodes if node.uri} - set(self._namespaces))
        if missing and known is None:
            _log.warning(
                "device %s: the server has no namespace %s; it has %s",
                plan.device,
                ", ".join(missing),
                ", ".join(self._namespaces),
            )
        return nodes

    async def _read_namespaces(self) -> None:
        self._namespaces = await self._services.namespaces()
        self._namespaces_read_s = asyncio.get_running_loop().time()
