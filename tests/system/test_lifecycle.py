"""The agent as systemd and people treat it: told to stop in every phase, or started wrongly."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from system.agent_process import MODULE, SCRIPT, AgentProcess
from system.loads import counting
from system.supervisor import Supervisor
from system.waiting import free_port, until

from simulators.mqtt.broker import Broker
from simulators.platform import Platform
from simulators.proxy import TcpProxy

pytestmark = pytest.mark.timeout(90)

STOP_S = 30.0
"""A clean stop takes 10 s at most, whatever the network does; the rest is a busy machine."""
REGISTERS = 20


class Bench:
    """A broker behind a link that can fail, a counting machine, a mute one, and the platform."""

    def __init__(self, broker, link, platform, *, counter, mute_port):
        self.broker = broker
        self.link = link
        self.platform = platform
        self.counter = counter
        self.mute = [
            _modbus("mute-plc", mute_port),
            {
                "id": "mute-cnc", "driver": "opcua", "url": f"opc.tcp://127.0.0.1:{mute_port}",
                "timeout_s": 30, "tags": [{"name": "a", "address": "i=2258"}],
            },
        ]  # fmt: skip
        """Devices that accept a connection and never say a word."""
        self.absent = _modbus("absent", free_port())

    def agent(self, folder, devices, **more):
        """Give an agent that reaches the broker through the link."""
        url = f"mqtt://127.0.0.1:{self.link.port}"
        return AgentProcess(folder, broker_url=url, devices=devices, **more)

    async def second_life_delivers_all(self, agent):
        """With everything well again, the next run sends what the last one left; law holds."""
        self.link.clear()
        await self.link.accept()
        agent.start()
        await agent.collecting()
        await agent.drained()
        assert await agent.stop(within_s=STOP_S) == 0
        law = agent.verify()
        acked = law["acked"]["rows"]
        await until(lambda: self.platform.summary()["rows"] >= acked, within_s=10,
                    what=f"{acked} rows arrive")  # fmt: skip
        seen = self.platform.summary()
        assert (seen["holes"], seen["schema_errors"], seen["altered_duplicates"]) == ([], 0, 0)
        assert law["stored"]["rows"] == seen["rows"] + law["waiting"]["rows"]
        assert law["dropped"]["rows"] == law["rejected"]["rows"] == 0


def _modbus(name, port):
    tags = [{"name": "a", "address": "hr:0", "type": "uint16"}]
    return {"id": name, "driver": "modbus", "host": "127.0.0.1", "port": port, "timeout_s": 30,
            "tags": tags}  # fmt: skip


@pytest.fixture
async def bench():
    """Set up everything the agent talks to."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as mute:
        async with (
            Broker() as broker,
            TcpProxy("127.0.0.1", broker.port) as link,
            Platform(broker.url) as platform,
            counting(REGISTERS) as counter,
        ):
            port = mute.getsockname()[1]
            yield Bench(broker, link, platform, counter=counter, mute_port=port)


@pytest.fixture
def systemd():
    """Stand in for systemd."""
    supervisor = Supervisor()
    yield supervisor
    supervisor.close()


@asynccontextmanager
async def ready(agent, systemd):
    """Start an agent and wait until it says that it is ready, not a moment longer."""
    async with agent:
        agent.start()
        await until(lambda: systemd.times("READY=1"), within_s=20, what="READY=1")
        yield


def environment_of(systemd, **more):
    """Give what systemd puts into the environment."""
    return {"NOTIFY_SOCKET": f"@{systemd.name}", **more}


async def test_stop_while_everything_is_being_connected(tmp_path, bench, systemd):
    """Told to stop while broker and devices accept and stay mute, the agent ends in order."""
    bench.link.freeze()
    agent = bench.agent(
        tmp_path, [bench.counter, *bench.mute], environment=environment_of(systemd)
    )  # fmt: skip
    async with ready(agent, systemd):
        assert await agent.stop(within_s=STOP_S) == 0
        assert "Traceback" not in agent.complaints()
        agent.verify()
        await _other_life(tmp_path, bench)


async def _other_life(folder, bench):
    async with bench.agent(folder, [bench.counter]) as agent:
        await bench.second_life_delivers_all(agent)


@pytest.mark.parametrize(
    ("command", "loop"),
    [(MODULE, "asyncio"), (SCRIPT, "uvloop")],
    ids=["module-asyncio", "script-uvloop"],
)
async def test_stop_under_load(tmp_path, bench, command, loop):
    """Told to stop in full work, everything stored is delivered; on both event loops."""
    agent = bench.agent(
        tmp_path, [bench.counter], command=command, environment={"CHULIAN_LOOP": loop}
    )
    async with agent:
        agent.start()
        await agent.collecting()
        maps = Path(f"/proc/{agent.pid}/maps").read_text("utf-8")
        assert ("uvloop" in maps) is (loop == "uvloop")
        assert await agent.stop(within_s=STOP_S) == 0
        law = agent.verify()
        assert law["waiting"]["rows"] == 0, "a clean stop waits for the last acknowledgement"
        await bench.second_life_delivers_all(agent)
        assert "Traceback" not in agent.complaints()


