"""node-opcua's server (tests/peers), installed once, and what its variables hold."""

from __future__ import annotations

import shutil
import subprocess

from foreign.peer_server import CACHE, SOURCES, PeerServer
from system.waiting import missing, need

SOURCE = SOURCES / "node-opcua"
INSTALLED = CACHE / "node-opcua"
MODULES = INSTALLED / "node_modules"
INSTALL_S = 200
URI = "urn:chulian:peer:node-opcua"
NODES = f"nsu={URI};s="
"""What stands before the name of a variable in its address."""
TURN = ("Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64",
        "Float", "Double", "String")  # fmt: skip
"""The types of the changing variables, as server.js says at its head."""


def held(n, generation, *, turn=TURN):
    """Tell what variable n holds in a generation, as server.js says at its head."""
    h, kind = (generation + n) % 120, turn[n % len(turn)]
    if kind == "Boolean":
        return h % 2 == 1
    if kind in {"Float", "Double"}:
        return h / 4
    return str(h) if kind == "String" else h


def install():
    """Install node-opcua from the lock file, once; without npm the test fails or is skipped."""
    need("node")
    npm = need("npm")
    lock = (SOURCE / "package-lock.json").read_bytes()
    mark = INSTALLED / "installed"
    if mark.is_file() and mark.read_bytes() == lock:
        return MODULES
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, INSTALLED / name)
    done = subprocess.run(
        [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=INSTALLED, capture_output=True, check=False, text=True, timeout=INSTALL_S,
    )  # fmt: skip
    if done.returncode:
        missing(f"node-opcua cannot be installed: {done.stderr.strip()[-600:]}")
    mark.write_bytes(lock)
    return MODULES


class NodeServer(PeerServer):
    """node-opcua's server; the options are those of server.js."""

    def __init__(self, *options, pki=INSTALLED / "pki"):
        """Prepare it; its certificates are kept, since making them takes seconds."""
        command = [need("node"), SOURCE / "server.js", "--pki", pki]
        super().__init__(command, *options, environment={"NODE_PATH": str(install())})
