"""The keeper: what it tells, when rows may go, and that it keeps before it lets go."""

from __future__ import annotations

import asyncio

import pytest
from unit.agent.clock.clocks import GENUINE_NS, Quartz, S

from agent.clock import keeper as keeper_module
from agent.clock.keeper import Keeper
from agent.clock.seals import Seals
from agent.clock.stamp import Stamp


class Bench:
    """A keeper over a clock and a store of a few lines; `turn` is one of its turns."""

    def __init__(self, monkeypatch, *, at_ns=GENUINE_NS, up_s=1000, max_hold_s=600):
        self.quartz = Quartz(at_ns=at_ns, up_s=up_s)
        self.clock = self.quartz.clock()
        self.seals = Seals(self.clock.boot)
        self.held = self.online = True
        self.settled = 0
        self.done = []
        self.kept = []
        self.told = []
        self._now_s = 0.0
        monkeypatch.setattr(keeper_module.time, "monotonic", lambda: self._now_s)
        self.keeper = Keeper(
            self.clock, self.seals, store=self, max_hold_s=max_hold_s,
            held=lambda: self.held, online=lambda: self.online,
            tell=lambda kind, **fields: self.told.append((kind, fields)),
            on_settled=self._released,
            on_trusted=lambda: self.done.append("trusted"),
        )  # fmt: skip

    def put_lessons(self, lessons):
        self.kept.extend(lessons)

    async def flush(self):
        self.done.append("flushed")
        assert len(self.kept) > self.settled, "settled before it was kept"

    def _released(self):
        self.done.append("released")
        self.settled += 1
        self.held = False

    async def turn(self, seconds=1.0):
        self._now_s += seconds
        self.quartz.run(seconds)
        await self.keeper.turn()

    def stamp(self):
        """Stamp a row now, as the codec does."""
        return self.clock.stamp(self.clock.eras()[-1], self.quartz.wall_ns)

    def events(self, kind):
        return [fields for name, fields in self.told if name == kind]


@pytest.fixture
def wrong(monkeypatch):
    """A box that has just started with a clock that stands in 1970."""
    return Bench(monkeypatch, at_ns=60 * S, up_s=20)


async def test_a_time_source_settles_at_once(wrong):
    """As soon as the clock is in sync: kept first, then rows released, and told."""
    await wrong.turn()
    stamp = wrong.stamp()
    assert wrong.seals.dating(stamp) is None
    wrong.quartz.synchronised = True
    wrong.quartz.offset_ns = GENUINE_NS
    await wrong.turn()
    assert wrong.done == ["trusted", "flushed", "released"]
    assert wrong.kept
    shift_ms = (GENUINE_NS - stamp.offset_ns) // 1_000_000
    assert wrong.seals.dating(stamp) == (shift_ms, True)
    assert [e["state"] for e in wrong.events("clock")] == ["free", "sync"]
    assert [e["by_ms"] for e in wrong.events("clock_step")] == [shift_ms]
    assert [e["state"] for e in wrong.events("settled")] == ["sync"]


async def test_rows_wait_so_long_and_only_while_they_could_go(wrong):
    """Without a time source rows go, untrusted, after `max_hold_s` online; offline none passes."""
    wrong.online = False
    await wrong.turn(100_000)
    assert wrong.done == []
    wrong.online = True
    await wrong.turn(599)
    assert wrong.done == []
    stamp = wrong.stamp()
    await wrong.turn(2)
    assert wrong.done == ["flushed", "released"]
    assert wrong.seals.dating(stamp) == (0, False)
    await wrong.turn(1)
    assert wrong.seals.dating(wrong.stamp()) == (0, False), "later rows do not wait again"


@pytest.mark.parametrize(
    ("up_s", "waits"), [(20, True), (580, True), (600, False), (90_000, False)]
)
async def test_a_clock_that_may_be_right_gets_credit_for_the_time_before(monkeypatch, up_s, waits):
    """Where a time source had its chance before we began, nothing waits for it again."""
    bench = Bench(monkeypatch, up_s=up_s)
    await bench.turn()
    assert (not bench.done) is waits