async def test_stop_while_the_broker_is_away(tmp_path, bench):
    """Without a broker the agent stops in order; the next run delivers what the first stored."""
    bench.link.refuse()
    async with bench.agent(tmp_path, [bench.counter]) as agent:
        agent.start()
        await agent.collecting()
        kept = await agent.until(lambda s: s["store"]["stored"]["rows"] >= 5, what="stores")
        assert await agent.stop(within_s=STOP_S) == 0
        law = agent.verify()
        assert law["waiting"] == law["stored"]
        assert law["stored"]["rows"] > kept["store"]["stored"]["rows"]
        await bench.second_life_delivers_all(agent)
        assert "Traceback" not in agent.complaints()


async def test_stop_with_dead_devices(tmp_path, bench):
    """Mute and absent machines neither hold up the others nor the end."""
    devices = [bench.counter, *bench.mute, bench.absent]
    async with bench.agent(tmp_path, devices) as agent:
        agent.start()
        await agent.until(
            lambda s: {d["id"]: d["state"] for d in s["devices"]}["absent"] == "backoff",
            what="gives up the absent device for now",
        )
        await agent.until(lambda s: s["store"]["acked"]["rows"] >= 5, what="delivers the others")
        assert await agent.stop(within_s=STOP_S) == 0
        assert "Traceback" not in agent.complaints()
        agent.verify()
        await _other_life(tmp_path, bench)


async def test_told_to_stop_again_and_again(tmp_path, bench):
    """Impatience changes nothing: more SIGTERMs and a SIGINT meanwhile, one clean end."""
    async with bench.agent(tmp_path, [bench.counter]) as agent:
        agent.start()
        await agent.until(lambda s: s["store"]["acked"]["rows"] >= 3, what="delivers")
        bench.link.freeze()  # what is sent is not acknowledged any more: the end takes its time
        await agent.until(lambda s: s["destinations"][0]["in_flight"] >= 3, what="waits for acks")
        began_s = time.monotonic()
        while agent.returncode is None and time.monotonic() < began_s + STOP_S:
            agent.signal(signal.SIGTERM)
            agent.signal(signal.SIGINT)
            await asyncio.sleep(0.05)
        assert agent.returncode == 0
        agent.verify()
        await bench.second_life_delivers_all(agent)
        assert "Traceback" not in agent.complaints()


async def test_hangup_does_not_end_it(tmp_path, bench):
    """SIGHUP, which a supervisor or a closing terminal may send, leaves the agent at work."""
    async with bench.agent(tmp_path, [bench.counter]) as agent:
        agent.start()
        before = await agent.collecting()
        agent.signal(signal.SIGHUP)
        reads = before["devices"][0]["reads"] + 5
        await agent.until(lambda s: s["devices"][0]["reads"] > reads, what="goes on collecting")
        assert await agent.stop(within_s=STOP_S) == 0


async def test_systemd_is_told(tmp_path, bench, systemd):
    """READY=1 comes once, WATCHDOG=1 in time while all is well, STOPPING=1 at the end."""
    watchdog_s = 1.5
    environment = environment_of(systemd, WATCHDOG_USEC=str(int(watchdog_s * 1e6)))
    agent = bench.agent(tmp_path, [bench.counter], environment=environment)
    async with ready(agent, systemd):
        await until(lambda: len(systemd.times("WATCHDOG=1")) >= 5, within_s=10, what="5 pings")
        assert await agent.stop(within_s=STOP_S) == 0
        pings = systemd.times("WATCHDOG=1")
        gaps_s = [after - before for before, after in pairwise(pings)]
        assert max(gaps_s) < watchdog_s
        assert (len(systemd.times("READY=1")), len(systemd.times("STOPPING=1"))) == (1, 1)
        assert systemd.times("READY=1") < systemd.times("STOPPING=1")


BAD = {"interval_s": "often"}
WRONG_STARTS = ("configuration", "second instance", "taken port")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("wrong", WRONG_STARTS)
async def test_a_wrong_start_is_refused(tmp_path, bench, language, wrong):
    """A bad file, a second agent on the store, a taken port: exit code 2, one clear text."""
    environment = {"CHULIAN_LANG": language}
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    devices = [bench.counter]
    more = {}
    async with bench.agent(first, devices) as running:
        if wrong == "configuration":
            devices = [bench.counter | {"groups": {"default": BAD}}]
        else:
            running.start()
            await running.up()
            path = {"store": {"path": str(first / "chulian.db")}}
            more = path if wrong == "second instance" else {"http": {"port": running.port}}
        async with bench.agent(second, devices, environment=environment, **more) as agent:
            agent.start()
            assert await agent.ended(within_s=STOP_S) == 2
            text = agent.complaints()
        if wrong != "configuration":
            assert await running.status() is not None, "the running agent was disturbed"
    print(text)
    assert "Traceback" not in text
    assert all(word in text for word in _words(wrong, language, running))
    assert any("一" <= letter <= "鿿" for letter in text) is (language == "zh")


def _words(wrong, language, running):
    """Give what the text must name: what is wrong, and where."""
    return {
        "configuration": ("agent.yaml", "interval_s"),
        "second instance": ("chulian.db", {"zh": "另一个进程", "en": "another process"}[language]),
        "taken port": (str(running.port), {"zh": "占用", "en": "in use"}[language]),
    }[wrong]
