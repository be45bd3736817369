"""OPC UA devices through the real agent: alarms told, machines identified, points written."""

import asyncio
from urllib.request import ProxyHandler, build_opener

import pytest
from asyncua import ua
from integration.agent.ordering import told, write
from system.agent_process import AgentProcess
from unit.drivers.opcua.live.machines import SHOP, Shop
from unit.drivers.opcua.opcua_server import NAMESPACE, OpcuaPeer

pytestmark = pytest.mark.timeout(180)

NOWHERE = "mqtt://127.0.0.1:1"
VARIABLES = {
    "Setpoint": ua.Variant(180.0, ua.VariantType.Float),
    "Fan": ua.Variant(False, ua.VariantType.Boolean),
    "Fixed": ua.Variant(3, ua.VariantType.Int32),
}


@pytest.fixture
def shop():
    with Shop() as found:
        yield found


@pytest.fixture
def oven():
    peer = OpcuaPeer(VARIABLES, writable=("Setpoint", "Fan"))
    peer.start()
    yield peer
    peer.stop()


async def metrics(agent):
    """Scrape the agent."""
    url = f"http://127.0.0.1:{agent.port}/metrics"
    with await asyncio.to_thread(build_opener(ProxyHandler({})).open, url, None, 10) as answer:
        return answer.read().decode()


def machine(shop, **more):
    plain = {"name": "machine.x", "address": f"{SHOP}L1.Monitoring.Spindle1.IsRotating"}
    return {
        "id": "cnc-01", "driver": "opcua", "url": shop.device.url, "machine": "L1",
        "keepalive_s": 1, "tags": [plain],
    } | more  # fmt: skip


async def test_alarms_are_stored_shown_counted_and_their_gaps_told(tmp_path, shop):
    """What a machine reports is an event row; a cut connection is a gap in its alarms."""
    shop.alarm("L1", 1007)
    device = machine(shop, alerts={"min_severity": 100})
    async with AgentProcess(tmp_path, broker_url=NOWHERE, devices=[device]) as agent:
        agent.start()
        seen = await agent.until(
            lambda s: s["devices"][0]["alarms"]["told"] and s["devices"][0]["identity"],
            within_s=60, what="tells the alarm and who the machine is",
        )  # fmt: skip
        (shown,) = seen["devices"][0]["alarms"]["last"]
        assert (shown["message"], shown["active"], shown["severity"]) == ("报警 1007", True, 700)
        assert seen["devices"][0]["identity"]["serial"] == "SIM-L1-0001"
        scraped = await metrics(agent)
        assert 'chulian_device_alarms_told_total{device="cnc-01"} 1.0' in scraped
        shop.drop()
        await agent.until(
            lambda s: s["devices"][0]["alarms"]["told"] == 2, within_s=60, what="hears again"
        )
        shop.alarm("V1", 2000)
        await agent.until(
            lambda s: s["devices"][0]["alarms"]["told"] == 3, within_s=60, what="hears the mill"
        )
        assert await agent.stop() == 0
    alarms = told(agent, "alarm")
    assert [(e["d"], e["src"], e["msg"], e["active"]) for e in alarms] == [
        ("cnc-01", "L1", "报警 1007", True),
        ("cnc-01", "L1", "报警 1007", True),
        ("cnc-01", "V1", "报警 2000", True),
    ]
    (gap,) = told(agent, "alarm_gap")
    assert gap["reason"] == "not_connected"
    assert alarms[0]["t"] <= gap["from"] <= gap["to"] <= alarms[1]["t"]
    assert [e["serial"] for e in told(agent, "identity")] == ["SIM-L1-0001"]
    agent.verify()


async def test_without_the_key_nobody_asks_for_alarms(tmp_path, shop):
    """A device without `alerts` is not asked, and has no figures of alarms."""
    shop.alarm("L1", 1007)
    async with AgentProcess(tmp_path, broker_url=NOWHERE, devices=[machine(shop)]) as agent:
        agent.start()
        seen = await agent.collecting()
        assert seen["devices"][0]["alarms"] is None
        assert "chulian_device_alarms_told_total{" not in await metrics(agent)
        assert await agent.stop() == 0
    assert told(agent, "alarm") == []
    assert shop.content.conditions.refreshes == 0


def writable(oven):
    leave = {"min": 20, "max": 250, "min_interval_s": 0}
    address = f"nsu={NAMESPACE};s="
    return {
        "id": "oven", "driver": "opcua", "url": oven.url,
        "tags": [
            {"name": "setpoint", "address": f"{address}Setpoint", "type": "float32",
             "unit": "Cel", "write": leave},
            {"name": "fan", "address": f"{address}Fan", "type": "bool", "write": {}},
            {"name": "fixed", "address": f"{address}Fixed", "type": "int32",
             "write": {"min": 0, "max": 9}},
        ],
    }  # fmt: skip


async def test_a_point_of_an_opcua_device_is_written_through_the_agent(tmp_path, oven):
    """The order goes over the agent's own session; the node holds it, every try is told."""
    async with AgentProcess(tmp_path, broker_url=NOWHERE, devices=[writable(oven)]) as agent:
        agent.start()
        assert (await agent.collecting())["control"]
        done = await write(agent, "oven", "setpoint", "185.5", "--yes")
        assert done.code == 0, done.err
        assert "now: 180 Cel" in done.err
        assert done.out.endswith("the device holds: 185.5 Cel\n")
        assert (await write(agent, "oven", "fan", "1", "--yes")).code == 0
        assert (oven.read("Setpoint"), oven.read("Fan")) == (185.5, True)
        await agent.until(
            lambda s: s["devices"][0]["tags"][0]["value"] == 185.5, what="collects the new value"
        )
        done = await write(agent, "oven", "setpoint", "300", "--yes")
        assert done.code == 2
        done = await write(agent, "oven", "fixed", "4", "--yes", "--json", lang="zh")
        assert (done.code, done.document["code"]) == (1, "BadNotWritable")
        assert (await agent.status())["devices"][0]["state"] == "online"
        assert await agent.stop() == 0
    results = [(e["m"], e["result"], e.get("reason", "")) for e in told(agent)]
    assert results == [
        ("setpoint", "confirmed", ""), ("fan", "confirmed", ""),
        ("setpoint", "refused", "out_of_range"), ("fixed", "unconfirmed", "BadNotWritable"),
    ]  # fmt: skip


async def test_without_an_agent_the_command_reaches_the_server_itself(tmp_path, oven):
    """No agent runs: the same rules, the same record, over a session of its own."""
    agent = AgentProcess(tmp_path, broker_url=NOWHERE, devices=[writable(oven)])
    done = await write(agent, "oven", "setpoint", "99.5", "--yes", "--json")
    assert (done.code, done.document["direct"]) == (0, True)
    assert oven.read("Setpoint") == 99.5
    assert [e["result"] for e in told(agent)] == ["confirmed"]
