"""The press under its PLC, and the meters."""

from itertools import pairwise

import pytest

from simulators.layout import build_machines
from simulators.machine import STEP_S, Plant, State
from simulators.meter import EnergyMeter
from simulators.points import METER_POINTS
from simulators.press import Press


class Load:
    """A load of a fixed power."""

    def __init__(self, watts):
        self.power_w = watts


def test_press_strokes():
    """Strokes rise one at a time, each after a run of full pressure."""
    press = Press("P1", seed=3)
    seen = []
    for _ in range(8000):
        press.step()
        seen.append(press.values())
    rises = [after["part.count"] - before["part.count"] for before, after in pairwise(seen)]
    assert set(rises) == {0, 1}
    first, second = [at for at, rise in enumerate(rises) if rise][:2]
    assert max(values["pressure.hydraulic"] for values in seen[first:second]) > 14
    assert {values["machine.state"] for values in seen} >= {State.RUNNING, State.SETUP, State.IDLE}
    assert all(20 < values["temperature.oil"] < 60 for values in seen)


def test_press_switched_off():
    """Without power the pressure is gone and the state says off, until it is switched on."""
    press = Press("P1", seed=3)
    press.switch(on=False)
    for _ in range(200):
        press.step()
    assert press.values()["machine.state"] == State.OFF
    assert press.values()["pressure.hydraulic"] == 0
    assert press.power_w == 0
    press.switch(on=True)
    for _ in range(60):
        press.step()
    assert press.state is not State.OFF


def test_energy_is_the_integral_of_power():
    """An hour at 7.2 kW adds 7.2 kWh."""
    meter = EnergyMeter("M", seed=1, loads=[Load(5000.0), Load(2200.0)])
    before = meter.values()["energy.total"]
    for _ in range(round(3600 / STEP_S)):
        meter.step()
    values = meter.values()
    assert values["energy.total"] - before == pytest.approx(7.2)
    assert values["power.active"] == pytest.approx(7.2)


def test_phase_currents_carry_the_power():
    """Voltage x current x power factor over three phases is the power shown."""
    meter = EnergyMeter("M", seed=1, loads=[Load(9000.0)])
    for _ in range(40):
        meter.step()
    values = meter.values()
    watts = sum(
        values[f"voltage.l{n}"] * values[f"current.l{n}"] * values["power.factor"]
        for n in (1, 2, 3)
    )
    assert watts == pytest.approx(9000)


def test_dead_feeder_keeps_its_energy():
    """A feeder without power shows none and keeps its energy register."""
    meter = EnergyMeter("M", seed=1, loads=[Load(9000.0)])
    meter.step()
    meter.switch(on=False)
    before = meter.values()["energy.total"]
    for _ in range(400):
        meter.step()
    values = meter.values()
    assert values["energy.total"] == before
    assert values["power.active"] == 0
    assert values["voltage.l1"] == 0
    assert values["current.l1"] == 0


def test_energy_registers_never_fall():
    """Rounded to float32 and to whole 10 W h, the energy still only rises."""
    machines = build_machines(2)
    plant = Plant(machines.values())
    points = [point for point in METER_POINTS if point.metric.startswith("energy.")]
    last = dict.fromkeys((point.metric for point in points), 0.0)
    for _ in range(600):
        plant.advance(1)
        for point in points:
            raw = point.raw(machines["M0"].values()[point.metric])
            assert raw >= last[point.metric]
            last[point.metric] = raw


def test_main_meter_sees_everything():
    """The main meter shows the sum of all machines, readable or not."""
    machines = build_machines(2)
    Plant(machines.values()).advance(60)
    loads = sum(machine.power_w for machine in machines.values())
    assert machines["M0"].values()["power.active"] == pytest.approx(loads / 1e3)
    assert machines["L5-meter"].values()["power.active"] == machines["L5"].power_w / 1e3
