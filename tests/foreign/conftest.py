"""The servers nobody here wrote, ready to start: built or installed once per run of the tests."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from foreign.node_server import NodeServer, install
from matrix.reporting import pytest_terminal_summary, report  # noqa: F401 - pytest finds them here
from system.waiting import missing, need

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "tests" / "peers"


@contextmanager
def running(command, *, word, environment=None):
    """Run a peer; gives what follows the word that it prints when it listens."""
    with subprocess.Popen(
        list(map(str, command)), env=os.environ | (environment or {}), start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            told = next((line for line in process.stdout if line.startswith(f"{word} ")), None)
            assert told, f"{command[0]} ended with {process.wait()}"
            yield told.split()[1]
        finally:
            process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


@pytest.fixture(scope="session")
def libmodbus(tmp_path_factory):
    """Build the Modbus server in C; gives a context manager that runs it and tells its port.

    With `line`, a serial port and a unit, it serves there instead, and nothing is told.
    """
    program = tmp_path_factory.mktemp("libmodbus") / "server"
    done = subprocess.run(
        [need("cc"), "-O2", "-Wall", "-Wextra", "-o", program,
         PEERS / "libmodbus" / "server.c", "-lmodbus"],
        capture_output=True, check=False, text=True, timeout=60,
    )  # fmt: skip
    if done.returncode:
        missing(f"the libmodbus server does not build: {done.stderr.strip()[-600:]}")

    @contextmanager
    def serve(*, count, period_ms=None, line=None):
        place = f"{line[0]}:{line[1]}" if line else 0
        period = [] if period_ms is None else [period_ms]
        with running([program, place, count, *period], word="port") as port:
            yield None if line else int(port)

    return serve


@pytest.fixture(scope="session")
def node_opcua():
    """Install node-opcua; gives a context manager that runs the server and tells its URL."""
    install()

    @contextmanager
    def serve(*options):
        with NodeServer(*options) as server:
            yield server.url

    return serve
