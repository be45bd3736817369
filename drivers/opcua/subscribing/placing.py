"""Monitored items, created in batches over as many subscriptions as the server's limits ask for.

A server refuses a batch as a whole, or items one by one; a subscription may be full, or the whole
server. Which of these it is shows by trying, and what is learned holds for the whole session.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.api import NoReply, SessionLost
from drivers.opcua.calls import UNKNOWN_NODE, NoSubscription, ServiceRefused, TooMany
from drivers.opcua.decoding.status import name_of
from drivers.opcua.profiles import PROFILES
from drivers.opcua.subscribing.served import Wanted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncua import ua

    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.served import Made, Served
    from drivers.opcua.subscribing.subscription import Subscription

NO_ROOM: Final = "BadTooManyMonitoredItems"
NO_SUBSCRIPTION: Final = "BadTooManySubscriptions"

NO_DEADBAND: Final = frozenset(
    {
        "BadMonitoredItemFilterUnsupported",
        "BadMonitoredItemFilterInvalid",
        "BadFilterNotAllowed",
        "BadDeadbandFilterInvalid",
    }
)
"""The point can be monitored, but not with a deadband."""

UNREADABLE: Final = frozenset(
    {
        UNKNOWN_NODE,
        "BadNodeIdInvalid",
        "BadAttributeIdInvalid",
        "BadNotReadable",
        "BadUserAccessDenied",
    }
)
"""What refuses monitoring for a reason that holds for reading too."""


@dataclass(slots=True, eq=False)
class _Place:
    """One subscription and the items it has."""

    subscription: Subscription
    most: int
    """Items it takes, as far as is known."""
    items: int = 0


class Places:
    """The subscriptions of one plan, and the items in them."""

    def __init__(
        self,
        services: Services,
        served: Served,
        *,
        subscribe: Callable[[], Awaitable[Subscription]],
    ) -> None:
        self._services = services
        self._served = served
        self._subscribe = subscribe
        self._places: list[_Place] = []
        self._queue_size = 1
        self._deadbands = served.plan.deadbands or ()

    @property
    def subscriptions(self) -> list[Subscription]:
        """Those that are open."""
        return [place.subscription for place in self._places]

    @property
    def publishing_s(self) -> float:
        """The longest publishing interval of those, as revised; 0 where there is none."""
        made = (subscription.made for subscription in self.subscriptions)
        return max((one.publishing_s for one in made if one is not None), default=0.0)

    async def open(self) -> bool:
        """Make one more subscription; False where the server has none for us.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
        """
        try:
            subscription = await self._subscribe()
        except NoSubscription:
            return False
        made, limits = subscription.made, self._services.limits
        if made is None:
            raise SessionLost("the subscription ended while it was made")
        served = self._served
        wanted = served.plan.queued(sampling_s=served.sampling_s, publishing_s=made.publishing_s)
        self._queue_size = min(limits.queue, wanted)
        served.publishing_s = max(served.publishing_s, made.publishing_s)
        self._places.append(_Place(subscription, limits.items_per_subscription))
        return True

    async def monitor(self, nodes: dict[int, ua.NodeId]) -> tuple[dict[int, str], dict[int, str]]:
        """Monitor tag -> node; give what cannot even be read, and what must be read instead.

        Raises:
            Busy: the server does not even take one item at once now.
            NoReply, SessionLost: the session is over.
        """
        refused: dict[int, str] = {}
        polled: dict[int, str] = {}
        waiting = list(nodes)
        for place in tuple(self._places):
            await self._fill(place, waiting, nodes, refused=refused, polled=polled)
        while waiting and await self.open():
            place = self._places[-1]
            await self._fill(place, waiting, nodes, refused=refused, polled=polled)
            if place.items:
                self._learn_from(self._places[:-1])
            elif len(self._places) > 1:  # not the subscription is full, but the server
                self._places.pop()
                with suppress(NoReply):  # its end was asked for; nothing waits for the answer
                    await place.subscription.close(polite=True)
                break
        why = NO_ROOM if self._places else NO_SUBSCRIPTION
        self._served.subscriptions = len(self._places)
        return refused, polled | dict.fromkeys(waiting, why)

    async def _fill(
        self,
        place: _Place,
        waiting: list[int],
        nodes: dict[int, ua.NodeId],
        *,
        refused: dict[int, str],
        polled: dict[int, str],
    ) -> None:
        """Create items in one subscription until nothing waits or it is full."""
        limits = self._services.limits
        while waiting and place.items < place.most:
            room = place.most - place.items
            count = min(limits.monitor, self._served.plan.max_items_per_call, room)
            batch = [self._wanted(tag, nodes[tag]) for tag in waiting[:count]]
            try:
                made = await self._create(place, batch)
            except TooMany:
                if len(batch) == 1:
                    raise
                limits.monitor = len(batch) // 2
                continue
            except ServiceRefused as error:
                if "Subscription" in error.status:
                    raise SessionLost(str(error)) from error
                polled |= dict.fromkeys(waiting[:count], error.status)
                del waiting[:count]
                continue
            again = []
            for item, one in zip(batch, made, strict=True):
                why = self._judge(place, item, one)
                if why in {NO_ROOM, *NO_DEADBAND}:
                    again.append(item.handle)
                elif why:
                    (refused if why in UNREADABLE else polled)[item.handle] = why
            waiting[:count] = again

    def _judge(self, place: _Place, item: Wanted, made: Made) -> str:
        """Take note of what became of an item; give why it is not monitored, "" where it is."""
        if not made.status >> 30:
            self._served.note(item.handle, made)
            place.items += 1
            return ""
        why = name_of(made.status)
        if why == NO_ROOM:
            place.most = place.items
        elif why in NO_DEADBAND:
            if not item.deadband:
                return "BadNotSupported"  # without a filter too: it cannot be monitored at all
            self._served.undamped[item.handle] = why
        return why

    def _learn_from(self, full: list[_Place]) -> None:
        """Take it that no subscription holds more than those that were full before."""
        if full:
            limits, most = self._services.limits, max(place.items for place in full)
            limits.items_per_subscription = min(limits.items_per_subscription, max(1, most))

    async def _create(self, place: _Place, batch: list[Wanted]) -> list[Made]:
        from drivers.opcua.subscribing.monitored import create_items  # late: it needs the library

        made = place.subscription.made
        if made is None:
            raise SessionLost("the subscription ended while it was made")
        return await create_items(self._services, made.subscription_id, batch)

    def _wanted(self, tag: int, node: ua.NodeId) -> Wanted:
        served = self._served
        deadband = self._deadbands[tag] if self._deadbands else 0.0
        if deadband and not PROFILES[self._services.limits.profile].deadband:
            served.undamped.setdefault(tag, "BadMonitoredItemFilterUnsupported")
        if tag in served.undamped:
            deadband = 0.0
        return Wanted(tag, node, served.sampling_s, self._queue_size, deadband, served.plan.percent)