async def test_rows_that_need_not_be_held_do_not_wait_for_the_next_look(monkeypatch):
    """A commit that brings such rows is heard of: they go with no look in between."""
    bench = Bench(monkeypatch, up_s=90_000)
    bench.held = False
    released = asyncio.Event()
    bench.keeper._on_settled = lambda: (bench._released(), released.set())
    monkeypatch.setattr(keeper_module, "LOOK_S", 3600.0)
    running = asyncio.create_task(bench.keeper.run())
    await asyncio.sleep(0)
    bench.keeper.committed()
    assert not bench.keeper._early.is_set(), "nothing is held"
    bench.held = True
    bench.keeper.committed()
    async with asyncio.timeout(60):
        await released.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert bench.done == ["flushed", "released"]


async def test_rows_that_are_to_be_held_are_not_let_go_by_a_commit(wrong):
    """While a time source has its chance, a commit hastens nothing."""
    wrong.keeper.committed()
    assert not wrong.keeper._early.is_set()


async def test_a_clock_moved_after_it_was_in_sync_waits_for_its_time_source(monkeypatch):
    """Where a time source is known to exist, the time before gives no credit."""
    bench = Bench(monkeypatch, up_s=90_000)
    bench.held, bench.quartz.synchronised = False, True
    await bench.turn()
    bench.quartz.synchronised, bench.held = False, True
    bench.quartz.step(3600)
    await bench.turn()
    stamp = bench.stamp()
    await bench.turn(590)
    assert bench.seals.dating(stamp) is None
    await bench.turn(20)
    assert bench.seals.dating(stamp) == (0, False)


async def test_a_clock_set_by_hand_is_followed_but_not_vouched_for(wrong):
    """What waited is dated by the clock as it was set, on one time line, and marked untrusted."""
    await wrong.turn()
    stamp = wrong.stamp()
    wrong.quartz.offset_ns = GENUINE_NS
    await wrong.turn()
    await wrong.turn(700)
    assert wrong.seals.dating(stamp) == ((GENUINE_NS - stamp.offset_ns) // 1_000_000, False)
    assert wrong.done == ["flushed", "released"]


async def test_a_jumping_clock_makes_no_storm(wrong):
    """A step every second for an hour makes some sixty events, which add up to all of it."""
    wrong.held = False
    for _ in range(3600):
        wrong.quartz.step(-2)
        await wrong.turn()
    steps = wrong.events("clock_step")
    assert len(steps) <= 3600 / keeper_module.TELL_EVERY_S + keeper_module.TELL_AT_ONCE
    assert sum(e["by_ms"] for e in steps) == -2000 * sum(e["steps"] for e in steps)
    assert sum(e["steps"] for e in steps) >= 3600 - keeper_module.TELL_EVERY_S


async def test_rows_left_by_an_earlier_run_are_settled(monkeypatch):
    """A run that begins in sync settles what one before it left in the same boot."""
    bench = Bench(monkeypatch)
    bench.quartz.synchronised = True
    left = Stamp(bench.clock.boot, 0, bench.quartz.up_ns - 5 * S)
    await bench.turn()
    dating = bench.seals.dating(left)
    assert dating is not None
    assert (dating.trusted, dating.shift_ms) == (True, bench.quartz.offset_ns // 1_000_000)
    await bench.turn()
    assert bench.done == ["trusted", "flushed", "released"]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_people_are_told_what_it_means(wrong, language):
    """Every state that is not well has a sentence that says what to do; sync has none."""
    texts = []
    for step in ("held", "sent", "sync", "alone"):
        if step == "sent":
            await wrong.turn(700)
        if step == "sync":
            wrong.quartz.synchronised, wrong.quartz.offset_ns = True, GENUINE_NS
            wrong.seals = wrong.keeper._seals = Seals(wrong.clock.boot)
        if step == "alone":
            wrong.quartz.synchronised = False
            wrong.quartz.run(86_400)
        await wrong.turn()
        note = wrong.keeper.note
        texts.append(None if note is None else note.text(language))
    assert texts[2] is None
    told = [text for text in texts if text]
    assert len(set(told)) == 3
    assert all(("对时" if language == "zh" else "time server") in text for text in told)
    assert "{" not in "".join(told)
