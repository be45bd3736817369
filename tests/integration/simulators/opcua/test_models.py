"""The companion models, as asyncua's client finds them by browse name."""

import time

import pytest
import pytest_asyncio
from asyncua import ua
from integration.simulators.opcua.hearing import connected, subscribe

from simulators.machine import State
from simulators.opcua.companion import Companion
from simulators.opcua.device import Device
from simulators.opcua.history import Historian
from simulators.opcua.models import cnc, machinery, machinetool, packml

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = "urn:chulian:simulator:workshop"
MT, BB, DI, CNC, UA = machinetool.URI, machinery.URI, machinery.DI, cnc.URI, ""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shop():
    return Companion.cnc_shop(seed=3, count=2)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def device(shop):
    async with Device(shop, historian=Historian(depth=200)) as running:
        await shop.advance(running, 20.0, time_ns=time.time_ns())
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(device):
    async with connected(device.url) as made:
        yield made


async def find(client, *path):
    """Go from Objects by (namespace URI, name); UA stands for namespace 0."""
    uris = await client.get_namespace_array()
    names = [ua.QualifiedName(name, uris.index(uri) if uri else 0) for uri, name in path]
    return await client.nodes.objects.get_child(names)


MACHINE = ((BB, "Machines"), (OWN, "V1"))
CHANNEL = (*MACHINE, (CNC, "CncInterface"), (CNC, "CncChannelList"), (CNC, "Channel1"))
SPINDLE = (*MACHINE, (CNC, "CncInterface"), (CNC, "CncSpindleList"), (CNC, "S1"))
BLOCKS = (*MACHINE, (BB, "MachineryBuildingBlocks"))


async def test_identification(client):
    """The machine says who made it, what it is and which one it is, with DI's names."""
    found = {}
    for name in ("Manufacturer", "Model", "SerialNumber", "ProductInstanceUri", "SoftwareRevision"):
        node = await find(client, *MACHINE, (DI, "Identification"), (DI, name))
        value = await node.read_value()
        found[name] = getattr(value, "Text", value)
    assert found == {
        "Manufacturer": "楚联仿真机床",
        "Model": "VMC850",
        "SerialNumber": "SIM-V1-0001",
        "ProductInstanceUri": "urn:chulian:simulator:VMC850:V1",
        "SoftwareRevision": "1.0.0",
    }


async def test_state_follows_the_machine(client, device, shop):
    """In every state of the machine, state, number and state node say the same, and the truth."""
    current = await find(client, *BLOCKS, (BB, "MachineryItemState"), (UA, "CurrentState"))
    mode = await find(client, *BLOCKS, (BB, "MachineryOperationMode"), (UA, "CurrentState"))
    expected = {
        State.OFF: ("NotAvailable", "None"),
        State.ALARM: ("OutOfService", "Processing"),
        State.IDLE: ("NotExecuting", "Processing"),
        State.SETUP: ("NotExecuting", "Setup"),
        State.RUNNING: ("Executing", "Processing"),
    }
    machine, seen = shop.machines["V1"], set()
    for step in range(600):
        if step == 590:
            machine.switch(on=False)
        await shop.advance(device, 2.0, time_ns=time.time_ns())
        state = State(shop.metrics["V1"]["machine.state"])
        if state in seen:
            continue
        seen.add(state)
        texts = tuple([(await node.read_value()).Text for node in (current, mode)])
        assert texts == expected[state]
        state_node = await (await current.get_child("0:Id")).read_value()
        assert (await client.get_node(state_node).read_browse_name()).Name == texts[0]
        number = await (await current.get_child("0:Number")).read_value()
        assert number == machinery.ITEM_STATE.states[texts[0]][1]
    assert seen >= {State.OFF, State.IDLE, State.RUNNING}
    machine.switch(on=True)


async def test_values_are_those_of_the_machine(client, device, shop):
    """What the controller shows is what the model holds, unit by unit."""
    await shop.advance(device, 5.0, time_ns=time.time_ns())
    metrics = shop.metrics["V1"]
    for path, name, expected in (
        (SPINDLE, "ActSpeed", metrics["spindle.speed"]),
        (SPINDLE, "ActLoad", metrics["spindle.load"]),
        (CHANNEL, "ActFeedrate", metrics["feed.rate"]),
        (CHANNEL, "ActMainProgramName", metrics["program.name"]),
        (CHANNEL, "ToolId", metrics["tool.number"]),
    ):
        node = await find(client, *path, (CNC, name))
        assert await node.read_value() == expected
    parts = await find(
        client, *MACHINE, (MT, "Production"), (MT, "Statistics"), (MT, "PartsProducedInLifetime")
    )
    assert await parts.read_value() == metrics["part.count"]


async def test_units_and_ranges(client):
    """Analog values carry a UNECE unit and a range."""
    speed = await find(client, *SPINDLE, (CNC, "ActSpeed"))
    unit = await (await speed.get_child("0:EngineeringUnits")).read_value()
    assert (unit.UnitId, unit.DisplayName.Text) == (5_394_509, "r/min")
    assert unit.NamespaceUri == "http://www.opcfoundation.org/UA/units/un/cefact"
    span = await (await speed.get_child("0:EURange")).read_value()
    assert (span.Low, span.High) == (0.0, 12_000.0)


