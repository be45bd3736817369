"""The frames of one plan: its subscriptions, and what they have to share.

A stream never reconnects: when a subscription or the session ends, it ends with the reason, once
the waiting frames are taken.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from drivers.api import Busy, DriverError, SessionLost
from drivers.opcua.frames import without
from drivers.opcua.subscribing.instead import Listener
from drivers.opcua.subscribing.monitor import Monitor
from drivers.opcua.subscribing.proof import Proof
from drivers.opcua.subscribing.remarks import remarks_of
from drivers.opcua.subscribing.subscription import Subscription
from drivers.opcua.subscribing.told import Told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncua import ua

    from drivers.api import Frame, Gap, Remark
    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.notify import PublishLoop


class Stream:
    """The frames of one plan, from its subscriptions."""

    def __init__(
        self,
        plan: OpcuaPlan,
        services: Services,
        *,
        on_restamped: Callable[[int], None],
        read: Callable[[], Awaitable[Frame]],
    ) -> None:
        """Take what reads every point of the plan once, after a gap."""
        self.plan = plan
        """What the stream gives."""
        self.subscriptions: list[Subscription] = []
        """Those on the server now, in the order in which they were made."""
        self._services = services
        self._on_restamped = on_restamped
        self._read = read
        self._frames = Told(plan, heard_ns=self._known_ns)
        self._proof = Proof(plan, self._frames)
        self._listener = Listener(self._frames.put, on_restamped, self.end)
        self._monitor = Monitor(plan, services, self._listener, subscribe=self._subscribe)
        self._publishes: PublishLoop | None = None
        self._sampling_s = 0.0
        self._changing = asyncio.Lock()
        self._closed = False

    @property
    def gaps(self) -> int:
        """Messages that were numbered and never came."""
        return sum(subscription.gaps for subscription in self.subscriptions)

    @property
    def shape_hits(self) -> int:
        """Messages decoded by a learned shape."""
        return sum(subscription.shape_hits for subscription in self.subscriptions)

    @property
    def dropped(self) -> int:
        """Values dropped because the host was too slow."""
        return self._frames.dropped

    async def start(
        self, publishes: PublishLoop | None, nodes: Sequence[ua.NodeId | None], *, sampling_s: float
    ) -> None:
        """Create the subscription and its items; nodes are None where the namespace is unknown.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
        """
        self._publishes, self._sampling_s = publishes, sampling_s
        async with self._changing:
            await self._monitor.start(nodes, sampling_s=sampling_s)

    async def retry(self, resolve: Callable[[], Awaitable[Sequence[ua.NodeId | None]]]) -> None:
        """Ask again for what the server refused, less and less often; nodes may load late.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
        """
        if self._changing.locked():
            return  # what is made now asks for every point
        async with self._changing:
            await self._monitor.retry(resolve)

    async def prove(
        self,
        read: Callable[[Sequence[int]], Awaitable[Frame]],
        resolve: Callable[[], Awaitable[Sequence[ua.NodeId | None]]],
    ) -> Gap | None:
        """Compare some points with what was told, if it is time; subscribe anew if changes miss.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
        """
        if self._changing.locked() or any(one.mending for one in self.subscriptions):
            return None  # what was told so far is known to be incomplete
        if not self._proof.due(asyncio.get_running_loop().time()):
            return None
        served = self._monitor.served
        sampled_s = max((s for s, _ in served.monitored), default=self._sampling_s)
        gap = await self._proof.compare(
            read,
            leave_out={*served.polled, *served.refused},
            patience_s=2 * (served.publishing_s + max(sampled_s, self._sampling_s)),
        )
        if gap is not None and self.subscriptions:
            self._frames.miss(gap)
            async with self._changing:
                await self._renew(await resolve())
        return gap

    async def _renew(self, nodes: Sequence[ua.NodeId | None]) -> None:
        """Make everything anew on the server; its first messages hold the value of every point.

        A stream that cannot be made anew ends: it would live and give nothing.
        """
        try:
            await self._remake(nodes)
        except DriverError as error:
            self.end(SessionLost(f"the points could not be subscribed to anew: {error}"))
            raise

    async def _remake(self, nodes: Sequence[ua.NodeId | None]) -> None:
        await self._monitor.close()
        ended, self.subscriptions = self.subscriptions, []
        for subscription in ended:
            with suppress(DriverError):
                await subscription.close(polite=True)
        self._monitor = Monitor(
            self.plan, self._services, self._listener, subscribe=self._subscribe
        )
        try:
            await self._monitor.start(nodes, sampling_s=self._sampling_s)
        finally:
            if self._closed:  # meanwhile: nobody else knows of this one
                await self._monitor.close()

    async def get(self) -> Frame:
        """Give the oldest waiting frame, waiting for one.

        Raises:
            SessionLost: the subscription is dead.
        """
        if self._frames.torn and self._frames.idle and not self._closed:
            await self._catch_up()
        return await self._frames.get()

    async def _catch_up(self) -> None:
        """Read every point once: the last value of some went while the host was too slow."""
        self._frames.torn = False
        for subscription in self.subscriptions:
            subscription.flush()
        with self._frames.noting() as newer:
            try:
                read = await self._read()
            except Busy:
                self._frames.torn = True
                return
        self._frames.put(without(read, newer))

    def remarks(self) -> list[Remark]:
        """Tell how the points are served, where that is worth telling."""
        overflows = sum(subscription.overflows for subscription in self.subscriptions)
        served = remarks_of(self._monitor.served, self._services.limits, overflows=overflows)
        return [*served, *self._proof.remarks()]

    def end(self, error: DriverError) -> None:
        """Give nothing more but this error, once the waiting frames are taken."""
        for subscription in self.subscriptions:
            subscription.give_up()
        self._frames.end(error)

    async def close(self, *, polite: bool) -> None:
        """End the subscriptions; on the server too if `polite`.

        Raises:
            NoReply, SessionLost: the server did not confirm it.
        """
        self._closed = True
        await self._monitor.close()
        for subscription in self.subscriptions:
            await subscription.close(polite=polite)

    def _known_ns(self) -> int:
        """Until when every subscription told all it had to; 0 where there is none."""
        return min((one.known_ns for one in self.subscriptions), default=0)

    async def _subscribe(self) -> Subscription:
        """Make one more subscription on the server."""
        subscription = Subscription(
            self.plan, self._frames, on_restamped=self._on_restamped, read=self._read
        )
        await subscription.start(self._services, self._publishes, sampling_s=self._sampling_s)
        if self._closed:
            await subscription.close(polite=True)
            raise DriverError("the stream was closed while it was made anew")
        self.subscriptions.append(subscription)
        return subscription
