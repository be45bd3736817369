"""A unit answers in order, whatever moment a timer counts from."""

from __future__ import annotations

import asyncio
import time

import pytest
import uvloop

from simulators.modbus.bus import Bus
from simulators.modbus.images import PatternImage
from simulators.modbus.moods import Temper
from simulators.modbus.units import Unit


class Kept:
    """A conversation that keeps what is written."""

    is_open = True
    opened_s = 0.0

    def __init__(self):
        self.written = []

    def write(self, content):
        self.written.append(content)


def request(transaction, count):
    return bytes.fromhex(f"{transaction:04x}0000000601030000{count:04x}")


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("busy_s", [0.0, 0.004, 0.02])
def test_a_late_answer_comes_before_what_was_asked_after_it(loop, busy_s):
    """The second answer waits for the late first, though its timer may fire sooner."""
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(ask_in_order(busy_s))


async def ask_in_order(busy_s):
    temper = Temper(["late:0.03"])
    bus, kept = Bus({1: Unit(PatternImage(1))}, temper=temper), Kept()
    await asyncio.sleep(0)
    time.sleep(busy_s)  # the loop's clock stands, the timer's base does not
    bus.receive(kept, bytearray(request(1, 9)))
    temper.set()
    await asyncio.sleep(0.01)
    bus.receive(kept, bytearray(request(2, 8)))
    await asyncio.sleep(0.01)
    bus.receive(kept, bytearray(request(3, 7)))
    await asyncio.sleep(0.1)
    assert [frame[1] for frame in kept.written] == [1, 2, 3]
    bus.receive(kept, bytearray(request(4, 7)))
    assert kept.written[-1][1] == 4  # nothing is owed any more: answered at once
