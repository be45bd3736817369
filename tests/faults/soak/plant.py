"""A gateway with all that can fail around it: machines, links, a broker, a disk, a clock."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from faults.soak.account import Account
from faults.store.plant import mount, unmount
from matrix.clock.faketime import FOLDERS, LIBRARY, SYNCHRONISED, WallClock
from matrix.opcua.simulated import SimulatedServer
from system.agent_process import AgentProcess
from system.loads import counting
from system.mosquitto import Mosquitto

from simulators.points import NAMESPACE
from simulators.proxy import TcpProxy

POLL_S = 0.5
REGISTERS = 10
DISK_MB = 64
PUBLISH = {"keepalive_s": 5, "reconnect_max_s": 5, "ack": "watermark", "ack_timeout_s": 10}


@dataclass
class Plant:
    """Everything one soak runs on."""

    agent: AgentProcess
    broker: Mosquitto
    link: TcpProxy
    """Between gateway and broker."""
    line: TcpProxy
    """Between gateway and Modbus machine."""
    opcua: SimulatedServer
    account: Account
    disk: Path | None
    """A file system for the store alone; None without root."""
    clock: WallClock | None
    """None without libfaketime."""


@asynccontextmanager
async def plant(folder):
    """Give a plant whose agent has not been started."""
    clock = WallClock(folder) if _can_fake_time() else None
    (folder / SYNCHRONISED).touch()
    with _disk(folder) as disk:
        async with (
            Mosquitto(folder) as broker,
            TcpProxy("127.0.0.1", broker.port) as link,
            counting(REGISTERS) as counter,
            TcpProxy(counter["host"], counter["port"]) as line,
            SimulatedServer("--size", 2, "--interval-ms", round(POLL_S * 1000)) as opcua,
        ):
            with Account(broker.url) as account:
                async with AgentProcess(
                    folder, broker_url=f"mqtt://127.0.0.1:{link.port}", publish=PUBLISH,
                    devices=[_modbus(counter, line), _opcua(opcua)],
                    clock={"synchronised_file": SYNCHRONISED},
                    store=_store(folder if disk is None else disk),
                    environment=_environment(clock),
                ) as agent:  # fmt: skip
                    agent.store = (disk or folder) / "chulian.db"
                    yield Plant(agent, broker, link, line, opcua, account, disk, clock)


def fill(disk):
    """Let others take all the room there is; give their file."""
    hog = disk / "hog"
    with hog.open("wb") as file:
        while (room := shutil.disk_usage(disk).free) > 0:
            with suppress(OSError):  # the store took some of it meanwhile
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), room)
    return hog


def _environment(clock):
    """Look the time up once a second only: a look at the file at every call takes half a core."""
    if clock is None:
        return None
    kept = {name: value for name, value in clock.environment.items() if name != "FAKETIME_NO_CACHE"}
    return kept | {"FAKETIME_CACHE_DURATION": "1"}


def _store(place):
    # what has been sent is not kept: a day of it would fill the disk by itself
    return {"path": str(place / "chulian.db"), "commit_interval_s": 0.5, "keep_hours": 0}


def _modbus(counter, line):
    quick = {"groups": {"default": {"interval_s": POLL_S}}, "timeout_s": 2}
    return counter | quick | {"host": line.host, "port": line.port}


def _opcua(server):
    tags = [{"name": f"v{at}", "address": f"nsu={NAMESPACE};s=COUNTER.V{at}"}
            for at in range(2)]  # fmt: skip
    return {
        "id": "opcua", "driver": "opcua", "url": server.url, "security": "none", "timeout_s": 2,
        "keepalive_s": 2, "queue_size": 100,
        "groups": {"default": {"interval_s": POLL_S}}, "tags": tags,
    }  # fmt: skip


@contextmanager
def _disk(folder):
    if os.geteuid() != 0:
        yield None
        return
    place = folder / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", place)
    try:
        yield place
    finally:
        unmount(place)


def _can_fake_time():
    return any((Path(folder) / LIBRARY).exists() for folder in FOLDERS)
