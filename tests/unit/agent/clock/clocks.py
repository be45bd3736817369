"""A wall clock and a time since boot that move only when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.clock.clock import Clock

S = 1_000_000_000
GENUINE_NS = int(datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()) * S
"""The true time at the boot."""


class Quartz:
    """Hands out a `Clock`; `set` steps the wall clock, `run` lets time pass."""

    def __init__(self, *, at_ns=GENUINE_NS, up_s=1000):
        self.up_ns = up_s * S
        self.offset_ns = at_ns - self.up_ns
        self.synchronised = False

    @property
    def wall_ns(self):
        return self.up_ns + self.offset_ns

    def run(self, seconds):
        self.up_ns += round(seconds * S)

    def step(self, seconds):
        self.offset_ns += round(seconds * S)

    def clock(self, *, boot="this boot"):
        return Clock(
            synchronised=lambda: self.synchronised,
            wall_ns=lambda: self.wall_ns,
            boot_ns=lambda: self.up_ns,
            boot=boot,
        )
