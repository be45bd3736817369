"""Counting sources for benchmarks: every value changes at each interval, and says so itself.

Value n of generation g is g + n (Modbus: modulo 65536), so a reader can tell from any one value
which generation it saw, from several whether an answer mixes two, and from a series what it missed.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from simulators.board import Held
from simulators.points import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.opcua_server import OpcuaServer

COUNTER = "COUNTER"
"""Machine id under which counting variables stand."""


class CountingMap:
    """A bank for benchmarks: `size` holding registers that all change at once, each interval.

    Register a of generation g holds (g + a) mod 65536: a reader can tell which generation it saw,
    and whether one answer mixes two. Nothing is computed while nobody reads.
    """

    def __init__(self, size: int, *, interval_s: float, clock: Callable[[], float]) -> None:
        """Count generations of `interval_s` on a clock that gives seconds."""
        self._size = size
        self._interval_s = interval_s
        self._clock = clock
        self._start_s = clock()
        self._held_generation = -1
        self._cells: list[int] = []

    @property
    def generation(self) -> int:
        """Number of the generation held now, from 0."""
        return int((self._clock() - self._start_s) / self._interval_s)

    def runs(self, table: str) -> list[tuple[int, int]]:
        """List the existing addresses: 0 to size - 1 of the holding registers."""
        return [(0, self._size)] if table == "hr" else []

    def read(self, table: str, start: int, count: int) -> Sequence[int]:
        """Give `count` registers of the generation held now.

        Raises:
            KeyError: one of them does not exist.
        """
        if table != "hr" or start + count > self._size:
            raise KeyError(start + count)
        generation = self.generation
        if generation != self._held_generation:
            self._held_generation = generation
            self._cells = [(generation + address) & 0xFFFF for address in range(self._size)]
        return self._cells[start : start + count]


def counting_points(size: int) -> tuple[Point, ...]:
    """Give `size` OPC UA points `COUNTER.V0` to `COUNTER.V<size - 1>`, 32-bit integers."""
    return tuple(
        Point(f"v{n}", f"V{n}", "uint32", f"计数 {n}", f"Counter {n}") for n in range(size)
    )


async def count(server: OpcuaServer, size: int, *, interval_s: float) -> None:
    """Write generation after generation to the counting points, for ever, at even times."""
    loop = asyncio.get_running_loop()
    names = [f"v{n}" for n in range(size)]
    generation = 0
    due_s = loop.time()
    while True:
        now_ns = time.time_ns() // 1_000 * 1_000
        await server.write(
            COUNTER, {name: Held(generation + n, now_ns) for n, name in enumerate(names)}
        )
        await server.tick(now_ns)
        generation += 1
        due_s = max(due_s + interval_s, loop.time())
        await asyncio.sleep(due_s - loop.time())
