"""A broker at the far end of a cable of our own: a network namespace, and what can befall it.

Nothing here touches an address, a rule or a device that was there before: every fault is made
inside the namespace or on the two ends of the cable, and goes with it.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
from contextlib import asynccontextmanager, suppress

import pytest
from system.waiting import free_port, need, until

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("iptables") is None,
    reason="a network of one's own needs root, iproute2 and iptables; fallback: the rows with "
    "simulators.proxy (tests/system/test_outage.py, N4)",
)
CONFIG = """\
listener {port}
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1000
max_queued_messages 0
max_inflight_messages 100
user root
"""


class Cable:
    """Two cables to a namespace: `url` leads over the one that fails, `side_url` never does."""

    def __init__(self):
        name = f"chl{os.getpid() % 10_000}{random.randrange(36**2):x}"
        net = f"10.{random.randrange(200, 255)}.{random.randrange(255)}"
        self.name = name
        self.port = free_port()
        self._ends = {"link": (f"{name}l", f"{net}.1", f"{net}.2"),
                      "side": (f"{name}s", f"{net}.5", f"{net}.6")}  # fmt: skip

    @property
    def url(self):
        """The broker, over the cable that fails."""
        return f"mqtt://{self._ends['link'][2]}:{self.port}"

    @property
    def side_url(self):
        """The broker, over the cable that does not."""
        return f"mqtt://{self._ends['side'][2]}:{self.port}"

    @property
    def side_host(self):
        """The broker's address on the cable that does not fail."""
        return self._ends["side"][2]

    def lay(self):
        """Make the namespace and the cables."""
        _ip("netns", "add", self.name)
        for far, (near, near_ip, far_ip) in self._ends.items():
            _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", self.name)
            _ip("addr", "add", f"{near_ip}/30", "dev", near)
            self.inside("ip", "addr", "add", f"{far_ip}/30", "dev", far)
            _ip("link", "set", "dev", near, "up")
            self.inside("ip", "link", "set", "dev", far, "up")
        self.inside("ip", "link", "set", "dev", "lo", "up")

    def take_away(self):
        """Leave nothing behind; the cables go with the namespace."""
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)
        for near, *_ in self._ends.values():
            subprocess.run(["ip", "link", "del", near], capture_output=True, check=False)

    def pull(self):
        """Pull the cable out."""
        self.inside("ip", "link", "set", "dev", "link", "down")

    def plug(self):
        """Put it back."""
        self.inside("ip", "link", "set", "dev", "link", "up")

    def swallow(self, *chains, share=1.0):
        """Let packets vanish: INPUT to the broker, OUTPUT from it, all or a share at random."""
        chance = [] if share == 1 else ["-m", "statistic", "--mode", "random",
                                        "--probability", str(share)]  # fmt: skip
        for chain in chains:
            way = "-i" if chain == "INPUT" else "-o"
            self.inside("iptables", "-w", "-A", chain, way, "link", *chance, "-j", "DROP")

    def deliver(self):
        """Let every packet pass again."""
        self.inside("iptables", "-w", "-F")

    def narrow(self, bits_per_s):
        """Let only so much pass, in each direction."""
        limit = ["tbf", "rate", f"{bits_per_s}bit", "burst", "1600", "limit", "30000"]
        _run("tc", "qdisc", "add", "dev", self._ends["link"][0], "root", *limit)
        self.inside("tc", "qdisc", "add", "dev", "link", "root", *limit)

    def widen(self):
        """Let everything pass at full speed again."""
        _run("tc", "qdisc", "del", "dev", self._ends["link"][0], "root")
        self.inside("tc", "qdisc", "del", "dev", "link", "root")

    def inside(self, *words):
        """Run a command in the namespace."""
        _run("ip", "netns", "exec", self.name, *words)


@asynccontextmanager
async def cable(folder):
    """Give a cable with mosquitto at its end; both are gone afterwards."""
    laid = Cable()
    data, log = folder / "mosquitto", (folder / "mosquitto.log").open("ab")
    data.mkdir()
    conf = folder / "mosquitto.conf"
    conf.write_text(CONFIG.format(port=laid.port, folder=data), "utf-8")
    process = None
    try:
        laid.lay()
        process = subprocess.Popen(
            ["ip", "netns", "exec", laid.name, need("mosquitto"), "-c", conf],
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        await until(lambda: _listens(laid), within_s=10, what="mosquitto listens")
        yield laid
    finally:
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.wait, 10)
        log.close()
        laid.take_away()


def _listens(laid):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((laid.side_host, laid.port)) == 0


def _ip(*words):
    _run("ip", *words)


def _run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr}"
