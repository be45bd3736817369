"""`make bench BENCH=F`: what the agent takes of a box, and how soon it delivers.

    make bench BENCH="F box tags-10000 --seconds 30"

Every tag is read every ten seconds, the page is asked every two seconds, the metrics every ten.
Memory is asked of the kernel (VmRSS of the process and its descendants), disk traffic too
(write_bytes). The agent runs from compiled modules, as it does where it is installed: a start
before the first one compiles them and is not counted.

Exit codes: 0 measured, 2 wrong arguments or something to measure with is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import ProxyHandler, build_opener

from tests.benchmarks.measure import write_config
from tests.benchmarks.processes import Cores, RunError, _tree, cpu_s, peak_rss_mb, started
from tests.benchmarks.receiver import Receiver
from tests.benchmarks.servers import broker, free_port, machines
from tests.benchmarks.workloads import Workload

if TYPE_CHECKING:
    import subprocess

INTERVAL_S = 10.0
PAGE_S, METRICS_S = 2.0, 10.0
START_S = 120.0
"""Longest wait for all values of a start, on a busy machine."""

HEAD = (
    "| box | devices | tags | first value, s | CPU until then, s | all values, s | RSS, MB "
    "| peak, MB |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)

_OPENER = build_opener(ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Half:
    """The devices of one protocol: servers, and devices behind each of them."""

    workload: Workload
    units: int = 1
    """Devices that share a server and its connection, each a unit of its own."""

    @property
    def devices(self) -> int:
        """How many devices there are."""
        return self.workload.devices * self.units

    @property
    def tags(self) -> int:
        """How many tags there are."""
        return self.devices * self.workload.values


def _modbus(servers: int, units: int, values: int) -> Half:
    return Half(Workload("FM", "modbus", servers, values, INTERVAL_S, ()), units)


def _opcua(values: int) -> Half:
    return Half(Workload("FO", "opcua", 1, values, INTERVAL_S, ()))


BOXES: dict[str, tuple[Half, ...]] = {
    "box": (_modbus(5, 1, 500), _opcua(2500)),
    "modbus": (_modbus(10, 1, 500),),
    "opcua": (_opcua(5000),),
    "opcua-10000": (_opcua(10_000),),
    "tags-100": (_modbus(1, 1, 100),),
    "tags-1000": (_modbus(1, 1, 1000),),
    "tags-10000": (_modbus(10, 1, 1000),),
    "tags-100000": (_modbus(10, 10, 1000),),
    "devices-1": (_modbus(1, 1, 5000),),
    "devices-10": (_modbus(10, 1, 500),),
    "devices-100": (_modbus(10, 10, 50),),
    "devices-500": (_modbus(10, 50, 10),),
}
"""What is measured, by name; `box` is the one that has a ceiling to keep."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took."""

    box: str
    devices: int
    tags: int
    first_value_s: float
    """From the start of the process to the first value at a subscriber of the broker."""
    first_value_cpu_s: float
    """CPU time until then: what is left of it where nothing else runs."""
    all_values_s: float
    """The same, until as many values have come as there are tags."""
    rss_mb: float
    """At the end of the window, all processes together."""
    peak_mb: float
    values_per_s: float
    written_bytes_per_value: float
    processes: int
    threads: int
    files: int


def rss_mb(pid: int) -> float:
    """Give the resident memory of a process and its descendants, added up, in MB."""
    return sum(_field_kib(each, "VmRSS") for each in _tree(pid)) * 1024 / 1e6


def start_cpu_s(pid: int) -> float:
    """Give the CPU seconds of a process, its descendants, and the children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    ended_ticks = int(fields[13]) + int(fields[14])  # cutime and cstime. Source: proc_pid_stat(5)
    return cpu_s(pid) + ended_ticks / os.sysconf("SC_CLK_TCK")


def _field_kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def written_bytes(pid: int) -> int:
    """Give what the process has had written to the disk."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def configured(
    halves: tuple[Half, ...], folder: Path, ports: list[tuple[int, ...]], *, broker_port: int
) -> tuple[Path, int]:
    """Write one configuration of all halves; give the file and the port of the page."""
    devices = []
    for half, found in zip(halves, ports, strict=True):
        part = folder / half.workload.name
        part.mkdir()
        path = write_config(half.workload, part, ports=found, broker_port=broker_port)
        document = json.loads(path.read_text("utf-8"))
        for device in document["devices"]:
            device["points"] = f"{half.workload.name}/points.csv"
            for unit in range(1, half.units + 1):
                own = {"unit": unit} if half.units > 1 else {}
                name = f"{device['id']}{half.workload.name.lower()}{unit}"
                devices.append(device | own | {"id": name})
    port = free_port()
    document |= {"devices": devices, "http": {"port": port}}
    path = folder / "agent.yaml"
    path.write_text(json.dumps(document), "utf-8")
    return path, port


