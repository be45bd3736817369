"""The programs around what is measured: Modbus and OPC UA servers, the broker. None is ours to run.

All are built or found here; a missing one is a `RunError` that says how to get it.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.benchmarks.processes import ROOT, RunError, read_line, started
from tests.benchmarks.workloads import OPCUA_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.workloads import Workload

PEERS = ROOT / "tests" / "peers"
NODE_MODULES = ROOT / ".peers" / "node-opcua" / "node_modules"
START_S = 20.0
"""Longest wait for the broker to listen."""


def program(name: str) -> str:
    """Find a program.

    Raises:
        RunError: it is not installed.
    """
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise RunError(f"{name} is not installed; `make peers` installs it")
    return path


def built(source: Path, folder: Path) -> Path:
    """Compile a C program on libmodbus, once per folder."""
    target = folder / f"{source.parent.name}-{source.stem}"
    if not target.exists():
        command: list[str | Path] = [
            program("cc"),
            "-O2",
            "-Wall",
            "-Wextra",
            "-o",
            target,
            source,
            "-lmodbus",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunError(f"{source} does not build; `make peers`?\n{done.stderr}")
    return target


def node_environment() -> dict[str, str]:
    """Give the environment in which node finds node-opcua.

    Raises:
        RunError: it is not installed.
    """
    if not NODE_MODULES.is_dir():
        raise RunError(f"node-opcua is not installed under {NODE_MODULES}; `make peers`")
    return {"NODE_PATH": str(NODE_MODULES), "NODE_ENV": "production"}


@contextmanager
def machines(workload: Workload, folder: Path, *, core: int) -> Iterator[tuple[int, ...]]:
    """Run the workload's servers; give their ports on 127.0.0.1."""
    log = folder / "servers.log"
    period_ms = str(round(workload.interval_s * 1000))
    with ExitStack() as stack:
        ports = []
        for number in range(workload.devices):
            if workload.protocol == "modbus":
                server = built(PEERS / "libmodbus" / "server.c", folder)
                command: list[str | Path] = [server, "0", str(workload.values), period_ms]
                environment, begins = None, "port "
            else:
                command = [
                    program("node"), PEERS / "node-opcua" / "server.js",
                    "--variables", str(workload.values), "--interval-ms", period_ms,
                    "--types", ",".join(OPCUA_TYPES), "--pki", folder / f"pki-{number}",
                ]  # fmt: skip
                environment, begins = node_environment(), "READY "
            process = stack.enter_context(
                started(command, core=core, log=log, environment=environment)
            )
            ports.append(int(read_line(process, log, begins=begins).split()[1]))
        yield tuple(ports)


@contextmanager
def broker(folder: Path, *, core: int, port: int = 0) -> Iterator[int]:
    """Run mosquitto as it comes, but let the counting subscriber's queue be unlimited.

    0 takes a free port; it is given, once the broker listens.
    """
    port = port or free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    log = folder / "mosquitto.log"
    with started([program("mosquitto"), "-c", settings], core=core, log=log) as process:
        deadline_s = time.monotonic() + START_S
        while process.poll() is None and time.monotonic() < deadline_s:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    yield port
                    return
            time.sleep(0.05)
        raise RunError(f"mosquitto does not listen:\n{log.read_text()[-2000:]}")


def free_port() -> int:
    """Give a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
