"""A CNC lathe or mill: programs, spindle, feed, axes, tools, alarms, part and time counters.

The part counter rises at the end of a cycle that ran to its end and at no other time: an alarm
costs the part. Time counters only rise. A machine switched off holds its counters; its spindle runs
down, its feed and load with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.machine import STEP_S, Machine, State, approach

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.machine import Value

_ALARM_EVERY_S = 400.0
"""Mean time between alarms while running; far below a real machine's, so that one is seen."""
_ALARM_CODES = (301, 410, 506, 1002)
_BREAK_SHARE = 0.15
"""Share of batches after which the machine is switched off for a while."""


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch of a program: a straight move at one feed with one tool."""

    lines: int
    """Program lines the stretch covers."""
    duration_s: float
    """Seconds it takes at a feed override of 100 %."""
    tool: int
    spindle_rpm: float
    feed_mm_min: float
    load_pct: float
    """Spindle load of the cut; 0 where the move only positions."""
    to_mm: tuple[float, ...]
    """Where the move ends, one number per axis."""


@dataclass(frozen=True, slots=True)
class Program:
    """A part program as the controller shows it."""

    name: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class CncModel:
    """What distinguishes one type of CNC machine from another."""

    axes: tuple[str, ...]
    home_mm: tuple[float, ...]
    rated_w: float
    """Spindle power at 100 % load."""
    standby_w: float
    """Power of controller, drives and coolant while switched on."""
    programs: tuple[Program, ...]


LATHE = CncModel(
    axes=("x", "z"),
    home_mm=(200.0, 350.0),
    rated_w=11_000,
    standby_w=650,
    programs=(
        Program(
            "O1001-SHAFT",
            (
                Block(6, 2.5, 1, 900, 12_000, 0, (62.0, 2.0)),
                Block(14, 11, 1, 1_200, 240, 58, (48.0, -85.0)),
                Block(3, 2, 3, 1_200, 12_000, 0, (50.0, 2.0)),
                Block(12, 9, 3, 1_800, 160, 32, (45.0, -85.0)),
                Block(5, 3, 5, 600, 900, 12, (30.0, -40.0)),
                Block(8, 6, 5, 600, 60, 41, (24.0, -44.0)),
                Block(2, 2.5, 1, 0, 12_000, 0, (200.0, 350.0)),
            ),
        ),
        Program(
            "O1042-FLANGE",
            (
                Block(5, 2.5, 2, 700, 12_000, 0, (152.0, 1.0)),
                Block(18, 14, 2, 700, 180, 66, (36.0, 0.0)),
                Block(10, 8, 4, 950, 120, 38, (120.0, -22.0)),
                Block(6, 5, 7, 1_400, 140, 22, (42.0, -30.0)),
                Block(2, 2.5, 2, 0, 12_000, 0, (200.0, 350.0)),
            ),
        ),
    ),
)
"""A two-axis lathe."""

MILL = CncModel(
    axes=("x", "y", "z"),
    home_mm=(0.0, 0.0, 480.0),
    rated_w=15_000,
    standby_w=900,
    programs=(
        Program(
            "O2001-HOUSING",
            (
                Block(5, 3, 1, 3_200, 15_000, 0, (60.0, 40.0, 12.0)),
                Block(22, 13, 1, 3_200, 1_100, 54, (340.0, 40.0, 6.0)),
                Block(24, 13, 1, 3_200, 1_100, 57, (340.0, 260.0, 6.0)),
                Block(4, 3, 4, 6_500, 15_000, 0, (70.0, 50.0, 20.0)),
                Block(30, 10, 4, 6_500, 850, 28, (330.0, 250.0, -8.0)),
                Block(12, 7, 9, 1_100, 180, 19, (200.0, 150.0, -25.0)),
                Block(3, 3, 1, 0, 15_000, 0, (0.0, 0.0, 480.0)),
            ),
        ),
        Program(
            "O2077-PLATE",
            (
                Block(4, 2.5, 2, 4_500, 15_000, 0, (20.0, 20.0, 10.0)),
                Block(26, 12, 2, 4_500, 1_600, 47, (420.0, 220.0, 2.0)),
                Block(16, 9, 6, 2_200, 260, 24, (380.0, 200.0, -18.0)),
                Block(8, 6, 8, 350, 350, 31, (380.0, 60.0, -16.0)),
                Block(3, 2.5, 2, 0, 15_000, 0, (0.0, 0.0, 480.0)),
            ),
        ),
    ),
)
"""A three-axis vertical machining centre."""


class Cnc(Machine):
    """One CNC machine that works through batches of parts."""

    def __init__(self, machine_id: str, *, seed: int, model: CncModel) -> None:
        super().__init__(machine_id, seed=seed)
        self.model = model
        self.state = State.IDLE
        self._switched_on = True
        self._left_s = self.random.uniform(1, 12)
        self._program = self.random.choice(model.programs)
        self._batch = self.random.randint(4, 10)
        self._done = 0
        self._override_pct = 100
        self._alarm_code = 0
        self._rewind()
        self._speed_rpm = self._feed_mm_min = self._load_pct = 0.0
        self._at_mm = model.home_mm
        self._cycle_s = 0.0
        self._parts = self.random.randint(1_000, 60_000)
        self._power_on_s = self.random.uniform(2e7, 9e7)
        self._operating_s = self._power_on_s * 0.55
        self._cutting_s = self._power_on_s * 0.38

    @property
    def power_w(self) -> float:
        """Standby plus the spindle's share, in watts; 0 when off."""
        if self.state is State.OFF:
            return 0.0
        return self.model.standby_w + self.model.rated_w * self._load_pct / 100

    def switch(self, *, on: bool) -> None:
        """Throw the main switch; the part in work is lost."""
        self._switched_on = on
        if not on:
            self._stop(State.OFF, for_s=0)

    def step(self) -> None:
        """Work, wait, or stand still; then let spindle, feed and load follow."""
        if self.state is not State.OFF:
            self._power_on_s += STEP_S
        if self.state is State.RUNNING:
            self._run()
        else:
            self._wait()
        self._follow()

    def values(self) -> Mapping[str, Value]:
        """Give every metric of the controller."""
        auto = self.state in {State.RUNNING, State.IDLE}
        axes = zip(self.model.axes, self._at_mm, strict=True)
        return {
            "machine.state": int(self.state),
            "machine.mode": "auto" if auto else "manual",
            "program.name": self._program.name,
            "program.line": self._line(),
            "spindle.speed": round(self._speed_rpm, 1),
            "spindle.speed_cmd": self._commanded_rpm(),
            "spindle.load": round(self._load_pct, 1),
            "feed.rate": round(self._feed_mm_min, 1),
            "feed.override": self._override_pct,
            "part.count": self._parts,
            "part.target": self._batch,
            "tool.number": self._block.tool,
            "alarm.active": self.state is State.ALARM,
            "alarm.code": self._alarm_code,
            "time.power_on": int(self._power_on_s),
            "time.operating": int(self._operating_s),
            "time.cutting": int(self._cutting_s),
            "time.cycle": round(self._cycle_s, 1),
            **{f"axis.{name}.position": round(at, 3) for name, at in axes},
        }

    @property
    def _block(self) -> Block:
        return self._program.blocks[self._index]

    def _rewind(self) -> None:
        self._index = 0
        self._into_s = 0.0
        self._from_mm = self.model.home_mm
        self._running_s = 0.0

    def _run(self) -> None:
        self._operating_s += STEP_S
        self._running_s += STEP_S
        if self._block.load_pct:
            self._cutting_s += STEP_S
        if self.random.random() < STEP_S / _ALARM_EVERY_S:
            self._alarm_code = self.random.choice(_ALARM_CODES)
            self._stop(State.ALARM, for_s=self.random.uniform(8, 25))
            return
        self._into_s += STEP_S * self._override_pct / 100
        self._at_mm = self._position()
        if self._into_s >= self._block.duration_s:
            self._next_block()

    def _next_block(self) -> None:
        self._from_mm = self._at_mm = self._block.to_mm
        self._into_s = 0.0
        if self._index + 1 < len(self._program.blocks):
            self._index += 1
            return
        self._parts += 1
        self._done += 1
        self._cycle_s = self._running_s
        if self._done >= self._batch:
            self._stop(State.SETUP, for_s=self.random.uniform(15, 40))
        else:
            self._stop(State.IDLE, for_s=self.random.uniform(6, 15))

    def _stop(self, state: State, *, for_s: float) -> None:
        self.state = state
        self._left_s = for_s
        if state is not State.ALARM:
            self._alarm_code = 0
            self._rewind()
            self._at_mm = self.model.home_mm

    def _wait(self) -> None:
        if not self._switched_on:
            return
        self._left_s -= STEP_S
        if self._left_s > 0:
            return
        if self.state is State.IDLE:
            self._override_pct = self.random.choice((100, 100, 100, 100, 90, 80, 110))
            self.state = State.RUNNING
        elif self.state is State.SETUP:
            self._change_over()
        else:
            self._stop(State.IDLE, for_s=self.random.uniform(3, 8))

    def _change_over(self) -> None:
        self._program = self.random.choice(self.model.programs)
        self._batch = self.random.randint(4, 10)
        self._done = 0
        rest = self.random.random() < _BREAK_SHARE
        self._stop(State.OFF if rest else State.IDLE, for_s=self.random.uniform(10, 30))

    def _follow(self) -> None:
        running = self.state is State.RUNNING
        block = self._block
        noise = 1 + self.random.gauss(0, 0.002)
        rpm = self._commanded_rpm()
        self._speed_rpm = approach(self._speed_rpm, rpm * noise, lag_s=0.6)
        feed = block.feed_mm_min * self._override_pct / 100 if running else 0.0
        self._feed_mm_min = approach(self._feed_mm_min, feed, lag_s=0.3)
        load = (block.load_pct or 4.0) * (1 + self.random.gauss(0, 0.03)) if rpm else 0.0
        self._load_pct = min(150.0, max(0.0, approach(self._load_pct, load, lag_s=0.5)))

    def _commanded_rpm(self) -> float:
        return self._block.spindle_rpm if self.state is State.RUNNING else 0.0

    def _share(self) -> float:
        return min(1.0, self._into_s / self._block.duration_s)

    def _position(self) -> tuple[float, ...]:
        share = self._share()
        ends = zip(self._from_mm, self._block.to_mm, strict=True)
        return tuple(start + (end - start) * share for start, end in ends)

    def _line(self) -> int:
        before = sum(block.lines for block in self._program.blocks[: self._index])
        return before + int(self._share() * (self._block.lines - 1)) + 1
