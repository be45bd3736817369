"""`chulian write` end to end: processes, sockets and a bus that sees one request at a time."""

import asyncio
import struct

import pytest
from integration.agent.ordering import told, write
from system.agent_process import AgentProcess
from system.waiting import until

NOWHERE = "mqtt://127.0.0.1:1"
POLL_S = 0.5


class Bus(asyncio.Protocol):
    """A Modbus TCP device of several units; notices who talks before the answer is out."""

    def __init__(self, log):
        self.log = log

    def connection_made(self, transport):
        self.transport = transport
        self.log.transports.add(transport)
        self.pending = b""

    def connection_lost(self, exc):
        self.log.transports.discard(self.transport)

    def data_received(self, data):
        if self.pending:
            self.log.overlaps += 1
        self.pending += data
        asyncio.get_running_loop().call_later(0.002, self.reply)

    def reply(self):
        request, self.pending = self.pending, b""
        transaction, _, _, unit, function = struct.unpack_from(">HHHBB", request)
        pdu = bytes([0x80 | function, 1])
        if function in {3, 6}:
            pdu = self.answer(unit, function, request)
        self.transport.write(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu)

    def answer(self, unit, function, request):
        start, count = struct.unpack_from(">HH", request, 8)
        if function == 6:
            return self.log.on_write(unit, start, count) or request[7:12]
        self.log.reads += 1
        words = self.log.units[unit][start : start + count]
        return struct.pack(f">BB{count}H", function, 2 * count, *words)


class Log:
    """What happened on the bus, and what the devices hold."""

    def __init__(self):
        self.units = {1: [205, 7, 0, 0, 1000], 2: [1, 2, 3, 4, 5]}
        self.overlaps = self.reads = 0
        self.writes = []
        self.transports = set()
        self.port = 0
        self.refuse = None
        self.ignore = False

    def on_write(self, unit, start, value):
        self.writes.append((unit, start, value))
        if self.refuse is not None:
            return bytes([0x86, self.refuse])
        if not self.ignore:
            self.units[unit][start] = value
        return None


@pytest.fixture
async def bus():
    log = Log()
    server = await asyncio.get_running_loop().create_server(lambda: Bus(log), "127.0.0.1", 0)
    log.port = server.sockets[0].getsockname()[1]
    yield log
    server.close()
    for transport in list(log.transports):
        transport.abort()


SETPOINT = {
    "name": "setpoint", "address": "hr:0", "type": "int16", "scale": 0.1, "unit": "Cel",
    "description": "设定温度", "write": {"min": 10, "max": 40, "min_interval_s": 0},
}  # fmt: skip


def devices(bus, *, tags=(SETPOINT,)):
    """Two units on one connection; the first has the points that may be written."""
    plain = {"name": "temp", "address": "hr:1", "type": "uint16"}
    other = [{"name": f"r{at}", "address": f"hr:{at}", "type": "uint16"} for at in range(5)]
    shared = {
        "driver": "modbus", "host": "127.0.0.1", "port": bus.port, "timeout_s": 1,
        "groups": {"default": {"interval_s": POLL_S}},
    }  # fmt: skip
    return [
        shared | {"id": "oven", "unit": 1, "tags": [*tags, plain]},
        shared | {"id": "meter", "unit": 2, "tags": other},
    ]


def process(folder, bus, **more):
    return AgentProcess(folder, broker_url=NOWHERE, devices=devices(bus, **more))


def losses(status):
    """Give what the polls of each device lost so far, and whether it answers."""
    return [(d["missed"], d["failures"], d["state"]) for d in status["devices"]]


