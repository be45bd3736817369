"""The servers nobody here wrote, ready to start: built or installed once per run of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from system.waiting import missing, need

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "tests" / "peers"
CACHE = ROOT / ".peers" / "node-opcua"
INSTALL_S = 200


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
    node, npm = need("node"), need("npm")
    lock = (PEERS / "node-opcua" / "package-lock.json").read_bytes()
    mark = CACHE / "installed"
    if not (mark.is_file() and mark.read_bytes() == lock):
        CACHE.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PEERS / "node-opcua" / name, CACHE / name)
        done = subprocess.run(
            [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=CACHE, capture_output=True, check=False, text=True, timeout=INSTALL_S,
        )  # fmt: skip
        if done.returncode:
            missing(f"node-opcua cannot be installed: {done.stderr.strip()[-600:]}")
        mark.write_bytes(lock)

    @contextmanager
    def serve(*options):
        command = [node, PEERS / "node-opcua" / "server.js", "--pki", CACHE / "pki", *options]
        modules = {"NODE_PATH": str(CACHE / "node_modules")}
        with running(command, word="READY", environment=modules) as port:
            yield f"opc.tcp://127.0.0.1:{port}"

    return serve
