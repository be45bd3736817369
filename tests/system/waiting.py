"""Waiting for a condition with a deadline, and finding what the machine must provide."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time

import pytest

POLL_S = 0.02


async def until(condition, *, within_s, what):
    """Poll until the condition gives something true, and give that; fail when time is over."""
    end_s = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > end_s:
            pytest.fail(f"not within {within_s} s: {what}")
        await asyncio.sleep(POLL_S)
    return found


async def passed(*, since_s, seconds):
    """Let time pass that is itself the load or the fault, as seen from a monotonic instant."""
    await asyncio.sleep(max(0.0, since_s + seconds - time.monotonic()))


def missing(why):
    """Fail for something that is not installed, or skip if that was asked for."""
    if os.environ.get("CHULIAN_SKIP_FOREIGN") == "1":
        pytest.skip(f"CHULIAN_SKIP_FOREIGN=1: {why}")
    pytest.fail(f"{why}\nrun `make peers` to install what the tests need", pytrace=False)


def need(program):
    """Find a program that `make peers` installs."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    return path or missing(f"{program} is not installed")


def free_port():
    """Give a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port):
    """Tell whether somebody accepts connections on a port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
