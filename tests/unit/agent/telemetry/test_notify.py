from __future__ import annotations

import asyncio
import os
import socket

import pytest

from agent.telemetry.notify import Notifier, feed_watchdog


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path):
    """Listen where systemd would; gives the socket and the address it would announce."""
    name = str(tmp_path / "notify") if request.param == "path" else f"\0chulian-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name)
        listening.settimeout(5)
        yield listening, name.replace("\0", "@")


def test_every_state_arrives(systemd):
    """READY, RELOADING, STOPPING, WATCHDOG and STATUS arrive as datagrams of their own."""
    listening, address = systemd
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
    assert notifier.ready("7 devices")
    assert notifier.watchdog()
    assert notifier.status("6 台在线\nREADY=0")
    assert notifier.reloading()
    assert notifier.stopping()
    got = [listening.recv(4096).decode() for _ in range(5)]
    assert got[0] == "READY=1\nSTATUS=7 devices"
    assert got[1] == "WATCHDOG=1"
    assert got[2] == "STATUS=6 台在线 READY=0"
    assert got[3].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert got[4] == "STOPPING=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:1"}])
def test_without_systemd_nothing_happens(environment):
    """Outside systemd every call is a no-op."""
    notifier = Notifier.from_environment(environment)
    assert not notifier.ready()
    assert not notifier.watchdog()
    assert notifier.watchdog_s is None


def test_a_lost_socket_never_disturbs(tmp_path):
    """When systemd's socket is gone the call says False and raises nothing."""
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert not notifier.ready()


@pytest.mark.parametrize(
    ("variables", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_interval_is_read_for_this_process_only(variables, watchdog_s):
    """The watchdog counts only when it is meant for us and makes sense."""
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": "/run/x", **variables})
    assert notifier.watchdog_s == watchdog_s


async def test_the_watchdog_is_fed_only_while_there_is_progress(tmp_path, caplog):
    """Pings stop while a stage is stalled, the log says once which, and they come back."""
    stalled = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        notifier = Notifier(str(tmp_path / "notify"), watchdog_s=0.03)
        asked = asyncio.Queue()

        def names():
            asked.put_nowait(None)
            return stalled

        async with asyncio.timeout(5):
            feeding = asyncio.create_task(feed_watchdog(notifier, names))
            loop = asyncio.get_running_loop()
            assert await loop.sock_recv(listening, 100) == b"WATCHDOG=1"
            stalled.append("writer")
            await _rounds(asked, 2)
            _drain(listening)
            await _rounds(asked, 5)
            with pytest.raises(BlockingIOError):
                listening.recv(100)
            stalled.clear()
            assert await loop.sock_recv(listening, 100) == b"WATCHDOG=1"
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
    assert caplog.text.count("watchdog not fed: writer") == 1


async def test_without_a_watchdog_feeding_ends_at_once():
    """Where systemd wants no pings the task has nothing to do."""
    async with asyncio.timeout(1):
        await feed_watchdog(Notifier(), list)


async def _rounds(asked, count):
    while not asked.empty():
        asked.get_nowait()
    for _ in range(count):
        await asked.get()


def _drain(listening):
    try:
        while listening.recv(100):
            pass
    except BlockingIOError:
        return
