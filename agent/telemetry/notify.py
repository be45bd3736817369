"""Tell systemd that the agent is ready, alive and stopping: the client half of `sd_notify(3)`.

Datagrams go to the socket that `NOTIFY_SOCKET` names, a path or an abstract name. Without that
variable every call is free and does nothing. A message that cannot be sent never disturbs the
agent: systemd is then the one that notices. It never pings from a bare timer: `feed_watchdog` asks
before each ping whether any stage stands still.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_log = logging.getLogger("chulian.notify")

PINGS_PER_INTERVAL = 3
"""Two pings may be late before systemd acts. Source: sd_watchdog_enabled(3) asks for at least 2."""


@dataclass(frozen=True, slots=True)
class Notifier:
    """The way to systemd; with an empty address nothing is sent."""

    address: str = ""
    """Socket to send to: a path, or an abstract name that starts with `@`."""
    watchdog_s: float | None = None
    """Seconds within which systemd wants a ping; None when it wants none."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Notifier:
        """Read `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; ignores what is malformed."""
        variables = os.environ if environment is None else environment
        address = variables.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        return cls(address, _watchdog_s(variables))

    def ready(self, text: str = "") -> bool:
        """Say that start-up is over; gives whether the message was sent, as do all below."""
        return self._send("READY=1", text)

    def reloading(self) -> bool:
        """Say that the configuration is being read again; `ready` ends it."""
        return self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, text: str = "") -> bool:
        """Say that the agent is on its way out."""
        return self._send("STOPPING=1", text)

    def watchdog(self) -> bool:
        """Say that the agent makes progress."""
        return self._send("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """Set the one line that `systemctl status` shows."""
        return self._send("", text)

    def _send(self, state: str, text: str = "") -> bool:
        if not self.address:
            return False
        lines = [state] if state else []
        if text:
            lines.append("STATUS=" + " ".join(text.split()))
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
                unix.setblocking(False)
                unix.sendto("\n".join(lines).encode(), name)
        except OSError as error:
            _log.debug("systemd cannot be told: %s", error)
            return False
        return True


async def feed_watchdog(notifier: Notifier, stalled: Callable[[], Sequence[str]]) -> None:
    """Ping the watchdog for as long as no stage is stalled; runs until cancelled.

    `stalled` names the stages that make no progress. While it names any, nothing is sent, and
    systemd restarts the agent when its interval is over.
    """
    if notifier.watchdog_s is None:
        return
    silent = False
    while True:
        names = stalled()
        if not names:
            notifier.watchdog()
        elif not silent:
            _log.error("no progress, watchdog not fed: %s", ", ".join(names))
        silent = bool(names)
        await asyncio.sleep(notifier.watchdog_s / PINGS_PER_INTERVAL)


def _watchdog_s(variables: Mapping[str, str]) -> float | None:
    pid, usec = variables.get("WATCHDOG_PID", ""), variables.get("WATCHDOG_USEC", "")
    if pid and pid != str(os.getpid()):
        return None
    return int(usec) / 1e6 if usec.isascii() and usec.isdigit() and int(usec) else None
