"""One session on an OPC UA server: reads, subscriptions, and who the server is.

A session never reconnects: when it ends, every read and every subscription says so and the host
opens another. It keeps itself alive while nobody reads, and renews its channel in time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from drivers.api import DriverError, SessionLost
from drivers.opcua.alerts.watch import AlertStream
from drivers.opcua.calls import UNKNOWN_NODE
from drivers.opcua.frames import make_frame
from drivers.opcua.nodes import Nodes
from drivers.opcua.poll import read_nodes
from drivers.opcua.subscribing.stream import Stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence

    from drivers.api import Alert, FoundPoint, Frame, Identity, Remark, Tag, Value, WriteResult
    from drivers.opcua.alerts.plan import AlertPlan
    from drivers.opcua.history.past import Past
    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.notify import PublishLoop

PROBE_INTERVAL_S: Final = 10.0
"""How often the server is asked whether it lives."""

PROBE_TIMEOUT_S: Final = 10.0
"""A controller may pause longer than one answer takes, at a program change for example."""

PROVE_S: Final = 1.0
"""How often it is looked whether a comparison is due."""

_UNNOTICED: Final = (
    "device %s, group %s: the server did not tell of changes; its points are subscribed to anew"
)

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
        self._nodes = Nodes(services)
        self._pasts: dict[int, Past] = {}
        self._streams: set[Stream | AlertStream] = set()
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
            nodes = await self._nodes.of(plan)
            columns = await read_nodes(
                self._services, nodes, most=plan.max_items_per_call, unknown=UNKNOWN_NODE
            )
        frame, restamped = make_frame(
            plan, columns, read_ns=time.time_ns(), tags=None, layouts=self._services.layouts
        )
        self.restamped += restamped
        return frame

    async def subscribe(self, plan: OpcuaPlan, *, interval_s: float) -> AsyncIterator[Frame]:
        """Yield the current value of every tag, then changes; closing it ends the subscription.

        Raises:
            NoReply, SessionLost: the session is over, or the subscription dead.
            Busy: the server has no room for the subscription now.
        """
        self._check()
        stream = Stream(
            plan,
            self._services,
            on_restamped=self._count_restamped,
            read=partial(self.read, plan),
        )
        async with self._serving(stream):
            nodes = await self._nodes.of(plan)
            await stream.start(self._publishes, nodes, sampling_s=interval_s)
            while True:
                yield await stream.get()

    async def identify(self, plan: OpcuaPlan) -> Identity:
        """Read who the machine is, and the server before it; empty where they do not say.

        Raises:
            NoReply, SessionLost: the session is over.
        """
        from drivers.opcua.identity import Asked, identify  # late: it needs the library

        self._check()
        asked = Asked(self._nodes.namespaces, self._application_uri, self._product_uri)
        with self._noting_loss():
            return await identify(self._services, plan, asked)

    async def history(self, plan: OpcuaPlan, *, from_ns: int, to_ns: int) -> AsyncIterator[Frame]:
        """Give what the server kept of a span, oldest first; nothing where it keeps nothing.

        Raises:
            DriverError: not all of it could be read; the session goes on.
            SessionLost: the session is over; the span is given up to the last frame.
        """
        from drivers.opcua.history.past import Past  # late: it needs the library

        self._check()
        with self._noting_loss():
            nodes, past = await self._nodes.of(plan), self._pasts.get(id(plan))
            if past is None or past.nodes is not nodes:
                past = self._pasts[id(plan)] = Past(self._services, plan, nodes)
            async with aclosing(past.frames(from_ns=from_ns, to_ns=to_ns)) as frames:
                async for frame in frames:
                    yield frame

    async def alerts(self, plan: AlertPlan) -> AsyncIterator[Alert]:
        """Give alarms and events as they come, those that already hold first.

        Raises:
            NoReply, SessionLost: the session is over, or the subscription dead.
            Busy: the server has no room for the subscription now.
            DriverError: the device reports no events.
        """
        self._check()
        stream = AlertStream(plan, self._services, self._nodes.namespaces)
        async with self._serving(stream):
            await stream.start(self._publishes, await self._nodes.of(plan))
            while True:
                yield await stream.get()

    @asynccontextmanager
    async def _serving(self, stream: Stream | AlertStream) -> AsyncIterator[None]:
        """Have a stream ended with the session, looked after, and closed behind the block."""
        self._streams.add(stream)
        try:
            with self._noting_loss():
                yield
        finally:
            self._streams.discard(stream)
            with suppress(DriverError), self._noting_loss():
                await stream.close(polite=self.alive)

    async def write(self, plan: OpcuaPlan, values: Mapping[Tag, Value]) -> Sequence[WriteResult]:
        """Write raw values one by one and read each back; reasons are symbolic statuses.

        Raises:
            NoReply, SessionLost: the session was over before anything was sent.
        """
        from drivers.opcua.write import write_all  # late: it needs the library

        self._check()
        with self._noting_loss():
            nodes = await self._nodes.of(plan)
        results, lost = await write_all(self._services, plan, nodes, values)
        if lost is not None:
            self.lose(lost)
        return results

    def remarks(self, plan: OpcuaPlan | AlertPlan) -> list[Remark]:
        """Tell how the plan is served; nothing while it is not subscribed to."""
        streams = [one for one in self._streams if one.plan is plan]
        return [remark for stream in streams for remark in stream.remarks()]

    async def browse(self, at: str | None = None) -> AsyncGenerator[FoundPoint, None]:
        """Walk through what the server offers, from an address or from its Objects folder.

        Raises:
            AddressError: there is no such address.
            NoReply, SessionLost: the session is over.
        """
        from drivers.opcua.browse.walk import walk  # late: it needs the library

        self._check()
        with self._noting_loss():
            async with aclosing(walk(self._services, self._nodes.namespaces, at=at)) as points:
                async for point in points:
                    yield point

    def publish_with(self, publishes: PublishLoop) -> None:
        """Take notifications from our own publish loop instead of the library's."""
        self._publishes = publishes

    async def learn(self, *, profile: str = "auto") -> None:
        """Read what every plan needs: the namespaces, and what the server takes at once."""
        from drivers.opcua.limits import learn  # late: it needs the library

        await self._nodes.read_namespaces()
        known = (self._application_uri, self._product_uri, *self._nodes.namespaces)
        await learn(self._services, known=known, profile=profile)

    async def keep(
        self, *, interval_s: float = PROBE_INTERVAL_S, timeout_s: float = PROBE_TIMEOUT_S
    ) -> None:
        """Prove every so often that the server lives, renew the channel, ask for refused points.

        The question is what its namespaces are: indexes that changed would read other nodes.
        Points are compared beside it. Goes on until the session is lost.
        """
        async with asyncio.TaskGroup() as beside:
            proving = beside.create_task(self._prove(), name="opcua-prove")
            await self._keep_alive(interval_s=interval_s, timeout_s=timeout_s)
            proving.cancel()

    async def _prove(self) -> None:
        """Look every second whether some points are to be compared with what was told."""
        while self._lost is None:
            now_s = asyncio.get_running_loop().time()
            await asyncio.sleep(PROVE_S - now_s % PROVE_S)  # with the looks of others
            for stream in [one for one in self._streams if isinstance(one, Stream)]:
                with suppress(DriverError), self._noting_loss():
                    nodes = partial(self._nodes.of, stream.plan)
                    gap = await stream.prove(partial(self._read_some, stream.plan), nodes)
                    if gap is not None:
                        _log.warning(_UNNOTICED, stream.plan.device, stream.plan.group)

    async def _read_some(self, plan: OpcuaPlan, tags: Sequence[int]) -> Frame:
        """Read some tags of a plan, as a frame of those columns."""
        nodes = await self._nodes.of(plan)
        columns = await read_nodes(
            self._services,
            [nodes[tag] for tag in tags],
            most=plan.max_items_per_call,
            unknown=UNKNOWN_NODE,
        )
        frame, _ = make_frame(
            plan, columns, read_ns=time.time_ns(), tags=tuple(tags), layouts=self._services.layouts
        )
        return frame

    async def _keep_alive(self, *, interval_s: float, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        renew_s = loop.time() + self._services.channel_life_s / 2
        pause_s = min(interval_s, self._services.session_life_s / 3)
        while self._lost is None:
            await asyncio.sleep(pause_s)
            patience_s = max(timeout_s, self._services.timeout_s)
            with suppress(DriverError), self._noting_loss():
                await self._nodes.read_namespaces(timeout_s=patience_s)
                if loop.time() >= renew_s:
                    renew_s = loop.time() + await self._services.renew_channel() / 2
            for stream in tuple(self._streams):
                if self._lost is None:
                    with suppress(DriverError), self._noting_loss():
                        await stream.retry(partial(self._nodes.of, stream.plan))

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
