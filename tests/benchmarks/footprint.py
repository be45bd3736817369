"""`python -m tests.benchmarks.footprint`: what the agent takes of a box with 5,000 tags.

Half of the tags are read from Modbus servers, half from an OPC UA server, 500 values a second in
all, with the page asked every two seconds and the metrics every ten. Memory is asked of the kernel
(VmRSS of the process and its descendants), disk traffic too (write_bytes).

Exit codes: 0 measured, 2 something to measure with is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from tests.benchmarks.measure import write_config
from tests.benchmarks.processes import Cores, RunError, _tree, peak_rss_mb, started
from tests.benchmarks.receiver import Receiver
from tests.benchmarks.servers import broker, free_port, machines
from tests.benchmarks.workloads import Workload

HALVES = (
    Workload("FM", "modbus", 5, 500, 10.0, ()),
    Workload("FO", "opcua", 1, 2500, 10.0, ()),
)
PAGE_S, METRICS_S = 2.0, 10.0
START_S = 60.0

_OPENER = build_opener(ProxyHandler({}))


def rss_mb(pid: int) -> float:
    """Give the resident memory of a process and its descendants, added up, in MB."""
    return sum(_field_kib(each, "VmRSS") for each in _tree(pid)) * 1024 / 1e6


def _field_kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def written_bytes(pid: int) -> int:
    """Give what the process has had written to the disk."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def configured(folder: Path, ports: list[tuple[int, ...]], *, broker_port: int) -> tuple[Path, int]:
    """Write one configuration of both halves; give the file and the port of the page."""
    devices = []
    for half, found in zip(HALVES, ports, strict=True):
        part = folder / half.name
        part.mkdir()
        document = json.loads(
            write_config(half, part, ports=found, broker_port=broker_port).read_text("utf-8")
        )
        for device in document["devices"]:
            device["id"] += half.name.lower()
            device["points"] = f"{half.name}/points.csv"
        devices += document["devices"]
    port = free_port()
    document |= {"devices": devices, "http": {"port": port}}
    path = folder / "agent.yaml"
    path.write_text(json.dumps(document), "utf-8")
    return path, port


def ask(port: int, path: str) -> int:
    """Ask the page for a path; give the size of the answer."""
    with _OPENER.open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return len(answer.read())


def measure(seconds: float) -> dict[str, float]:
    """Run the agent for so long after its first values; give the figures.

    Raises:
        RunError: it does not deliver.
    """
    cores = Cores.choose()
    with tempfile.TemporaryDirectory(prefix="footprint-") as root, ExitStack() as stack:
        folder = Path(root)
        broker_port = stack.enter_context(broker(folder, core=cores.rest))
        receiver = stack.enter_context(Receiver(broker_port))
        ports = [stack.enter_context(machines(h, folder, core=cores.rest)) for h in HALVES]
        config, page = configured(folder, ports, broker_port=broker_port)
        log = folder / "agent.log"
        command: list[str | Path] = [sys.executable, "-P", "-m", "agent", "run", "-c", config]
        agent = stack.enter_context(started(command, core=cores.measured, log=log))
        if not receiver.wait_for_arrival(START_S):
            raise RunError(f"the agent delivers nothing:\n{log.read_text()[-2000:]}")
        time.sleep(12)  # a whole interval, so that every tag has a value
        plain_mb, counted, disk = (
            rss_mb(agent.pid),
            len(receiver.arrivals),
            written_bytes(agent.pid),
        )
        began_s, end_s, scraped_s = time.monotonic(), time.monotonic() + seconds, 0.0
        while time.monotonic() < end_s:
            ask(page, "/fragment")
            if time.monotonic() - scraped_s >= METRICS_S:
                ask(page, "/metrics")
                scraped_s = time.monotonic()
            time.sleep(PAGE_S)
        took_s = time.monotonic() - began_s
        values = sum(count for _, _, count in receiver.arrivals[counted:])
        return {
            "values_per_s": values / took_s,
            "rss_before_page_mb": plain_mb,
            "rss_mb": rss_mb(agent.pid),
            "peak_mb": peak_rss_mb(agent.pid),
            "processes": len(list(_tree(agent.pid))),
            "threads": len(list(Path(f"/proc/{agent.pid}/task").iterdir())),
            "files": len(list(Path(f"/proc/{agent.pid}/fd").iterdir())),
            "written_bytes_per_value": (written_bytes(agent.pid) - disk) / max(1, values),
        }


def main(arguments: list[str]) -> int:
    """Measure and print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="footprint", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=60, help="length of the window")
    args = parser.parse_args(arguments)
    try:
        print(json.dumps(measure(args.seconds), indent=1))
    except RunError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
