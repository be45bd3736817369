"""The machine as a model: simulated time goes in, physical values come out.

Guarantees: a model is a function of its seed and of how much simulated time it was given, never of
how that time was cut into portions, and never of a wall clock. Nothing here knows a protocol.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntEnum
from random import Random
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Value: TypeAlias = bool | int | float | str
"""A physical value of a metric, in the metric's unit."""

STEP_S = 0.25
"""Simulated seconds of one step; short against the lag of a spindle (about 1 s)."""

_STEP_NS = round(STEP_S * 1e9)


class State(IntEnum):
    """The raw state word of every simulated machine; the reader's state map gives it a meaning."""

    OFF = 0
    IDLE = 1
    RUNNING = 2
    ALARM = 3
    SETUP = 4


class Machine(ABC):
    """A machine that lives in simulated time and draws electrical power."""

    def __init__(self, machine_id: str, *, seed: int) -> None:
        self.id = machine_id
        """Number of the machine in the shop, such as `L1`."""
        self.random = Random(f"{seed}/{machine_id}")

    @property
    @abstractmethod
    def power_w(self) -> float:
        """Active power drawn now, in watts, never negative."""

    @abstractmethod
    def step(self) -> None:
        """Advance by `STEP_S` simulated seconds."""

    @abstractmethod
    def values(self) -> Mapping[str, Value]:
        """Give the value of every metric now, by metric name; empty if it tells nothing."""

    @abstractmethod
    def switch(self, *, on: bool) -> None:
        """Throw the main switch; a machine switched off stays off until switched on."""


class Plant:
    """Machines that share one simulated clock and are stepped together, in the order given.

    Put meters after what they measure: a step then measures that very step.
    """

    def __init__(self, machines: Iterable[Machine]) -> None:
        self.machines = tuple(machines)
        self._owed_ns = 0

    def advance(self, elapsed_s: float) -> None:
        """Let `elapsed_s` simulated seconds pass; what is less than a step is kept for later."""
        if elapsed_s < 0:
            raise ValueError(f"simulated time cannot run backwards: elapsed_s={elapsed_s}")
        self._owed_ns += round(elapsed_s * 1e9)
        while self._owed_ns >= _STEP_NS:
            self._owed_ns -= _STEP_NS
            for machine in self.machines:
                machine.step()


def approach(value: float, target: float, *, lag_s: float) -> float:
    """Move a value towards its target for one step of a first-order lag; settles exactly."""
    if abs(target - value) <= 1e-3 * max(1.0, abs(target)):
        return target
    return value + (target - value) * min(1.0, STEP_S / lag_s)


class ManualMachine(Machine):
    """A machine with no controller at all: a motor somebody starts and stops.

    It tells nothing; only a meter in its feeder sees it.
    """

    def __init__(self, machine_id: str, *, seed: int, rated_w: float) -> None:
        super().__init__(machine_id, seed=seed)
        self._rated_w = rated_w
        self._switched_on = True
        self._cutting = False
        self._left_s = self.random.uniform(2, 20)
        self._power_w = 0.0

    @property
    def power_w(self) -> float:
        """Active power of the motor, in watts."""
        return self._power_w

    def step(self) -> None:
        """Cut, pause, cut again."""
        self._left_s -= STEP_S
        if self._left_s <= 0:
            self._cutting = not self._cutting
            self._left_s = self.random.uniform(15, 60) if self._cutting else self._pause_s()
        target = self._rated_w * (self.random.uniform(0.45, 0.75) if self._cutting else 0.08)
        self._power_w = approach(self._power_w, target if self._switched_on else 0.0, lag_s=1.0)

    def values(self) -> Mapping[str, Value]:
        """Nothing: there is no controller to ask."""
        return {}

    def switch(self, *, on: bool) -> None:
        """Throw the main switch."""
        self._switched_on = on

    def _pause_s(self) -> float:
        return self.random.uniform(8, 30)
