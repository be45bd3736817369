"""Alarms and writes against node-opcua, whose conditions are its own (tests/peers)."""

from __future__ import annotations

import pytest
from foreign.node_server import NODES, NodeServer
from unit.drivers.opcua.live.machines import listening

from drivers.api import Access, DataType, Tag
from drivers.opcua import DRIVER

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def tank():
    """Run a server whose tank has a level alarm, and whose variables can be written."""
    with NodeServer("--alarms", "yes", "--variables", "2", "--interval-ms", "0") as server:
        yield server


def config(server, **settings):
    return DRIVER.config(driver="opcua", url=server.url, timeout_s=10, security="none", **settings)


async def test_a_foreign_alarm_begins_stands_and_ends(tank):
    """The level alarm is told when it begins, again to who comes later, and when it ends."""
    asked = config(tank, alerts={"min_severity": 1})
    async with DRIVER.open(DRIVER.link(asked)) as session:
        async with listening(session, asked) as ear:
            await tank.order("level 0.95", answered="LEVEL")
            await ear.until(lambda: any(alert.active for alert in ear.heard))
            (begun,) = [alert for alert in ear.heard if alert.active]
        async with listening(session, asked) as ear:
            await ear.until(lambda: any(alert.active for alert in ear.heard))
            standing = next(alert for alert in ear.heard if alert.active)
            await tank.order("level 0.5", answered="LEVEL")
            await ear.until(lambda: any(alert.active is False for alert in ear.heard))
            ended = next(alert for alert in ear.heard if alert.active is False)
    assert begun.kind == standing.kind == ended.kind == "ExclusiveLimitAlarmType"
    assert begun.key == standing.key == ended.key
    assert begun.key.startswith("nsu=urn:chulian:peer:node-opcua;")
    assert begun.message
    assert 1 <= begun.severity <= 1000
    assert standing.time_ns == begun.time_ns <= ended.time_ns


async def test_the_tank_itself_is_a_notifier(tank):
    """Events can be asked of one machine's node; a node without events is refused with words."""
    asked = config(tank, alerts={"notifiers": [f"{NODES}Tank"]})
    async with DRIVER.open(DRIVER.link(asked)) as session, listening(session, asked) as ear:
        await tank.order("level 0.95", answered="LEVEL")
        await ear.until(lambda: any(alert.active for alert in ear.heard))
        await tank.order("level 0.5", answered="LEVEL")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Boolean", False), ("SByte", 127), ("Byte", 0), ("Int16", 32767), ("UInt16", 0),
        ("Int32", 2**31 - 1), ("UInt32", 0), ("Int64", -(2**63)), ("UInt64", 2**63),
        ("Float", -0.25), ("Double", 0.1),
    ],
)  # fmt: skip
async def test_a_foreign_node_takes_a_write_in_its_own_type(tank, name, value):
    """Every numeric type and Boolean is written once, exactly, and read back."""
    declared = DataType.BOOL if name == "Boolean" else DataType.AUTO
    tag = Tag("point", f"{NODES}Still.{name}", declared, access=Access.READ_WRITE)
    asked = config(tank)
    plan = DRIVER.plan(asked, [tag], device="d", group="write")
    async with DRIVER.open(DRIVER.link(asked)) as session:
        (result,) = await session.write(plan, {tag: value})
        assert (result.written, result.reason) == (True, "")
        assert (await session.read(plan)).values == (value,)
        (result,) = await session.write(plan, {tag: "text"})
        assert result.reason == "BadTypeMismatch"
