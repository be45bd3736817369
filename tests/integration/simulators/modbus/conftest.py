"""Buses with the known pattern, on both kinds of loop."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from simulators.modbus.bus import Bus
from simulators.modbus.images import PatternImage
from simulators.modbus.moods import Temper
from simulators.modbus.units import Unit


def pytest_asyncio_loop_factories():
    """Run every test of this folder that needs a loop on both kinds of loop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def make_bus():
    """Give a maker of buses: units by number, all else as `Bus` and `Unit` take it."""

    def make(*numbers, framing="tcp", moods=(), timing=None, **settings):
        units = {n: Unit(PatternImage(n), **settings) for n in numbers or (1,)}
        return Bus(units, framing=framing, temper=Temper(moods), timing=timing)

    return make
