"""Alarms of simulated machines: each begins and ends once, and needs machines to have any."""

from __future__ import annotations

import argparse

import pytest

from simulators.opcua.alarms import Conditions
from simulators.opcua.clock import DeviceClock
from simulators.opcua.companion import Companion
from simulators.opcua.program import run


class Device:
    """As much of a device as conditions need."""

    def __init__(self):
        self.clock = DeviceClock()
        self.sent = []

    async def emit(self, event):
        self.sent.append(event)


async def test_a_condition_holds_until_it_ends():
    """What begins holds, beginning again changes nothing, and an end that was is no second one."""
    device, conditions = Device(), Conditions(["L1", "V1"])
    await conditions.change(device, "L1", 7, active=True)
    await conditions.change(device, "L1", 7, active=True)
    await conditions.change(device, "V1", 9, active=True)
    assert conditions.active == [("L1", 7), ("V1", 9)]
    await conditions.change(device, "L1", 7, active=False)
    await conditions.change(device, "L1", 7, active=False)
    assert conditions.active == [("V1", 9)]
    assert device.sent == []  # no server runs, and nobody is told


async def test_machines_raise_conditions_as_their_alarms_change():
    """While simulated time passes, each alarm a machine shows is the one condition that holds."""
    device, shop = Device(), Companion.cnc_shop(seed=3, count=2, conditions=True)

    async def write(identifier, value, *, time_ns):
        del identifier, value, time_ns

    device.write = write
    seen = set()
    for _ in range(400):
        await shop.advance(device, 30.0, time_ns=1)
        shown = {(name, m["alarm.code"]) for name, m in shop.metrics.items() if m["alarm.code"]}
        assert set(shop.conditions.active) == shown
        seen |= shown
    assert seen


async def test_alarms_need_machines():
    """The counting server has no machines, so it can have no alarms: told, not ignored."""
    from agent.cli.arguments import Parser
    from agent.cli.simulate import add_arguments

    parser = Parser(prog="simulate", lang="en")
    add_arguments(parser)
    args = parser.parse_args(["opcua", "--alarms", "--port", "0"])
    assert isinstance(args, argparse.Namespace)
    with pytest.raises(ValueError, match="--alarms"):
        await run(args, None)
