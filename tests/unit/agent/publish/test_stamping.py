"""Rows of a clock nobody vouches for: stamped when stored, held, and dated once when they go."""

from __future__ import annotations

import orjson
import pytest
from unit.agent.clock.clocks import GENUINE_NS, Quartz, S

from agent.clock.seals import Seals
from agent.clock.stamp import MARK, unstamp
from agent.publish.payload import GroupCodec
from agent.publish.queue import SendQueue
from agent.publish.stamping import RowDates, StampingCodec, StampingSink
from agent.store.events import event_body
from agent.store.outbox import Committed, Kind, Row
from drivers.api import ClockSource, Frame

NAMES = ["a", "b"]


class Bench:
    """A free clock that stands in 1970, a codec, and rows with numbers."""

    def __init__(self):
        self.quartz = Quartz(at_ns=600 * S)
        self.clock = self.quartz.clock()
        self.seals = Seals(self.clock.boot)
        self.dates = RowDates(self.seals)
        self.codec = StampingCodec(
            GroupCodec("dev", "grp", NAMES, max_row_bytes=40_000), self.clock
        )
        self.true_offset_ns = GENUINE_NS - 1000 * S
        self.seqs = 0

    def frame(self, *values, **fields):
        return Frame("dev", "grp", self.quartz.wall_ns, values or (1, 2), **fields)

    def rows(self, frames):
        found = []
        for new in self.codec.encode(frames):
            self.seqs += 1
            found.append(Row(self.seqs, new.kind, 1, new.t_ms, new.values, new.body))
        return found

    def synchronise(self):
        """Have the time source come, and settle as the keeper does."""
        self.quartz.synchronised = True
        self.quartz.offset_ns = self.true_offset_ns
        self.clock.look()
        self.settle()

    def settle(self, *, synchronised=True):
        new = self.seals.settlement(
            synchronised=synchronised, offset_ns=self.clock.offset_ns, at_ns=self.clock.up_ns
        )
        self.seals.settle(new)

    def true_ms(self):
        return (self.quartz.up_ns + self.true_offset_ns) // 1_000_000


@pytest.fixture
def bench():
    return Bench()


def times_of(row):
    block = orjson.loads(b"{" + row.body)
    offsets = block["t"] if "t" in block else block["p"]["a"][0]
    return [block["t0"] + offset for offset in offsets]


def test_rows_are_dated_to_the_millisecond(bench):
    """Whatever was read while free bears the true time afterwards."""
    frames, truth = [], []
    for _ in range(5):
        bench.quartz.run(0.731)
        frames.append(bench.frame())
        truth.append(bench.true_ms())
    (row,) = bench.rows(frames)
    assert bench.dates.held(row)
    bench.synchronise()
    assert not bench.dates.held(row)
    assert bench.dates.trusted(row)
    dated = bench.dates.dated(row)
    assert times_of(dated) == truth
    assert dated.t_ms == truth[0]
    assert dated.seq == row.seq


def test_a_step_between_two_reads_parts_the_row(bench):
    """Reads before and after the step, stored together, each get their own true time."""
    frames, truth = [], []
    for step_s in (0, 3600, 0, -86_400, 0):
        bench.quartz.step(step_s)
        bench.quartz.run(1)
        frames.append(bench.frame())
        truth.append(bench.true_ms())
        bench.clock.look()
    rows = bench.rows(frames)
    bench.synchronise()
    assert [t for row in rows for t in times_of(bench.dates.dated(row))] == truth


def test_a_trusted_clock_leaves_rows_alone(bench):
    """Rows of a clock in sync are those of the bare codec, byte for byte, and never held."""
    bench.synchronise()
    clock = bench.quartz.clock()
    codec = StampingCodec(GroupCodec("dev", "grp", NAMES, max_row_bytes=40_000), clock)
    frames = [bench.frame()]
    bare = GroupCodec("dev", "grp", NAMES, max_row_bytes=40_000).encode(frames)
    assert codec.encode(frames) == bare
    row = Row(1, Kind.DATA, 1, 0, 2, bare[0].body)
    assert (bench.dates.held(row), bench.dates.trusted(row)) == (False, True)
    assert bench.dates.dated(row) is row


def test_a_devices_own_time_is_not_ours_to_move(bench):
    """Values that bear the device's stamp are neither held nor moved, those beside them are."""
    device_ns = GENUINE_NS + 5 * S
    whole = bench.frame(times_ns=(device_ns, device_ns), clock=ClockSource.DEVICE)
    mixed = bench.frame(
        3, 4, times_ns=(device_ns, bench.quartz.wall_ns), clock=ClockSource.DEVICE
    )  # fmt: skip
    truth_ms = bench.true_ms()
    rows = bench.rows([whole, mixed])
    held = [row for row in rows if bench.dates.held(row)]
    bench.synchronise()
    found = {}
    for row in rows:
        block = orjson.loads(b"{" + bench.dates.dated(row).body)
        columns = (
            block["p"] if "p" in block else {m: (block["t"], v) for m, v in block["s"].items()}
        )
        for metric, (offsets, values) in columns.items():
            for offset, value in zip(offsets, values, strict=True):
                found[metric, value] = block["t0"] + offset
    device_ms = device_ns // 1_000_000
    assert found == {("a", 1): device_ms, ("b", 2): device_ms, ("a", 3): device_ms,
                     ("b", 4): truth_ms}  # fmt: skip
    assert len(held) == 1


