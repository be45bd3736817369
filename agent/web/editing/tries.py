"""How many wrong codes came of late, from each address and from all together.

One who guesses locks out his own address and nobody else's; all together try so few that no code
is found in its time. An IPv6 address counts by its network, of which one machine has every
address. Bounded; no I/O.
"""

from __future__ import annotations

from collections import deque
from ipaddress import AddressValueError, IPv6Address
from typing import Final

TRIES: Final = 5
"""So many wrong codes may come from one address within the window."""
ALL_TRIES: Final = 60
"""So many from all addresses."""
TRY_WINDOW_S: Final = 60.0
MOST_PEERS: Final = 256
"""Addresses that are remembered; the one that tried longest ago gives way."""

_NETWORK_BYTES: Final = 8


class Tries:
    """Wrong codes within the window."""

    def __init__(self) -> None:
        self._all: deque[float] = deque(maxlen=ALL_TRIES)
        self._of: dict[str, deque[float]] = {}

    def wait_s(self, peer: str, now_s: float) -> float:
        """Give how long an address has to wait until it may try again; 0: not at all."""
        return max(_wait_s(self._all, now_s), _wait_s(self._of.get(_network(peer)), now_s))

    def failed(self, peer: str, now_s: float) -> None:
        """Note a wrong code."""
        network = _network(peer)
        tries = self._of.pop(network, None) or deque[float](maxlen=TRIES)
        tries.append(now_s)
        self._of[network] = tries  # the last in order
        if len(self._of) > MOST_PEERS:
            del self._of[next(iter(self._of))]
        self._all.append(now_s)


def _wait_s(tries: deque[float] | None, now_s: float) -> float:
    if tries is None or len(tries) != tries.maxlen:
        return 0.0
    return max(0.0, tries[0] + TRY_WINDOW_S - now_s)


def _network(peer: str) -> str:
    """Give what counts as one address."""
    try:
        address = IPv6Address(peer)
    except AddressValueError:
        return peer
    mapped = address.ipv4_mapped
    return str(mapped) if mapped is not None else address.packed[:_NETWORK_BYTES].hex()
