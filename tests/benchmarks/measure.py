"""One run: the agent, or a bare loop, under one workload, in a steady window after a warm-up.

The agent is the real process with its defaults: SQLite WAL, FULL, group commit every second, names
in the payload, QoS 1, page and metrics served. What it costs is asked of the kernel, what it
delivered of a subscriber behind a real broker.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.processes import ROOT, RunError, cpu_s, peak_rss_mb, read_line, started
from tests.benchmarks.receiver import DEVICE_PREFIX, Receiver, percentile_ms
from tests.benchmarks.servers import broker, built, machines, node_environment, program
from tests.benchmarks.workloads import NAMESPACE, queue_size

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.benchmarks.processes import Cores
    from tests.benchmarks.workloads import Workload

AGENT = "agent"
WARM_UP_S = 12.25
"""Until nothing is learned any more: values come twice in a start, and the shapes of messages are
learned from several. Not a whole number: a window must not begin where a tick does."""
FIRST_VALUE_S = 60.0
"""Longest wait for the values of a start, on a busy machine."""
SETTLE_S = 4.0
"""What was read in the window has arrived after this: longer than a sampling interval, a
publishing interval and a commit together."""

_HERE = "tests/benchmarks/"
_PYTHON = (sys.executable, "-P")
BARE: dict[str, tuple[str, ...]] = {
    "pymodbus": (*_PYTHON, f"{_HERE}bare_pymodbus.py"),
    "pymodbus-uvloop": (*_PYTHON, f"{_HERE}bare_pymodbus.py", "--uvloop"),
    "libmodbus": (f"{_HERE}peers/bare_libmodbus.c",),
    "asyncua": (*_PYTHON, f"{_HERE}bare_asyncua.py"),
    "asyncua-uvloop": (*_PYTHON, f"{_HERE}bare_asyncua.py", "--uvloop"),
    "node-opcua": ("node", f"{_HERE}peers/bare_node_opcua.js"),
}
"""Bare loops. Each takes `WARM_UP_S SECONDS VALUES INTERVAL_MS PUBLISHING_MS QUEUE PORT...`, prints
`{"values", "cpu_s", "wall_s"}` of its own window as one line, and ends with its input. An OPC UA
loop warms up once as many values have come as there are variables."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run brought."""

    workload: str
    who: str
    values: int
    offered: float
    """Values that changed in the window."""
    wall_s: float
    cpu_s: float
    rss_mb: float
    p50_ms: float | None = None
    p99_ms: float | None = None

    @property
    def cpu_s_per_million(self) -> float:
        """CPU seconds per million values that arrived."""
        return self.cpu_s / self.values * 1e6

    @property
    def arrived(self) -> float:
        """Share of the offered values that arrived."""
        return self.values / self.offered

    @property
    def core_share(self) -> float:
        """Share of one core."""
        return self.cpu_s / self.wall_s


def measure_agent(workload: Workload, folder: Path, *, cores: Cores, seconds: float) -> Measured:
    """Run the agent under the workload.

    Raises:
        RunError: it did not start, or ceased to deliver.
    """
    folder.mkdir()
    log = folder / "agent.log"
    with (
        broker(folder, core=cores.rest) as broker_port,
        Receiver(broker_port) as receiver,
        machines(workload, folder.parent, core=cores.rest) as ports,
    ):
        config = write_config(workload, folder, ports=ports, broker_port=broker_port)
        command: list[str | Path] = [*_PYTHON, "-m", "agent", "run", "-c", config]
        with started(command, core=cores.measured, log=log) as agent:
            _wait_for_all(agent, receiver, log, values=workload.devices * workload.values)
            time.sleep(WARM_UP_S)
            return _window(workload, agent, receiver, seconds=seconds, log=log)


def _wait_for_all(
    agent: subprocess.Popen[str], receiver: Receiver, log: Path, *, values: int
) -> None:
    """Wait until as many values have arrived as there are: the start is over."""
    deadline_s = time.monotonic() + FIRST_VALUE_S
    while receiver.values < values:
        receiver.wait_for_arrival(0.5)
        if agent.poll() is not None or time.monotonic() > deadline_s:
            raise RunError(
                f"the agent delivered {receiver.values} of {values} values:\n"
                f"{log.read_text()[-2000:]}"
            )


def _window(
    workload: Workload,
    agent: subprocess.Popen[str],
    receiver: Receiver,
    *,
    seconds: float,
    log: Path,
) -> Measured:
    """Count the values whose own time lies in the window, whenever they arrive.

    CPU comes in bursts, one a second: a window of whole seconds holds whole bursts.
    """
    start_s, cpu = time.time(), cpu_s(agent.pid)
    time.sleep(seconds)
    end_s, cpu = time.time(), cpu_s(agent.pid) - cpu
    time.sleep(SETTLE_S)
    window_ms = range(round(start_s * 1000), round(end_s * 1000))
    aged = [(age, count) for own, age, count in receiver.arrivals if own in window_ms]
    if not aged:
        raise RunError(f"nothing of the window arrived:\n{log.read_text()[-2000:]}")
    wall_s = end_s - start_s
    return Measured(
        workload.name, AGENT, sum(count for _, count in aged), workload.offered_per_s * wall_s,
        wall_s, cpu, peak_rss_mb(agent.pid), percentile_ms(aged, 0.5), percentile_ms(aged, 0.99),
    )  # fmt: skip


def measure_bare(
    workload: Workload, who: str, folder: Path, *, cores: Cores, seconds: float, units: int = 1
) -> Measured:
    """Run a bare loop against the same kind of servers, as so many units behind each of them.

    Only the loops of pymodbus know units.

    Raises:
        RunError: it failed, or the values it read are not all there were to read.
    """
    log = folder / "bare.log"
    command = list(BARE[who])
    environment = None
    if units > 1:
        command += ["--units", str(units)]
    if command[0].endswith(".c"):
        command = [str(built(ROOT / command[0], folder))]
    elif command[0] == "node":
        command[0] = program("node")
        environment = node_environment() | {"TMPDIR": str(folder)}
    with machines(workload, folder, core=cores.rest) as ports:
        numbers = (
            WARM_UP_S, seconds, workload.values, workload.interval_s * 1000,
            workload.publishing_s * 1000, queue_size(workload), *ports,
        )  # fmt: skip
        command += [f"{number:g}" for number in numbers]
        with started(command, core=cores.measured, log=log, environment=environment) as loop:
            line = read_line(loop, log, begins="{", timeout_s=FIRST_VALUE_S + seconds)
            spent = json.loads(line)
            rss_mb = peak_rss_mb(loop.pid)
    if not spent["values"]:
        raise RunError(f"{who} read nothing:\n{log.read_text()[-2000:]}")
    wall_s = spent["wall_s"]
    return Measured(
        workload.name, who, spent["values"], workload.offered_per_s * units * wall_s, wall_s,
        spent["cpu_s"], rss_mb,
    )  # fmt: skip


def write_config(
    workload: Workload, folder: Path, *, ports: tuple[int, ...], broker_port: int
) -> Path:
    """Write a configuration that reads the whole workload; give the file."""
    modbus = workload.protocol == "modbus"
    points = ["name,address,type"]
    for number in range(workload.values):
        address = f"hr:{number},int16" if modbus else f"nsu={NAMESPACE};s=V{number},"
        points.append(f"machine.register.n{number:04},{address}")
    (folder / "points.csv").write_text("\n".join(points) + "\n", "utf-8")
    reach = [
        {"host": "127.0.0.1", "port": port}
        if modbus
        else {"url": f"opc.tcp://127.0.0.1:{port}", "security": "none"}
        for port in ports
    ]
    devices = [
        {
            "id": f"{DEVICE_PREFIX}{number:02}",
            "driver": workload.protocol,
            "points": "points.csv",
            "groups": {"default": {"interval_s": workload.interval_s}},
        }
        | where
        for number, where in enumerate(reach)
    ]
    document = {
        "gateway": {"id": "gw-bench"},
        "enterprise": {"id": "ent-bench"},
        "store": {"path": "chulian.db"},
        "publish": [{"url": f"mqtt://127.0.0.1:{broker_port}"}],
        "http": {"port": 0},
        "devices": devices,
    }
    path = folder / "agent.yaml"
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML
    return path