async def test_types_are_those_of_the_specifications(client):
    """Objects have the specifications' types, and these their supertypes, up to BaseObjectType."""
    node = await find(client, *BLOCKS, (BB, "MachineryOperationMode"))
    kind = client.get_node(await node.read_type_definition())
    names = []
    while kind is not None:
        names.append((await kind.read_browse_name()).Name)
        kind = await kind.get_parent() if names[-1] != "BaseObjectType" else None
    assert names == [
        "MachineOperationModeStateMachineType", "MachineryOperationModeStateMachineType",
        "FiniteStateMachineType", "StateMachineType", "BaseObjectType",
    ]  # fmt: skip


async def test_enumerations_and_structures_say_how_they_are_decoded(client, shop):
    """A client that loads the type definitions reads names and fields."""
    found = await client.load_data_type_definitions()
    status = await find(client, *CHANNEL, (CNC, "ActStatus"))
    data_type = client.get_node(await status.read_data_type())
    assert (await data_type.read_browse_name()).Name == "CncChannelStatus"
    assert [each.name for each in found["CncChannelStatus"]] == ["Active", "Interrupted", "Reset"]
    axis = (*MACHINE, (CNC, "CncInterface"), (CNC, "CncAxisList"), (CNC, "X"))
    position = await (await find(client, *axis, (CNC, "PosDirect"))).read_value()
    assert position.ActPos == shop.metrics["V1"]["axis.x.position"]


async def test_an_alarm_is_an_event(client, device, shop):
    """When a machine goes into alarm, its node and the server send an event with the code."""
    subscription = await subscribe(client)
    fields = [
        ua.SimpleAttributeOperand(
            ua.NodeId(ua.ObjectIds.BaseEventType), [ua.QualifiedName(name)], ua.AttributeIds.Value
        )
        for name in ("SourceName", "Severity", "Message")
    ]
    filtered = ua.EventFilter(SelectClauses=fields)
    for node_id in (device.node_id("V1"), "i=2253"):
        [answer] = await subscription.add(node_id, events=True, filtered=filtered)
        answer.StatusCode.check()
    code = 0
    for _ in range(4_000):
        before = shop.metrics["V1"]["alarm.code"]
        await shop.advance(device, 0.25, time_ns=time.time_ns())
        code = shop.metrics["V1"]["alarm.code"]
        if code and not before:
            break
    await subscription.wait(lambda each: [e for e in each.events if e[0] == "V1"][1:])
    mine = [event for event in subscription.events if event[0] == "V1"]
    assert [(severity, text.Text) for _, severity, text in mine] == [(700, f"报警 {code}")] * 2


async def test_history_of_a_live_value(client, device, shop):
    """What a variable held is given by HistoryRead, value and time, in order."""
    for _ in range(40):
        await shop.advance(device, 3.0, time_ns=time.time_ns())
    node = await find(client, *SPINDLE, (CNC, "ActSpeed"))
    kept = device.historian.past("V1.CncInterface.CncSpindleList.S1.ActSpeed")
    assert len(kept) >= 10
    found = await node.read_raw_history(
        kept[0].SourceTimestamp, kept[-1].SourceTimestamp, return_bounds=False
    )
    assert [(v.SourceTimestamp, v.Value.Value) for v in found] == [
        (v.SourceTimestamp, v.Value.Value)
        for v in kept
        if v.SourceTimestamp < kept[-1].SourceTimestamp
    ]


async def test_a_restart_with_other_indexes_shows_the_same(device, shop):
    """After shuffling, state nodes, structures and values are found under the new indexes."""
    await device.restart(shuffle=True)
    async with connected(device.url) as client:
        current = await find(client, *BLOCKS, (BB, "MachineryItemState"), (UA, "CurrentState"))
        state_node = await (await current.get_child("0:Id")).read_value()
        name = (await client.get_node(state_node).read_browse_name()).Name
        assert name == (await current.read_value()).Text
        speed = await (await find(client, *SPINDLE, (CNC, "ActSpeed"))).read_value()
        assert speed == shop.metrics["V1"]["spindle.speed"]


async def test_packml():
    """A PackML machine shows state, mode, speed and counters, in structures too."""
    line = Companion.packml_line(seed=5)
    async with Device(line) as device, connected(device.url) as client:
        await line.advance(device, 30.0, time_ns=time.time_ns())
        await client.load_data_type_definitions()
        machine = ((packml.URI, "PackMLObjects"), (OWN, "P1"))
        status = (*machine, (packml.URI, "Status"))
        state = await (await find(client, *status, (packml.URI, "StateCurrent"))).read_value()
        metrics = line.metrics["P1"]
        assert state == {0: 2, 1: 4, 2: 6, 3: 9, 4: 11}[metrics["machine.state"]]
        mode = await (await find(client, *status, (packml.URI, "UnitModeCurrent"))).read_value()
        assert packml.MODES.values[mode] == "Produce"
        counts = await find(
            client, *machine, (packml.URI, "Admin"), (packml.URI, "ProdProcessedCount")
        )
        [count] = await counts.read_value()
        assert (count.Name, count.Count) == ("parts", metrics["part.count"])
        assert count.Unit.UnitId == 4_732_983
