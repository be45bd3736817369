"""History in windows, against servers that cut what is too much."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from asyncua import ua

from drivers.api import DriverError, Tag
from drivers.opcua import DRIVER
from drivers.opcua.calls import Limits
from drivers.opcua.history import past
from drivers.opcua.history.ask import PORTION, Portion, moment
from drivers.opcua.history.past import Past
from drivers.opcua.structures.layout import Layouts

STEP_NS = 50_000_000


class Services:
    limits, layouts = Limits(), Layouts()


class Historian:
    """Keeps one value per step; gives `most` of them at once, and never says that it has more."""

    def __init__(self, *, most, step_ns=STEP_NS):
        self.most, self.step_ns = most, step_ns

    async def keeps(self, services, nodes):
        return [True] * len(nodes), datetime.now(UTC)

    async def read_portions(self, services, wanted, *, from_ns, to_ns):
        first, step_ns = -(-from_ns // self.step_ns), self.step_ns
        numbers = [n for n in range(first, first + self.most) if n * step_ns < to_ns]
        values = [
            ua.DataValue(ua.Variant(n, ua.VariantType.Int64), SourceTimestamp=moment(n * step_ns))
            for n in numbers
        ]
        return [Portion("Good", good=True, values=values, point=None) for _ in wanted]

    async def release(self, services, wanted):
        assert not any(point for _, point in wanted)


async def given(monkeypatch, historian, *, seconds):
    for name in ("keeps", "read_portions", "release"):
        monkeypatch.setattr(past, name, getattr(historian, name))
    config = DRIVER.config(driver="opcua", url="opc.tcp://plc")
    plan = DRIVER.plan(config, [Tag("a", "i=1")], device="d", group="g")
    to_ns = time.time_ns() // STEP_NS * STEP_NS
    wanted = range((to_ns - seconds * 10**9) // STEP_NS, to_ns // STEP_NS)
    frames = Past(Services(), plan, [ua.NodeId(1)]).frames(
        from_ns=wanted.start * STEP_NS, to_ns=wanted.stop * STEP_NS
    )
    got = [value async for frame in frames for value in frame.values]
    return got, list(wanted)


async def test_a_server_that_cuts_without_a_word_is_asked_in_smaller_windows(monkeypatch):
    """As many values as were asked for, and no continuation point: there may be more."""
    got, wanted = await given(monkeypatch, Historian(most=PORTION), seconds=120)
    assert abs(got[0] - wanted[0]) <= 1, "the server's clock is known to some milliseconds"
    assert got == list(range(got[0], got[-1] + 1))
    assert len(got) >= len(wanted) - 1


async def test_what_cannot_be_had_in_any_window_is_told(monkeypatch):
    """A server that always gives that many is not asked for ever, and the fill is not complete."""
    historian = Historian(most=PORTION, step_ns=10_000)
    with pytest.raises(DriverError, match="BadTooManyOperations"):
        await given(monkeypatch, historian, seconds=1)
