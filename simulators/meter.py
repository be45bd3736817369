"""A three-phase energy meter in a feeder: voltages, currents, power, energy.

The energy register only rises, and rises by exactly what the loads it measures have drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.machine import STEP_S, Machine, approach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulators.machine import Value

_NOMINAL_V = 230.0
_POWER_FACTOR = 0.87
_PHASE_SHARE = (0.345, 0.33, 0.325)
"""Share of each phase; machines are never quite balanced."""


class EnergyMeter(Machine):
    """One meter; its loads are stepped by their plant, before it."""

    def __init__(self, machine_id: str, *, seed: int, loads: Iterable[Machine]) -> None:
        super().__init__(machine_id, seed=seed)
        self.loads = tuple(loads)
        self._energized = True
        self._drawn_w = 0.0
        self._energy_ws = self.random.uniform(4_000, 90_000) * 3.6e6
        self._volts = [_NOMINAL_V] * 3
        self._hertz = 50.0

    @property
    def power_w(self) -> float:
        """What the meter itself draws: nothing that counts."""
        return 0.0

    def switch(self, *, on: bool) -> None:
        """Put the feeder on or off; without it the meter measures nothing and holds its energy."""
        self._energized = on

    def step(self) -> None:
        """Measure one step of the loads."""
        self._drawn_w = sum(load.power_w for load in self.loads) if self._energized else 0.0
        self._energy_ws += self._drawn_w * STEP_S
        for phase in range(3):
            target = _NOMINAL_V + self.random.gauss(0, 2.5) if self._energized else 0.0
            self._volts[phase] = approach(self._volts[phase], target, lag_s=5.0)
        self._hertz = 50.0 + self.random.gauss(0, 0.01) if self._energized else 0.0

    def values(self) -> Mapping[str, Value]:
        """Give every metric of the display; power in kW, energy in kWh."""
        return {
            **{f"voltage.l{n}": volts for n, volts in enumerate(self._volts, start=1)},
            **{f"current.l{n}": self._amperes(n - 1) for n in (1, 2, 3)},
            "power.active": self._drawn_w / 1e3,
            "power.factor": _POWER_FACTOR if self._drawn_w else 1.0,
            "grid.frequency": self._hertz,
            "energy.total": self._energy_ws / 3.6e6,
            "energy.import": self._energy_ws / 3.6e6,
        }

    def _amperes(self, phase: int) -> float:
        volts = self._volts[phase]
        return self._drawn_w * _PHASE_SHARE[phase] / (volts * _POWER_FACTOR) if volts > 1 else 0.0
