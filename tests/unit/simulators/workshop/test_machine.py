"""The models: functions of seed and simulated time, and of nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.layout import build_machines
from simulators.machine import STEP_S, ManualMachine, Plant, approach

TOTAL_S = 90.0


def shop_after(portions, *, seed=7):
    machines = build_machines(seed)
    plant = Plant(machines.values())
    for portion in portions:
        plant.advance(portion)
    return {name: (machine.values(), machine.power_w) for name, machine in machines.items()}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12))
def test_cutting_time_differently_changes_nothing(weights):
    """The same total time gives the same values, however it was cut into portions."""
    whole = sum(weights) or 1
    portions = [TOTAL_S * weight / whole for weight in weights]
    rest = TOTAL_S - sum(portions)
    assert shop_after([*portions, max(0.0, rest) + 1e-6]) == shop_after([TOTAL_S + 1e-6])


def test_seed_decides():
    """Equal seeds live equal lives, other seeds other ones."""
    assert shop_after([TOTAL_S], seed=3) == shop_after([TOTAL_S], seed=3)
    assert shop_after([TOTAL_S], seed=3) != shop_after([TOTAL_S], seed=4)


def test_less_than_a_step_is_kept():
    """Time shorter than a step is not lost."""
    steps = []

    class Counting(ManualMachine):
        def step(self):
            steps.append(1)

    plant = Plant([Counting("X", seed=1, rated_w=1)])
    for _ in range(10):
        plant.advance(STEP_S / 10)
    assert len(steps) == 1


def test_time_does_not_run_backwards():
    """A negative portion is refused and named."""
    with pytest.raises(ValueError, match=r"elapsed_s=-1"):
        Plant([]).advance(-1)


def test_a_lag_settles_exactly():
    """A lag reaches its target and stays there, from both sides."""
    for start in (1000.0, -1000.0):
        value = start
        for _ in range(200):
            value = approach(value, 0.0, lag_s=1.0)
        assert value == 0.0


def test_manual_machine_tells_nothing_and_draws_power():
    """A machine without a controller has no values; its motor starts, stops, and can be cut off."""
    machine = ManualMachine("L6", seed=1, rated_w=7500)
    seen = []
    for _ in range(2000):
        machine.step()
        seen.append(machine.power_w)
    assert machine.values() == {}
    assert max(seen) > 3000
    assert min(seen[100:]) < 1500
    machine.switch(on=False)
    for _ in range(200):
        machine.step()
    assert machine.power_w == 0.0