def ask(port: int, path: str) -> int:
    """Ask the page for a path; give the size of the answer."""
    with _OPENER.open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return len(answer.read())


def measure(name: str, compiled: Path, *, seconds: float) -> Taken:
    """Run the agent for so long after its start; give the figures.

    Raises:
        RunError: it does not deliver.
    """
    halves, cores = BOXES[name], Cores.choose()
    tags = sum(half.tags for half in halves)
    with tempfile.TemporaryDirectory(prefix="footprint-") as root, ExitStack() as stack:
        folder = Path(root)
        broker_port = stack.enter_context(broker(folder, core=cores.rest))
        receiver = stack.enter_context(Receiver(broker_port))
        ports = [
            stack.enter_context(machines(half.workload, folder, core=cores.rest)) for half in halves
        ]
        config, page = configured(halves, folder, ports, broker_port=broker_port)
        log = folder / "agent.log"
        command: list[str | Path] = [sys.executable, "-P", "-m", "agent", "run", "-c", config]
        modules = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(compiled)}
        began_s = time.monotonic()
        agent = stack.enter_context(
            started(command, core=cores.measured, log=log, environment=modules)
        )
        first_s = _until(receiver, 1, agent, log) - began_s
        cpu = start_cpu_s(agent.pid)
        all_s = _until(receiver, tags, agent, log) - began_s
        counted, disk, from_s = receiver.values, written_bytes(agent.pid), time.monotonic()
        _look(page, seconds=seconds)
        values, took_s = receiver.values - counted, time.monotonic() - from_s
        return Taken(
            name, sum(half.devices for half in halves), tags, first_s, cpu, all_s,
            rss_mb(agent.pid), peak_rss_mb(agent.pid), values / took_s,
            (written_bytes(agent.pid) - disk) / max(1, values), len(list(_tree(agent.pid))),
            len(list(Path(f"/proc/{agent.pid}/task").iterdir())),
            len(list(Path(f"/proc/{agent.pid}/fd").iterdir())),
        )  # fmt: skip


def _until(receiver: Receiver, values: int, agent: subprocess.Popen[str], log: Path) -> float:
    """Wait until so many values have arrived; give the time at which they had."""
    end_s = time.monotonic() + START_S
    while receiver.values < values:
        receiver.wait_for_arrival(0.5)
        if agent.poll() is not None or time.monotonic() > end_s:
            raise RunError(f"{receiver.values} of {values} values came:\n{log.read_text()[-2000:]}")
    return time.monotonic()


def _look(page: int, *, seconds: float) -> None:
    """Ask for the page and the metrics as a browser and a scraper do."""
    end_s, scraped_s = time.monotonic() + seconds, 0.0
    while time.monotonic() < end_s:
        ask(page, "/fragment")
        if time.monotonic() - scraped_s >= METRICS_S:
            ask(page, "/metrics")
            scraped_s = time.monotonic()
        time.sleep(PAGE_S)


def row(one: Taken) -> str:
    """Give a run as a line of the table on the page."""
    return (
        f"| {one.box} | {one.devices:,} | {one.tags:,} | {one.first_value_s:.1f} "
        f"| {one.first_value_cpu_s:.2f} | {one.all_values_s:.1f} "
        f"| {one.rss_mb:.0f} | {one.peak_mb:.0f} |"
    )


def main(arguments: list[str]) -> int:
    """Measure and print, run by run; everything as JSON with `--json`."""
    parser = argparse.ArgumentParser(prog="make bench BENCH=F", description="Memory and start.")
    parser.add_argument("boxes", nargs="*", metavar="|".join(BOXES), help="default: all")
    parser.add_argument("--seconds", type=float, default=25, help="length of each window")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to a file")
    args = parser.parse_args(arguments)
    unknown = set(args.boxes) - set(BOXES)
    if unknown:
        parser.error(f"unknown box {', '.join(sorted(unknown))}; there is {', '.join(BOXES)}")
    runs = []
    print(HEAD, flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="compiled-") as compiled:
            measure((args.boxes or ["box"])[0], Path(compiled), seconds=0)
            for name in args.boxes or BOXES:
                runs.append(measure(name, Path(compiled), seconds=args.seconds))
                print(row(runs[-1]), flush=True)
    except RunError as error:
        print(error, file=sys.stderr)
        return 2
    if args.json:
        args.json.write_text(json.dumps([asdict(one) for one in runs], indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
