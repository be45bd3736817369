"""Looks out for the return of a broker between two attempts to connect.

An attempt is a name look-up, TLS and a login; its pauses grow, so that thousands of gateways do not
storm a platform. A look is a bare TCP connect, closed at once. Only a broker that refused one look
and takes the next has returned: then the attempt comes before its time. Guarantees that a pause
never becomes longer, and that a return which does not last brings no early attempt in the pause
after it. It never looks up a name, and sends nothing over what it opens.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from agent.config.destination import Destination

LOOK_TIMEOUT_S: Final = 3.0
"""A look takes no longer; over a link that needs more, the next attempt finds the broker."""
FAR_LOOKS: Final = 60
"""Looks at a broker beyond a router become rarer: so many in as long as it has been away."""
FAR_SPREAD: Final = 0.1
"""Attempts at a broker beyond a router are spread over this share of the time it was away."""
FAR_SPREAD_LEAST_S: Final = 3.0
"""Over so long, at least: a platform that restarts in seconds finds all its gateways waiting."""
LASTING_S: Final = 60.0
"""A connection that lasted this long was no brief flicker of its broker."""
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}

Address = tuple[Any, ...]
"""Of a socket, the IP address first, the port second; never a name."""


class Lookout:
    """One destination's; it is told of connections, and every pause is made with it."""

    def __init__(self, settings: Destination) -> None:
        self._every_s = settings.probe_s
        self._most_s = settings.reconnect_max_s
        self._address = literal_address(settings.url)
        self._away_s = time.monotonic()
        self._refused = False
        """Whether the last look found nobody: only then is the next that does news."""
        self._trusted = True
        """Whether an early attempt may be made: the one before was not in vain."""

    def connected(self, address: Address | None) -> None:
        """Take note of where the broker was found; None where that is not known."""
        self._address = address or self._address
        self._refused = False

    def lost(self, *, lasted_s: float) -> None:
        """Take note that the connection ended: the broker is away from now on."""
        self._away_s = time.monotonic()
        self._trusted = self._trusted or lasted_s >= LASTING_S

    async def pause(self, pause_s: float) -> None:
        """Sleep so long, or until shortly after the broker has returned."""
        end_s = time.monotonic() + pause_s
        if self._trusted and self._address is not None and self._every_s:
            near = is_near(self._address)
            if await self._returns(self._address, end_s, near=near):
                self._refused = self._trusted = False
                most_s = 0.0 if near else spread_s(self._gone_s, most_s=self._most_s)
                await asyncio.sleep(min(random.uniform(0.0, most_s), left_s(end_s)))  # noqa: S311 - spreads gateways, guards nothing
                return
        await asyncio.sleep(left_s(end_s))
        self._trusted = True

    async def _returns(self, address: Address, end_s: float, *, near: bool) -> bool:
        """Look now and then until the pause is over; tell whether the broker returned meanwhile."""
        while True:
            every_s = self._every_s if near else look_every_s(self._gone_s, least_s=self._every_s)
            wait_s = every_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads looks, guards nothing
            if wait_s >= left_s(end_s):
                return False
            await asyncio.sleep(wait_s)
            if await takes_connections(address, min(LOOK_TIMEOUT_S, left_s(end_s))):
                return self._refused  # who listens all the while and refuses us has not returned
            if not left_s(end_s):
                return False  # cut short: nothing was refused
            self._refused = True

    @property
    def _gone_s(self) -> float:
        return time.monotonic() - self._away_s


def look_every_s(gone_s: float, *, least_s: float) -> float:
    """Give how often to look for a broker beyond a router that has been away so long."""
    return max(least_s, gone_s / FAR_LOOKS)


def spread_s(gone_s: float, *, most_s: float) -> float:
    """Give over how long attempts are spread at a broker beyond a router that returned."""
    return min(most_s, max(FAR_SPREAD_LEAST_S, gone_s * FAR_SPREAD))


def left_s(end_s: float) -> float:
    """Give how long it is until a monotonic time, 0 when it is over."""
    return max(0.0, end_s - time.monotonic())


def literal_address(url: str) -> Address | None:
    """Give the address that a broker's URL holds; None for a name."""
    parts = urlsplit(url)
    try:
        host = str(ip_address(parts.hostname or ""))
        return host, parts.port or _PORTS[parts.scheme]
    except ValueError:
        return None


async def takes_connections(address: Address, within_s: float) -> bool:
    """Tell whether somebody takes a TCP connection there; it is closed at once.

    What this machine itself refuses, a socket more or a family of addresses, is nobody found.
    """
    try:
        with socket.socket(_family(address), socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            async with asyncio.timeout(within_s):
                await asyncio.get_running_loop().sock_connect(sock, address)
    except OSError:  # TimeoutError is one
        return False
    return True


def is_near(address: Address) -> bool:
    """Tell whether an address is on this machine or in its own network, with no router between.

    Who can be reached so serves a plant; a private address alone may be a province's own network.
    """
    found = ip_address(address[0])
    if found.is_loopback or found.is_link_local:
        return True
    try:
        with socket.socket(_family(address), socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
            sock.connect(address)  # chooses a way and sends nothing
    except OSError:
        return False
    return found.version == 4  # IP 6 does not heed the option


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET
