"""The content of devices shaped by companion specifications: CNC machines, or a PackML machine.

The values are those of the machine models of this package, so a test knows the truth: `metrics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncua
from asyncua.server.event_generator import EventGenerator

from simulators.cnc import LATHE, MILL, Cnc
from simulators.machine import Plant
from simulators.opcua.alarms import SEVERITY, Conditions
from simulators.opcua.build import (
    add_branch,
    add_types,
    is_kept,
    live,
    needs_space,
    types_of,
    variant,
)
from simulators.opcua.models import cnc, machinery, machinetool, packml
from simulators.opcua.models.shape import FOLDER, PROPERTY, Branch, Leaf
from simulators.opcua.space import object_item, variable_item
from simulators.press import Press

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulators.machine import Machine
    from simulators.opcua.device import Device
    from simulators.opcua.space import Space

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked


class Companion:
    """Machines in a shape, alive in simulated time."""

    def __init__(
        self,
        machines: Mapping[str, Machine],
        shapes: Mapping[str, Branch],
        *,
        folder: tuple[str, int, str],
        conditions: bool = False,
    ) -> None:
        """Show each machine in its shape, in the folder (namespace, number, name) below Objects.

        Alarms are plain messages or, with `conditions`, begin and end.
        """
        self.machines = dict(machines)
        self._shapes = dict(shapes)
        self._folder = folder
        self._plant = Plant(machines.values())
        self._live = {name: live(shape, name) for name, shape in shapes.items()}
        self._leaves: dict[str, Leaf] = {
            identifier: leaf
            for leaves in self._live.values()
            for identifier, leaf in leaves.items()
        }
        self._types = list(
            dict.fromkeys(each for shape in shapes.values() for each in types_of(shape))
        )
        self._shown: dict[str, Any] = {}
        self._events: dict[str, list[Any]] = {}
        self.conditions = Conditions(tuple(machines)) if conditions else None
        """The alarms as conditions; None where they are plain messages."""

    @classmethod
    def cnc_shop(cls, *, seed: int = 1, count: int = 2, conditions: bool = False) -> Companion:
        """Give CNC machines, a lathe and a mill in turn, as OPC 40501-1 and OPC 40502 show them."""
        models = [("L", LATHE, "CK6150"), ("V", MILL, "VMC850")]
        machines: dict[str, Machine] = {}
        shapes: dict[str, Branch] = {}
        for n in range(count):
            letter, model, name = models[n % 2]
            machine = f"{letter}{n // 2 + 1}"
            machines[machine] = Cnc(machine, seed=seed, model=model)
            control = cnc.interface(model.axes, power_w=model.rated_w)
            shapes[machine] = machinetool.machine_tool(machine, name, more=(control,))
        folder = (machinery.URI, machinery.MACHINES_FOLDER, "Machines")
        return cls(machines, shapes, folder=folder, conditions=conditions)

    @classmethod
    def packml_line(cls, *, seed: int = 1, count: int = 1, conditions: bool = False) -> Companion:
        """Give presses as OPC 30050 shows them."""
        names = [f"P{n + 1}" for n in range(count)]
        machines = {name: Press(name, seed=seed) for name in names}
        shapes = {name: packml.packml_machine(name) for name in names}
        folder = (packml.URI, 72, "PackMLObjects")
        return cls(machines, shapes, folder=folder, conditions=conditions)

    @property
    def namespaces(self) -> Sequence[str]:
        """Namespaces of the specifications used."""
        return tuple(dict.fromkeys((self._folder[0], *(each.uri for each in self._types))))

    @property
    def metrics(self) -> dict[str, Mapping[str, Any]]:
        """What every machine is at now, by machine and metric."""
        return {name: machine.values() for name, machine in self.machines.items()}

    async def build(self, space: Space, *, history: bool) -> None:
        """Add the folder, the types, and every machine."""
        uri, number, name = self._folder
        top = space.node_id(uri, number)
        await space.add([
            object_item(
                top, space.name(uri, name), parent=ua.NodeId(ua.ObjectIds.ObjectsFolder),
                reference=ua.ObjectIds.Organizes, kind=ua.NodeId(FOLDER.number),
            )
        ])  # fmt: skip
        await add_types(space, self._types)
        event_type = await self._event_type(space)
        for machine, shape in self._shapes.items():
            await add_branch(space, shape, parent=top, path=machine, history=history)
            self._events[machine] = [
                await _event(space, event_type, emitter, source=space.own(machine), name=machine)
                for emitter in (space.own(machine), ua.NodeId(ua.ObjectIds.Server))
            ]
        if self.conditions is not None:
            await self.conditions.attach(space)

    def encode(self, identifier: str, value: Any, space: Space | None) -> Any:
        """Give a value as the leaf's type; None where it carries an index and no server runs."""
        leaf = self._leaves[identifier]
        return None if space is None and needs_space(leaf) else variant(space, leaf, value)

    def kept(self, identifier: str) -> bool:
        """Keep the history of what is live and no property."""
        return is_kept(self._leaves[identifier])

    async def advance(self, device: Device, elapsed_s: float, *, time_ns: int) -> None:
        """Let simulated seconds pass; write what changed, and send an event for each new alarm."""
        alarms = {name: metrics.get("alarm.code", 0) for name, metrics in self.metrics.items()}
        self._plant.advance(elapsed_s)
        for machine, metrics in self.metrics.items():
            for identifier, leaf in self._live[machine].items():
                value = leaf.shows(metrics) if leaf.shows else None
                if identifier not in self._shown or self._shown[identifier] != value:
                    self._shown[identifier] = value
                    await device.write(identifier, value, time_ns=time_ns)
            code, before = int(metrics.get("alarm.code", 0)), int(alarms[machine])
            if code != before:
                await self._change_alarm(device, machine, code, before=before)

    async def _change_alarm(self, device: Device, machine: str, code: int, *, before: int) -> None:
        """Tell that a machine shows another alarm, or none."""
        if self.conditions is None:
            if code:
                await self._alarm(device, machine, code)
            return
        if before:
            await self.conditions.change(device, machine, before, active=False)
        if code:
            await self.conditions.change(device, machine, code, active=True)

    async def _alarm(self, device: Device, machine: str, code: int) -> None:
        for event in self._events[machine]:
            event.Message = ua.LocalizedText(f"报警 {code}", "zh")
            event.Severity = SEVERITY
            event.Time = event.ReceiveTime = device.clock.now()
            event.EventId = f"{machine}-{code}-{device.clock.now().isoformat()}".encode()
            if hasattr(event, "Identifier"):
                event.Identifier = str(code)
            await device.emit(event)

    async def _event_type(self, space: Space) -> Any:
        """Give the type of the events: the specification's where it has a simple one."""
        used = machinetool.MESSAGE_EVENT
        if machinetool.URI not in self.namespaces:
            return ua.NodeId(ua.ObjectIds.BaseEventType)
        await add_types(space, [used])
        node_id = space.node_id(used.uri, used.number)
        await space.add([
            variable_item(
                space.node_id(used.uri, 232), space.name(used.uri, "Identifier"),
                ua.Variant("", ua.VariantType.String), parent=node_id, reference=PROPERTY,
                kind=ua.NodeId(ua.ObjectIds.PropertyType),
                data_type=ua.NodeId(ua.ObjectIds.String),
            )
        ])  # fmt: skip
        return node_id


async def _event(space: Space, kind: Any, emitter: Any, *, source: Any, name: str) -> Any:
    """Prepare an event of a type that one node emits about another."""
    generator = EventGenerator(space.server.iserver.isession)
    await generator.init(kind, emitter)
    generator.event.SourceNode = source
    generator.event.SourceName = name
    return generator.event
