"""What a figure belongs to: the machine, the versions, the commit."""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.processes import ROOT
from tests.benchmarks.servers import NODE_MODULES, program

PACKAGES = ("pymodbus", "asyncua", "paho-mqtt", "uvloop", "orjson")


def facts() -> dict[str, str]:
    """Name machine, versions and commit."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit(),
        "machine": f"{_cpu()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "broker": f"mosquitto {_mosquitto()}",
        "servers": f"libmodbus {_libmodbus()}, node-opcua {_node_opcua()}",
    }


def load() -> float:
    """Give the run queue's length over the last minute: what else the machine was doing."""
    return os.getloadavg()[0]


def commit() -> str:
    """Name the commit of the tree, and whether the product was changed since."""
    found = _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    changed = _said("git", "-C", str(ROOT), "status", "--porcelain", "--", "agent", "drivers")
    return f"{found} with local changes" if found and changed else found or "unknown"


def _cpu() -> str:
    match = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return match[1] if match else platform.machine()


def _mosquitto() -> str:
    match = re.search(r"version (\S+)", _said(program("mosquitto"), "-h"))
    return match[1] if match else "unknown"


def _libmodbus() -> str:
    return _said("pkg-config", "--modversion", "libmodbus") or "unknown"


def _node_opcua() -> str:
    package = NODE_MODULES / "node-opcua-server" / "package.json"
    if not package.exists():
        return "not installed"
    return str(json.loads(package.read_text("utf-8"))["version"])


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
