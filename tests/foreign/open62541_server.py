"""open62541's server (tests/peers), installed once, and what its variables hold.

No Debian package holds the library; the wheel that does also holds its maker's terms: it runs for
ten minutes at a time. It is installed into an environment of its own, from a lock file.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from foreign.node_server import held as held_by
from foreign.peer_server import CACHE, SOURCES, PeerServer
from system.waiting import missing

SOURCE = SOURCES / "open62541"
INSTALLED = CACHE / "open62541"
INSTALL_S = 200
NODES = "nsu=urn:chulian:peer:open62541;s="
"""What stands before the name of a variable in its address."""
TURN = ("Boolean", "Int16", "UInt32", "Int64", "Float", "Double", "String")
"""The types of the changing variables, as server.py says."""
held = partial(held_by, turn=TURN)


def install():
    """Install the wheel from the lock file, once; gives the interpreter that has it."""
    lock = (SOURCE / "requirements.txt").read_bytes()
    mark, python = INSTALLED / "installed", INSTALLED / "bin" / "python"
    if mark.is_file() and mark.read_bytes() == lock:
        return python
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", INSTALLED],
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--require-hashes",
         "--only-binary=:all:", "--requirement", SOURCE / "requirements.txt"],
    ):  # fmt: skip
        done = subprocess.run(
            list(map(str, command)), capture_output=True, check=False, text=True, timeout=INSTALL_S
        )
        if done.returncode:
            missing(f"open62541 cannot be installed: {done.stderr.strip()[-600:]}")
    mark.write_bytes(lock)
    return python


class Open62541Server(PeerServer):
    """open62541's server; the options are those of server.py."""

    def __init__(self, *options):
        """Prepare it."""
        super().__init__([install(), SOURCE / "server.py"], *options)
