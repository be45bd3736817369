"""A unit answers in order, whenever its timers fire."""

from __future__ import annotations

import asyncio

import pytest

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
    return bytearray.fromhex(f"{transaction:04x}0000000601030000{count:04x}")


@pytest.mark.parametrize("overdue_s", [0, 0.02])
async def test_a_late_answer_comes_before_what_was_asked_after_it(monkeypatch, overdue_s):
    """The next answers wait for the late first, even where its timer fires after theirs.

    It does where the machine takes the turn away between asking the time and setting the timer.
    """
    temper = Temper(["late:0.03"])
    bus, kept = Bus({1: Unit(PatternImage(1))}, temper=temper), Kept()
    loop = asyncio.get_running_loop()
    call_at = loop.call_at
    with monkeypatch.context() as patched:
        patched.setattr(loop, "call_at", lambda when, *more: call_at(when + overdue_s, *more))
        bus.receive(kept, request(1, 9))
    temper.set()
    bus.receive(kept, request(2, 8))
    await asyncio.sleep(0.01)
    bus.receive(kept, request(3, 7))
    await asyncio.sleep(0.1)
    assert [frame[1] for frame in kept.written] == [1, 2, 3]
    bus.receive(kept, request(4, 7))
    assert kept.written[-1][1] == 4  # nothing is owed any more: answered at once