async def test_a_running_agent_writes_between_its_polls(tmp_path, bus):
    """The bus stays the agent's: one request at a time, no poll lost, every attempt on record."""
    async with process(tmp_path, bus) as agent:
        agent.start()
        before = await agent.collecting()
        assert before["control"] == f"{agent.store}.control"
        for text in ("22.5", "23", "24.5"):
            done = await write(agent, "oven", "setpoint", text, "--yes")
            assert done.code == 0, done.err
            said = f"done: oven setpoint: written and read back\n  the device holds: {text} Cel"
            assert done.out == said + "\n"
        assert "now: 24.5 Cel" not in done.err
        assert "now: 23 Cel" in done.err
        assert "limits: 10 … 40" in done.err
        assert bus.writes == [(1, 0, 225), (1, 0, 230), (1, 0, 245)]
        seen = await agent.until(
            lambda s: s["devices"][0]["tags"][0]["value"] == 24.5, what="polls it"
        )
        assert bus.overlaps == 0
        assert len(bus.transports) == 1
        assert losses(seen) == losses(before)
        assert seen["devices"][1]["reads"] > before["devices"][1]["reads"]

        done = await write(agent, "oven", "setpoint", "99", "--yes", "--json")
        assert (done.code, done.document["code"]) == (2, "out_of_range")
        done = await write(agent, "oven", "temp", "5", "--yes", lang="zh")
        assert done.code == 2
        assert "只读" in done.out
        done = await write(agent, "meter", "r0", "5", "--yes")
        assert done.code == 2
        done = await write(agent, "lathe", "r0", "5", "--yes")
        assert done.code == 2
        assert "oven, meter" in done.out
        done = await write(agent, "oven", "setpoint", "30")
        assert done.code == 2
        assert "--yes" in done.err
        assert len(bus.writes) == 3
        assert await agent.stop() == 0
    results = [(event["result"], event.get("reason", "")) for event in told(agent)]
    assert results == [
        *[("confirmed", "")] * 3, ("refused", "out_of_range"), ("refused", "not_enabled"),
        ("refused", "not_enabled"),
    ]  # fmt: skip
    assert not (tmp_path / "chulian.db.control").exists()
    agent.verify()


async def test_what_the_device_does_not_confirm_is_exit_1(tmp_path, bus):
    """A refusal and a value that does not stay are told as such; the agent goes on."""
    async with process(tmp_path, bus) as agent:
        agent.start()
        before = await agent.collecting()
        bus.ignore = True
        done = await write(agent, "oven", "setpoint", "22", "--yes", lang="zh")
        assert done.code == 1
        assert "未确认" in done.out
        assert "20.5 Cel" in done.out
        bus.refuse = 3
        done = await write(agent, "oven", "setpoint", "22", "--yes", "--json")
        assert done.code == 1
        assert done.document["code"] == "BadOutOfRange"
        assert done.document["after"] == 20.5
        assert len(bus.writes) == 2
        seen = await agent.status()
        assert losses(seen) == losses(before)


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("是", 0), ("", 1)])
async def test_without_an_agent_the_command_goes_itself(tmp_path, bus, answer, code):
    """Asked first, it writes over its own link, says so, and leaves its record in the store."""
    agent = process(tmp_path, bus)
    done = await write(agent, "oven", "setpoint", "22", answer=answer)
    assert "No agent is running" in done.err
    assert "Write this to the machine?" in done.err
    assert "write by" not in done.err  # the log's line is for the journal
    assert done.code == code, done.err
    assert bus.writes == ([(1, 0, 220)] if code == 0 else [])
    assert [event["result"] for event in told(agent)] == (["confirmed"] if code == 0 else [])
    await until(lambda: not bus.transports, within_s=5, what="the command's connection is closed")
    agent.verify()


async def test_a_machine_that_is_not_there_is_exit_3(tmp_path, bus):
    """Nothing can be sent: with an agent and without."""
    dead = Log()
    dead.port = 1
    agent = process(tmp_path, dead)
    done = await write(agent, "oven", "setpoint", "22", "--yes", "--json")
    assert (done.code, done.document["fate"]) == (3, "unreachable")
    assert done.document["direct"] is True
    async with agent:
        agent.start()
        await agent.until(lambda s: s["devices"][0]["state"] == "backoff", what="fails")
        done = await write(agent, "oven", "setpoint", "22", "--yes")
        assert done.code == 3
        assert "not connected" in done.out


async def test_an_agent_without_leave_takes_no_orders(tmp_path, bus):
    """Leave that was added after the start counts from the next start; nobody goes around it."""
    plain = {key: value for key, value in SETPOINT.items() if key != "write"}
    async with process(tmp_path, bus, tags=(plain,)) as agent:
        agent.start()
        assert (await agent.collecting())["control"] == ""
        AgentProcess(tmp_path, broker_url=NOWHERE, devices=devices(bus))  # the file is changed
        done = await write(agent, "oven", "setpoint", "22", "--yes")
        assert done.code == 3
        assert "Restart" in done.err
        assert bus.writes == []


async def test_no_leave_no_write_on_any_path(tmp_path, bus):
    """Without `write` in a tag neither the command nor an agent sends anything but reads."""
    plain = {key: value for key, value in SETPOINT.items() if key != "write"}
    agent = process(tmp_path, bus, tags=(plain,))
    for tag in ("setpoint", "temp"):
        done = await write(agent, "oven", tag, "22", "--yes")
        assert done.code == 2
        assert "only be read" in done.out
    assert bus.writes == []
    assert bus.reads == 0
