"""Some points are read and compared with what was told: when that proves that changes are lost."""

from __future__ import annotations

import pytest

from drivers.api import Frame, Quality, Tag
from drivers.opcua import DRIVER
from drivers.opcua.subscribing import proof
from drivers.opcua.subscribing.proof import MOST_POINTS, Proof
from drivers.opcua.subscribing.told import Told

T0 = 1_750_000_000_000_000_000


class Bench:
    """A machine whose values can be read, and what its subscription told."""

    def __init__(self, size=3, **settings):
        config = DRIVER.config(driver="opcua", url="opc.tcp://plc", **settings)
        tags = [Tag(f"t{n}", f"i={n}") for n in range(size)]
        self.plan = DRIVER.plan(config, tags, device="d", group="g")
        self.told = Told(self.plan, heard_ns=lambda: 0)
        self.proof = Proof(self.plan, self.told)
        self.values = [0] * size
        self.bad = set()
        self.reads = []
        self.then = None
        """What happens after the first read."""
        self.told.put(Frame("d", "g", T0, tuple(self.values)))

    async def read(self, tags):
        self.reads.append(list(tags))
        marks = bytes(Quality.BAD if tag in self.bad else Quality.GOOD for tag in tags)
        values = tuple(None if tag in self.bad else self.values[tag] for tag in tags)
        frame = Frame("d", "g", T0, values, tuple(tags), marks if self.bad else None)
        if self.then is not None:
            then, self.then = self.then, None
            then()
        return frame

    async def compare(self, leave_out=()):
        return await self.proof.compare(self.read, leave_out=leave_out, patience_s=0.0)

    def tell(self, tag, value):
        self.told.put(Frame("d", "g", T0, (value,), (tag,)))


@pytest.fixture(autouse=True)
def _no_margin(monkeypatch):
    monkeypatch.setattr(proof, "MARGIN_S", 0.01)


async def test_values_that_were_told_prove_nothing_else():
    """One read, and all is well."""
    bench = Bench()
    assert await bench.compare() is None
    assert bench.reads == [[0, 1, 2]]
    assert bench.proof.remarks() == []


async def test_a_change_that_is_never_told_is_a_gap():
    """The gap begins where the point was last known to be complete."""
    bench = Bench()
    await bench.compare()
    known_ns = bench.proof._proven_ns[1]
    bench.values[1] = 5
    gap = await bench.compare()
    assert (gap.reason, gap.from_ns) == ("changes_unnoticed", known_ns)
    assert gap.to_ns > known_ns
    assert bench.reads[-1] == [1], "only what differed is read again"
    (remark,) = bench.proof.remarks()
    assert (remark.code, remark.degraded) == ("changes_unnoticed", True)


async def test_a_change_on_its_way_is_waited_for():
    """A notification that comes meanwhile clears its point, whatever the value is by then."""
    bench = Bench()
    bench.values[1] = 5
    bench.then = lambda: bench.tell(1, 4)
    assert await bench.compare() is None
    assert bench.proof.failures == 0


async def test_a_value_that_came_back_is_no_proof():
    """What equals the value told by the second read may have been a change that was told."""
    bench = Bench()
    bench.values[1] = 5
    bench.then = lambda: bench.values.__setitem__(1, 0)
    assert await bench.compare() is None


async def test_a_point_that_cannot_be_read_is_no_proof():
    """A bad read says nothing of the subscription."""
    bench = Bench()
    bench.bad = {1}
    assert await bench.compare() is None


async def test_points_take_turns():
    """One comparison is one request, however many points there are."""
    bench = Bench(size=MOST_POINTS + 10)
    await bench.compare()
    await bench.compare(leave_out={MOST_POINTS})
    await bench.compare()
    assert [len(tags) for tags in bench.reads] == [MOST_POINTS, 9, MOST_POINTS]
    assert MOST_POINTS not in bench.reads[1]


async def test_it_is_time_only_now_and_then():
    """The first comparison waits a whole interval; each failure doubles it; 0 switches it off."""
    bench = Bench(check_interval_s=60)
    assert not bench.proof.due(1000.0)
    assert not bench.proof.due(1059.0)
    assert bench.proof.due(1060.0)
    bench.values[0] = 9
    await bench.compare()
    assert not bench.proof.due(1061.0)
    assert bench.proof.due(1120.0)
    assert not bench.proof.due(1239.0)
    assert bench.proof.due(1240.0)
    off = Bench(check_interval_s=0)
    assert not off.proof.due(0.0)
    assert not off.proof.due(1e9)
