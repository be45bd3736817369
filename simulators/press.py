"""A hydraulic press under a PLC: mode, step, pressure, oil temperature, ram, strokes.

The stroke counter rises when the ram is back at the top after a stroke that held its pressure.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from simulators.machine import STEP_S, Machine, State, approach

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.machine import Value

_ALARM_EVERY_S = 500.0
_ALARM_OIL_HOT = 21
_ALARM_LIGHT_CURTAIN = 34
_PROGRAMS = ("P07-BUSHING", "P12-BRACKET")
_TOP_MM = 400.0
_BOTTOM_MM = 85.0
_AMBIENT_C = 24.0
_PUMP_W = 7_500.0


class Step(IntEnum):
    """Step of the press cycle, as its PLC counts them."""

    LOAD = 0
    CLOSE = 1
    PRESS = 2
    HOLD = 3
    OPEN = 4


_DURATION_S = {Step.LOAD: 5.0, Step.CLOSE: 2.5, Step.PRESS: 2.0, Step.HOLD: 3.5, Step.OPEN: 2.5}
_RAM_MM = {
    Step.LOAD: _TOP_MM,
    Step.CLOSE: _BOTTOM_MM + 20,
    Step.PRESS: _BOTTOM_MM,
    Step.HOLD: _BOTTOM_MM,
    Step.OPEN: _TOP_MM,
}
_PRESSURE_MPA = {Step.LOAD: 0.4, Step.CLOSE: 3.2, Step.PRESS: 16.0, Step.HOLD: 16.0, Step.OPEN: 2.1}


class Press(Machine):
    """One hydraulic press that strokes as long as somebody feeds it."""

    def __init__(self, machine_id: str, *, seed: int) -> None:
        super().__init__(machine_id, seed=seed)
        self.state = State.RUNNING
        self._switched_on = True
        self._step = Step.LOAD
        self._left_s = self.random.uniform(1, 5)
        self._program = self.random.choice(_PROGRAMS)
        self._until_setup = self.random.randint(10, 25)
        self._strokes = self.random.randint(10_000, 900_000)
        self._ram_mm = _TOP_MM
        self._pressure_mpa = 0.0
        self._oil_c = 41.0
        self._alarm_code = 0
        self._power_on_s = self.random.uniform(1e7, 5e7)
        self._operating_s = self._power_on_s * 0.6
        self._cycle_s = self._running_s = 0.0

    @property
    def power_w(self) -> float:
        """Pump and controls, in watts; 0 when off."""
        if self.state is State.OFF:
            return 0.0
        return 180.0 + _PUMP_W * (0.15 + 0.85 * self._pressure_mpa / 16.0)

    def switch(self, *, on: bool) -> None:
        """Throw the main switch; the stroke in work is lost."""
        self._switched_on = on
        if not on:
            self._stop(State.OFF, for_s=0)

    def step(self) -> None:
        """Stroke or stand; then let ram, pressure and oil follow."""
        if self.state is not State.OFF:
            self._power_on_s += STEP_S
        if self.state is State.RUNNING:
            self._stroke()
        else:
            self._wait()
        self._follow()

    def values(self) -> Mapping[str, Value]:
        """Give every metric the PLC shows."""
        return {
            "machine.state": int(self.state),
            "machine.mode": 1 if self.state in {State.RUNNING, State.IDLE} else 2,
            "machine.step": int(self._step),
            "alarm.code": self._alarm_code,
            "part.count": self._strokes,
            "time.power_on": int(self._power_on_s),
            "time.operating": int(self._operating_s),
            "time.cycle": round(self._cycle_s, 1),
            "pressure.hydraulic": self._pressure_mpa,
            "temperature.oil": round(self._oil_c, 1),
            "axis.z.position": self._ram_mm,
            "program.name": self._program,
            "pump.running": self.state is not State.OFF,
            "pump.contactor": self.state is not State.OFF,
            "alarm.active": self.state is State.ALARM,
            "guard.closed": self.state is State.RUNNING and self._step is not Step.LOAD,
        }

    def _stroke(self) -> None:
        self._operating_s += STEP_S
        self._running_s += STEP_S
        if self.random.random() < STEP_S / _ALARM_EVERY_S:
            self._alarm_code = self.random.choice((_ALARM_OIL_HOT, _ALARM_LIGHT_CURTAIN))
            self._stop(State.ALARM, for_s=self.random.uniform(8, 20))
            return
        self._left_s -= STEP_S
        if self._left_s > 0:
            return
        if self._step is Step.OPEN:
            self._complete()
        else:
            self._step = Step(self._step + 1)
            self._left_s = _DURATION_S[self._step]

    def _complete(self) -> None:
        self._strokes += 1
        self._cycle_s, self._running_s = self._running_s, 0.0
        self._step = Step.LOAD
        self._left_s = self.random.uniform(0.8, 1.4) * _DURATION_S[Step.LOAD]
        self._until_setup -= 1
        if self._until_setup <= 0:
            self._program = self.random.choice(_PROGRAMS)
            self._until_setup = self.random.randint(10, 25)
            self._stop(State.SETUP, for_s=self.random.uniform(15, 35))

    def _stop(self, state: State, *, for_s: float) -> None:
        self.state = state
        self._left_s = for_s
        self._step = Step.LOAD
        self._running_s = 0.0
        if state is not State.ALARM:
            self._alarm_code = 0

    def _wait(self) -> None:
        if not self._switched_on:
            return
        self._left_s -= STEP_S
        if self._left_s > 0:
            return
        if self.state is State.IDLE:
            self.state = State.RUNNING
            self._left_s = _DURATION_S[Step.LOAD]
        else:
            self._stop(State.IDLE, for_s=self.random.uniform(3, 8))

    def _follow(self) -> None:
        on = self.state is not State.OFF
        pressure = _PRESSURE_MPA[self._step] if self.state is State.RUNNING else 0.4 * on
        noise = 1 + self.random.gauss(0, 0.004)
        self._pressure_mpa = approach(self._pressure_mpa, pressure * noise, lag_s=0.5)
        self._ram_mm = approach(self._ram_mm, _RAM_MM[self._step], lag_s=0.7)
        warm = _AMBIENT_C + (24.0 if self.state is State.RUNNING else 14.0 * on)
        self._oil_c = approach(self._oil_c, warm, lag_s=240.0)
