"""Alarms of simulated machines as conditions: they begin, hold, end, and can be asked for anew.

Each alarm code of a machine is one condition, active from the moment the machine raises it until
it shows another; ConditionRefresh sends again what holds, framed as the specification frames it.
What holds outlives a restart of the server. Source: OPC 10000-9, 5.5 and 5.8.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final

import asyncua
import asyncua.common.event_objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulators.opcua.device import Device
    from simulators.opcua.space import Space

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked
event_objects: Any = asyncua.common.event_objects  # not annotated

SEVERITY: Final = 700
"""Of 1,000: high. Source of the scale: OPC 10000-5, 6.4.2."""
_SERVER: Final = ua.NodeId(ua.ObjectIds.Server)
_REFRESH: Final = ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh)


class Conditions:
    """The alarms of all machines of a device."""

    def __init__(self, machines: Sequence[str]) -> None:
        self._machines = tuple(machines)
        self._since: dict[tuple[str, int], Any] = {}
        self._numbers = count(1)
        self._space: Space | None = None
        self.severity = SEVERITY
        """Of alarms from now on."""
        self.refreshes = 0
        """How often a client asked for what holds."""

    @property
    def active(self) -> list[tuple[str, int]]:
        """Machine and code of every alarm that holds, oldest first."""
        return list(self._since)

    async def attach(self, space: Space) -> None:
        """Let machines and server give events, and answer ConditionRefresh, in one start."""
        self._space = space
        for emitter in (_SERVER, *map(space.own, self._machines)):
            node = space.server.get_node(emitter)
            await node.set_event_notifier([ua.EventNotifier.SubscribeToEvents])
        space.server.link_method(space.server.get_node(_REFRESH), self._refresh)

    async def change(self, device: Device, machine: str, code: int, *, active: bool) -> None:
        """Let an alarm begin or end; one that does already changes nothing."""
        key = machine, code
        if active == (key in self._since):
            return
        now = device.clock.now()
        if active:
            self._since[key] = now
        else:
            del self._since[key]
        for event in self._events(machine, code, active=active, time=now):
            await device.emit(event)

    async def overflow(self, device: Device) -> None:
        """Tell every listener that events were lost, as a server does whose queue ran over."""
        event = event_objects.EventQueueOverflowEvent()
        await device.emit(self._filled(event, _SERVER, time=device.clock.now()))

    async def _refresh(self, _parent: Any, subscription_id: Any) -> list[Any]:
        """Send what holds to one subscription."""
        space = self._space
        if space is None:
            return []
        self.refreshes += 1
        service = space.server.iserver.subscription_service
        found = service.subscriptions.get(int(subscription_id.Value))
        if found is None:
            return []
        for event in self._standing():
            await found.monitored_item_srv.trigger_event(event)
        return []

    def _standing(self) -> Iterator[Any]:
        now = max(self._since.values(), default=None)
        yield self._filled(event_objects.RefreshStartEvent(), _SERVER, time=now)
        for (machine, code), since in list(self._since.items()):
            yield from self._events(machine, code, active=True, time=since)
        yield self._filled(event_objects.RefreshEndEvent(), _SERVER, time=now)

    def _events(self, machine: str, code: int, *, active: bool, time: Any) -> Iterator[Any]:
        """Give one change of an alarm, once per notifier; both bear one id."""
        space = self._space
        if space is None:
            return
        stamp = time.isoformat(timespec="microseconds")
        event_id = f"{machine}-{code}-{'on' if active else 'off'}-{stamp}".encode()
        for emitter in (space.own(machine), _SERVER):
            event = self._filled(event_objects.OffNormalAlarm(), emitter, time=time)
            event.EventId = event_id
            event.SourceNode, event.SourceName = space.own(machine), machine
            event.Message = ua.LocalizedText(
                f"报警 {code}" if active else f"报警 {code} 解除", "zh"
            )
            event.Severity = self.severity
            event.ConditionName = f"Alarm{code}"
            event.Retain = active
            setattr(event, "ActiveState/Id", active)
            setattr(event, "AckedState/Id", False)
            condition = ua.NodeId(f"{machine}.Alarm{code}", space.own(machine).NamespaceIndex)
            event.add_property("NodeId", condition, ua.VariantType.NodeId)
            yield event

    def _filled(self, event: Any, emitter: Any, *, time: Any) -> Any:
        """Give an event what every event has."""
        event.emitting_node = emitter
        event.EventId = f"event-{next(self._numbers)}".encode()
        event.SourceNode, event.SourceName = _SERVER, "Server"
        event.Time = event.ReceiveTime = time
        return event
