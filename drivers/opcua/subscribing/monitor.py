"""The points of one plan on one session: monitored, read in rounds, or BAD with a reason.

Nothing the server refuses is lost. A point it does not monitor is read in rounds; one it does not
know is BAD with its reason; both are asked for again, less and less often.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from drivers.api import DriverError
from drivers.opcua.calls import UNKNOWN_NODE, ServiceRefused
from drivers.opcua.frames import bad_frame
from drivers.opcua.subscribing.instead import Rounds
from drivers.opcua.subscribing.placing import Places
from drivers.opcua.subscribing.served import Served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from asyncua import ua

    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.instead import Listener
    from drivers.opcua.subscribing.subscription import Subscription

    Nodes = Sequence[ua.NodeId | None]

FIRST_RETRY_S: Final = 10.0
LONGEST_RETRY_S: Final = 300.0
"""Points that the server refused are asked for again, from the first to the longest pause."""

LEAST_PUBLISH_S: Final = 0.05
"""No subscription is made to publish more often than this for the sake of short queues."""

_REFUSED: Final = "device %s, group %s: the server refuses %d of %d points, such as %s: %s"
_POLLED: Final = (
    "device %s, group %s: the server does not monitor %d of %d points, such as %s: %s; "
    "they are read in rounds"
)

_log = logging.getLogger(__name__)


class Monitor:
    """The points of one plan on one session."""

    def __init__(
        self,
        plan: OpcuaPlan,
        services: Services,
        listener: Listener,
        *,
        subscribe: Callable[[], Awaitable[Subscription]],
    ) -> None:
        self.served = Served(plan)
        """How the points reach us now."""
        self._plan = plan
        self._listener = listener
        self._rounds = Rounds(services, self.served, listener)
        self._places = Places(services, self.served, subscribe=subscribe)
        self._closed = False
        self._retry_pause_s = FIRST_RETRY_S / 2
        self._retry_at_s = 0.0

    async def start(self, nodes: Nodes, *, sampling_s: float) -> None:
        """Serve every node of the plan; None where the namespace is unknown.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
        """
        self.served.sampling_s = sampling_s
        self.served.asked_publishing_s = self._plan.publishing_s(sampling_s)
        await self._serve(range(len(nodes)), nodes)
        if not self._places.subscriptions and not self.served.polled:
            await self._places.open()  # an empty one tells that the session lives
        await self._keep_up()

    async def retry(self, resolve: Callable[[], Awaitable[Nodes]]) -> None:
        """Ask again for what the server refused, less and less often; nodes may load late.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
        """
        now_s = asyncio.get_running_loop().time()
        tags = (*self.served.refused, *self.served.polled)
        if not tags or now_s < self._retry_at_s:
            return
        self._retry_pause_s = min(self._retry_pause_s * 2, LONGEST_RETRY_S)
        self._retry_at_s = now_s + self._retry_pause_s
        try:
            nodes = await resolve()
            async with self._rounds.pause:
                await self._serve(tags, nodes)
        except DriverError:
            if not self._closed:
                raise  # else the server says that it knows the subscription no more

    async def close(self) -> None:
        """Read no more; the subscriptions are closed by who made them."""
        self._closed = True
        await self._rounds.close()

    async def _serve(self, tags: Iterable[int], nodes: Nodes) -> None:
        """Monitor what can be, read the rest in rounds, tell what can be neither; news only."""
        served = self.served
        known = {tag: node for tag in tags if (node := nodes[tag]) is not None}
        unknown = {tag: UNKNOWN_NODE for tag in tags if tag not in known}
        refused, polled = await self._places.monitor(known)
        refused |= unknown
        news = {tag: why for tag, why in refused.items() if served.refused.get(tag) != why}
        fresh = {tag: why for tag, why in polled.items() if tag not in served.polled}
        served.refused, served.polled = refused, polled
        self._rounds.read({tag: known[tag] for tag in polled})
        if news:
            self._listener.put(bad_frame(self._plan, news, read_ns=time.time_ns()))
            self._warn(_REFUSED, news)
        if fresh:
            self._warn(_POLLED, fresh)

    async def _keep_up(self) -> None:
        """Publish more often where queues are short, if nobody has said how often."""
        if self._plan.publish_interval_s is not None:
            return
        bearable_s = max(self.served.bearable_s(), LEAST_PUBLISH_S)
        if bearable_s < self.served.publishing_s:
            with suppress(ServiceRefused):  # then it stays as it is, and that is told
                for subscription in self._places.subscriptions:
                    await subscription.publish_every(bearable_s)
            self.served.publishing_s = self._places.publishing_s

    def _warn(self, text: str, found: dict[int, str]) -> None:
        tag, reason = next(iter(found.items()))
        plan = self._plan
        address = plan.tags[tag].address
        _log.warning(text, plan.device, plan.group, len(found), len(plan.tags), address, reason)