class Shelf:
    """Takes what a sink hands in; only events come here."""

    def __init__(self):
        self.events = []

    async def put_frame(self, codec, frame):
        raise NotImplementedError

    def put_lessons(self, lessons):
        raise NotImplementedError

    def put_event(self, t_ms, body):
        self.events.append(Row(len(self.events) + 1, Kind.EVENT, 1, t_ms, 0, body))


def told(bench, kind, **fields):
    """Have an event stored now, as the agent does; give its row."""
    shelf = Shelf()
    t_ms = bench.quartz.wall_ns // 1_000_000
    StampingSink(shelf, bench.clock).put_event(t_ms, event_body(kind, t_ms=t_ms, **fields))
    return shelf.events[0]


def test_events_are_stamped_too(bench):
    """An event of the free clock is held and dated like a row of values."""
    truth_ms = bench.true_ms()
    row = told(bench, "start")
    assert bench.dates.held(row)
    bench.synchronise()
    assert orjson.loads(b"{" + bench.dates.dated(row).body)["t"] == truth_ms


@pytest.mark.parametrize("free", [True, False], ids=["told while free", "told in sync"])
def test_a_gap_over_a_step_keeps_its_length(bench, free):
    """A span that began under another clock is told on one: its ends are the true ones."""
    bench.quartz.run(5)
    began_ms, began_true_ms = bench.quartz.wall_ns // 1_000_000, bench.true_ms()
    bench.quartz.run(20)
    bench.quartz.step(86_400 if free else 0)
    if not free:
        bench.synchronise()
    bench.clock.look()
    bench.quartz.run(10)
    end_ms, end_true_ms = bench.quartz.wall_ns // 1_000_000, bench.true_ms()
    row = told(bench, "missed", **{"from": began_ms}, to=end_ms, d="x", g="g", polls=3)
    if free:
        bench.synchronise()
    event = orjson.loads(b"{" + bench.dates.dated(row).body)
    assert (event["from"], event["to"], event["t"]) == (began_true_ms, end_true_ms, end_true_ms)


def test_what_the_store_itself_tells_in_1970_is_not_vouched_for(bench):
    """Events without a stamp, at a date that cannot be, are told as untrusted."""
    body = event_body("dropped", t_ms=5000, reason="size")
    assert not bench.dates.trusted(Row(1, Kind.EVENT, 1, 5000, 0, body))
    assert bench.dates.trusted(Row(1, Kind.EVENT, 1, GENUINE_NS // 1_000_000, 0, body))


def test_the_same_row_is_dated_the_same_for_ever(bench):
    """Neither a later settlement nor a later step changes what a row is sent as."""
    (row,) = bench.rows([bench.frame()])
    bench.synchronise()
    first = bench.dates.dated(row)
    for step_s in (5, -3600):
        bench.quartz.run(10)
        bench.quartz.step(step_s)
        bench.clock.look()
        bench.settle()
    assert bench.dates.dated(row) == first


async def test_held_rows_do_not_hold_up_others(bench):
    """Older, trusted rows are sent meanwhile; held ones go once they are settled, none twice."""
    old = Row(1, Kind.DATA, 1, 5, 1, b'"t0":5,"d":"dev","g":"grp","t":[0],"s":{"a":[1]}}')
    bench.seqs = 1
    (fresh,) = bench.rows([bench.frame()])
    shelf = {row.seq: row for row in (old, fresh)}

    class Store:
        async def read(self, wanted, *, max_bytes):
            return [row for seq, row in sorted(shelf.items()) if wanted[0] <= seq <= wanted[1]]

    queue = SendQueue(Store(), waiting=(1, 1), on_ready=lambda: None, dates=bench.dates)
    queue.online()
    queue.committed(Committed((fresh,), (), ()))
    assert (queue.has_live, queue.has_held) == (False, True)
    queue.read_ahead()
    await queue._reading
    assert [row.seq for row in queue.take(live=False, max_bytes=1000)] == [1]
    assert queue.trust("free") == "hold"
    queue.read_ahead()
    assert queue._reading is None
    bench.synchronise()
    queue.release()
    assert not queue.has_held
    queue.read_ahead()
    await queue._reading
    (sent,) = queue.take(live=False, max_bytes=1000)
    assert (sent.seq, sent.body.startswith(MARK), queue.trust("sync")) == (2, False, "sync")


async def test_trust_parts_messages(bench):
    """Rows nobody vouches for never share a message with others, and are told as such."""
    bench.seqs = 0
    (doubtful,) = bench.rows([bench.frame()])
    bench.quartz.run(1)
    bench.clock.look()
    bench.settle(synchronised=False)
    trusted = Row(2, Kind.DATA, 1, 5, 1, unstamp(doubtful.body)[1])
    queue = SendQueue(None, waiting=None, on_ready=lambda: None, dates=bench.dates)
    queue.online()
    queue.committed(Committed((doubtful, trusted), (), ()))
    told = []
    while queue.has_live:
        rows = queue.take(live=True, max_bytes=100_000)
        told.append(([row.seq for row in rows], queue.trust("sync")))
    assert told == [([1], "free"), ([2], "sync")]
