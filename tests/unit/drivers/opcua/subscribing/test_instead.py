"""Rounds of reading: what a monitored item would tell, no more and no less."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import replace

import pytest
from system.waiting import until
from unit.drivers.opcua.structures.test_extract import layouts_of, wrapped

from drivers.api import Busy, Quality, SessionLost, Tag
from drivers.opcua import DRIVER
from drivers.opcua.calls import Limits, TooLarge
from drivers.opcua.decoding.items import Columns
from drivers.opcua.structures.layout import FieldLayout, Layouts
from drivers.opcua.subscribing.instead import Listener, Rounds
from drivers.opcua.subscribing.served import Served
from drivers.testing.frames import assert_frame_valid

TICK_S = 0.01


class Reads:
    """Stands for the session's services: gives what stands in `held`, node by node."""

    def __init__(self, held):
        self.held = held
        self.limits = Limits()
        self.layouts = Layouts()
        self.calls = 0
        self.error = None

    async def read(self, nodes):
        self.calls += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        values = [self.held[node] for node in nodes]
        if "too large" in values:
            raise TooLarge("Read", wait_s=1.0)
        return Columns((), values, None, None, {})


@pytest.fixture
async def rounds():
    config = DRIVER.config(driver="opcua", url="opc.tcp://plc")
    tags = [Tag(f"t{n}", f"i={n}") for n in range(3)]
    plan = DRIVER.plan(config, tags, device="d", group="g")
    reads, frames, lost = Reads({n: n * 10 for n in range(3)}), [], []
    listener = Listener(frames.append, lambda values: None, lost.append)
    served = Served(plan, sampling_s=TICK_S)
    made = Rounds(reads, served, listener)
    made.frames, made.lost, made.reads, made.plan, made.served = frames, lost, reads, plan, served
    yield made
    await made.close()


async def told(rounds, number):
    await until(lambda: len(rounds.frames) >= number, within_s=5, what=f"{number} frames")
    for frame in rounds.frames:
        assert_frame_valid(frame, rounds.plan)
    return [(frame.columns, frame.values) for frame in rounds.frames]


async def calls(rounds, more):
    goal = rounds.reads.calls + more
    await until(lambda: rounds.reads.calls >= goal, within_s=5, what="rounds")


async def test_first_values_then_changes(rounds):
    """The first round gives every point, the next ones only what changed."""
    rounds.read({0: 0, 2: 2})
    await told(rounds, 1)
    await calls(rounds, 3)
    rounds.reads.held[2] = 21
    assert await told(rounds, 2) == [((0, 2), (0, 20)), ((2,), (21,))]


async def test_types_are_told_apart(rounds):
    """1, 1.0 and true are three values."""
    rounds.read({1: 1})
    rounds.reads.held[1] = 1
    await told(rounds, 1)
    rounds.reads.held[1] = True
    await told(rounds, 2)
    assert rounds.frames[-1].values[-1] is True


async def test_no_number_is_told_once(rounds):
    """A value that is not a number does not change from round to round."""
    rounds.reads.held[0] = float("nan")
    rounds.read({0: 0, 1: 1})
    await told(rounds, 1)
    await calls(rounds, 3)
    assert len(rounds.frames) == 1
    assert list(rounds.frames[0].qualities) == [Quality.BAD, Quality.GOOD]


async def test_one_that_is_too_large_costs_only_itself(rounds):
    """A node whose value is longer than any answer is BAD; the others come."""
    rounds.reads.held[1] = "too large"
    rounds.read({0: 0, 1: 1, 2: 2})
    assert await told(rounds, 1) == [((0, 1, 2), (0, None, 20))]
    assert rounds.frames[0].reasons == {1: "BadResponseTooLarge"}


async def test_points_that_leave_are_read_no_more(rounds):
    """After a point is monitored its rounds end; it is new when it comes back."""
    rounds.read({0: 0})
    await told(rounds, 1)
    rounds.read({})
    rounds.reads.held[0] = 5
    await asyncio.sleep(0)
    quiet = rounds.reads.calls
    rounds.read({1: 1})
    await told(rounds, 2)
    assert rounds.frames[-1].columns == (1,)
    assert rounds.reads.calls > quiet


async def test_busy_server_is_asked_again(rounds):
    """A server that is busy now costs a round, not the session."""
    rounds.reads.error = Busy("later", wait_s=1.0)
    rounds.read({0: 0})
    await calls(rounds, 2)
    rounds.reads.error = None
    assert await told(rounds, 1) == [((0,), (0,))]
    assert rounds.served.missed_rounds >= 2


async def test_parts_of_structures_are_taken(rounds):
    """A field of a structure that the server explained is read as it would be monitored."""
    rounds.served.plan = replace(rounds.plan, parts=(("X",), (), ()))
    rounds.reads.layouts = layouts_of([FieldLayout("W", 6), FieldLayout("X", 6)])
    rounds.reads.held[0] = wrapped(struct.pack("<ii", 3, 4))
    rounds.read({0: 0, 1: 1})
    assert await told(rounds, 1) == [((0, 1), (4, 10))]


async def test_a_bug_in_a_round_ends_the_session(rounds):
    """Rounds that fail in a way nobody thought of do not go on in silence."""
    rounds.reads.error = ZeroDivisionError("bug")
    rounds.read({0: 0})
    await until(lambda: rounds.lost, within_s=5, what="the loss is told")
    assert isinstance(rounds.lost[0], SessionLost)
    assert "ZeroDivisionError" in str(rounds.lost[0])


async def test_lost_session_is_told(rounds):
    """The end of the session ends the rounds, and is told once."""
    rounds.reads.error = SessionLost("gone")
    rounds.read({0: 0})
    await until(lambda: rounds.lost, within_s=5, what="the loss is told")
    assert [str(one) for one in rounds.lost] == ["gone"]
