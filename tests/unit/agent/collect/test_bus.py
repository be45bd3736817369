"""Many devices on one line: the dead cost the living next to nothing, and are found when back."""

from __future__ import annotations

import asyncio
import time

import pytest
from unit.agent.collect import lines
from unit.agent.collect.lines import TIMEOUT_S, LineSession, Unit, units
from unit.agent.collect.machines import Shop, hurry, machine
from unit.agent.store.patience import until

from agent.collect import bus as bus_module
from agent.collect import probing as probing_module
from agent.collect.schedule import ticks_between
from agent.telemetry.status import DeviceState
from drivers.api import Busy, NoReply, Silent
from drivers.testing.script import Script

INTERVAL_S = 0.1


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)


def line(scripts, **fields):
    """Put scripted units on one line."""
    session = fields.pop("session", LineSession)
    return Shop(scripts, wires=dict.fromkeys(scripts, "line"), session=session, **fields)


async def rate(shop, ids, *, seconds):
    """Give the good reads of some devices per second."""
    before = {id_: len(shop.sink.good(id_)) for id_ in ids}
    began_s = time.monotonic()
    await asyncio.sleep(seconds)
    took_s = time.monotonic() - began_s
    return sum(len(shop.sink.good(id_)) - before[id_] for id_ in ids) / took_s


async def test_a_silent_device_fails_alone():
    """Silence demotes its device with BAD frame, event and gap; session and others go on."""
    shop = line({"a": machine(), "b": machine()}, session=Shop({}).driver.session)
    shop.script("a").faults = {3: Silent("no answer", device="a")}
    async with shop:
        await shop.reads("a", 3)
        await until(lambda: shop.status("a").state is DeviceState.BACKOFF)
        await shop.reads("a", 3)
        assert shop.wire("a").opened == 1
    assert shop.sink.told("a") == [("online", ""), ("offline", "no_reply"), ("online", "")]
    assert shop.sink.told("b") == [("online", "")]
    assert sum(f.qualities is not None for f in shop.sink.of("a")) == 1
    assert shop.sink.missed("a", "device_down") >= 1
    assert all(f.qualities is None for f in shop.sink.of("b"))


async def test_one_dead_of_32_costs_the_others_less_than_a_twentieth(monkeypatch):
    """With one unit dead, and asked as often as allowed, the others keep 95 % of their rate."""
    hurry(monkeypatch, pause_s=0.001)
    scripts = units(32)
    living = [id_ for id_ in scripts if id_ != "u07"]
    shop = line(scripts, interval_s=INTERVAL_S)
    async with shop:
        await until(lambda: len(shop.sink.good("u31")) >= 2)
        whole = await rate(shop, living, seconds=1.0)
        scripts["u07"].dead = True
        await until(lambda: shop.status("u07").state is DeviceState.BACKOFF)
        failures = shop.status("u07").failures
        kept = await rate(shop, living, seconds=1.0)
        probes = shop.status("u07").failures - failures
    assert kept >= 0.95 * whole
    assert 1 <= probes <= 1 + 1.0 / (20 * TIMEOUT_S)
    assert shop.wire("u07").opened == 1


class Flaky(Unit):
    """A unit that answers every other question."""

    asked = 0

    @property
    def dead(self):
        """Tell whether this question is one it ignores."""
        return self.asked % 2 == 1

    def begin_read(self, group):
        """Count the question."""
        self.asked += 1
        return super().begin_read(group)


async def test_a_unit_that_answers_now_and_then_costs_no_more_than_a_dead_one(monkeypatch):
    """A bad contact: the others keep 95 % of their rate once the first silences are forgiven."""
    monkeypatch.setattr(probing_module, "FORGIVEN_S", 0.1)
    monkeypatch.setattr(lines, "TIMEOUT_S", 0.01)
    hurry(monkeypatch, pause_s=0.001)
    scripts = units(8) | {"flaky": Flaky({"count": lambda tick: tick})}
    living = list(scripts)[:8]
    shop = line(scripts, interval_s=0.025)
    async with shop:
        await until(lambda: shop.status("flaky").failures >= 2)
        before = shop.status("flaky").failures
        began_s = time.monotonic()
        await rate(shop, living, seconds=1.0)
        failures = shop.status("flaky").failures - before
        took_s = time.monotonic() - began_s
    assert 1 <= failures <= 2 + took_s / (20 * lines.TIMEOUT_S)
    assert len(shop.sink.good("flaky")) >= 2


async def test_a_whole_shop_is_found_when_it_is_switched_on(monkeypatch):
    """Thirty-one dead units beside one alive: all are back soon after they are switched on."""
    hurry(monkeypatch, pause_s=0.1)
    monkeypatch.setattr(lines, "TIMEOUT_S", 0.005)
    scripts = units(32, dead=[f"u{n:02}" for n in range(1, 32)])
    shop = line(scripts, interval_s=INTERVAL_S)
    async with shop:
        await until(lambda: all(shop.status(id_).failures for id_ in list(scripts)[1:]))
        for script in scripts.values():
            script.dead = False
        began_s = time.monotonic()
        await until(
            lambda: all(d.state is DeviceState.ONLINE for d in shop.collector.status()), within_s=8
        )
        took_s = time.monotonic() - began_s
    assert took_s < 20 * lines.TIMEOUT_S + 32 * 20 * 0.003 + 1


async def test_a_line_on_which_all_are_dead_is_probed_without_rest(monkeypatch):
    """Nobody is disturbed, so nobody waits for a rest; one probe at a time all the same."""
    hurry(monkeypatch, pause_s=0.001)
    scripts = units(3, dead=["u00", "u01", "u02"])
    async with line(scripts, interval_s=INTERVAL_S) as shop:
        await until(lambda: all(d.failures >= 5 for d in shop.collector.status()))
        assert shop.wire("u00").opened == 1


async def test_a_dead_device_with_many_groups_costs_one_time_out(monkeypatch):
    """Of a device that was not heard yet one group goes first; the others wait for its outcome."""
    hurry(monkeypatch, pause_s=10.0)
    scripts = units(2, dead=["u00"])
    shop = line(scripts, interval_s=INTERVAL_S, groups=4)
    async with shop:
        await shop.reads("u01", 8)
        assert scripts["u00"].reads() == 1
        assert len(shop.sink.of("u00")) == 4


async def test_promotion_brings_every_group_back_at_once(monkeypatch):
    """The first answer puts all groups back on their schedule, even one asked once an hour."""
    hurry(monkeypatch, pause_s=0.05)
    scripts = units(2)
    shop = line(scripts, interval_s=INTERVAL_S, groups=3, slow=3600)
    async with shop:
        await shop.reads("u00", 3)
        scripts["u00"].dead = True
        await until(lambda: shop.status("u00").state is DeviceState.BACKOFF)
        scripts["u00"].dead = False
        await until(lambda: shop.status("u00").state is DeviceState.ONLINE)
        await until(lambda: all(t.quality == 192 for t in shop.status("u00").tags))


class Picky(Unit):
    """A unit that answers nothing at all to the questions of one group."""

    def begin_read(self, group):
        """Keep silent towards group g1."""
        tick, fault = super().begin_read(group)
        return tick, Silent("ignored") if group == "g1" else fault


async def test_a_group_that_is_ignored_rests_alone():
    """A device that answers one group and ignores another goes on; the ignored group is BAD."""
    scripts = {"a": Picky({"count": lambda tick: tick}), "b": Unit({"count": lambda tick: tick})}
    shop = line(scripts, groups=2)
    async with shop:
        await until(lambda: scripts["a"].reads("g1") >= 4)
        before = len(shop.sink.good("a"))
        await until(lambda: len(shop.sink.good("a")) >= before + 10)
        assert shop.status("a").state is DeviceState.DEGRADED
        scripts["a"].begin_read = lambda group: Script.begin_read(scripts["a"], group)
        await until(lambda: shop.status("a").state is DeviceState.ONLINE)
    assert shop.wire("a").opened == 1


async def test_a_busy_device_does_not_delay_its_line():
    """A unit that asks for patience waits alone."""
    scripts = units(2)
    scripts["u00"].fault = Busy("later", wait_s=0.5)
    async with line(scripts) as shop:
        await shop.reads("u01", 20)
        assert scripts["u00"].reads() <= 3
        assert shop.status("u00").failures <= 3


async def test_a_silent_device_that_says_it_is_busy_lives():
    """Busy is an answer: the device is back on its schedule, not probed any more."""
    shop = line({"a": machine(), "b": machine()}, session=Shop({}).driver.session)
    shop.script("a").faults = {1: Silent("x", device="a"), 2: Busy("later", wait_s=0.01)}
    async with shop:
        await shop.reads("a", 3)
    assert not shop.run_of("a").silent


async def test_silence_that_ends_the_session_is_rested_for_too(monkeypatch):
    """Where a probe costs the session, the next one comes no sooner than the line can bear."""
    hurry(monkeypatch, pause_s=0.001)
    shop = line({"a": machine(), "b": machine()}, session=Shop({}).driver.session)
    async with shop:
        await shop.reads("b", 3)
        shop.wire("a").freeze()
        await until(lambda: "offline" in {state for state, _ in shop.sink.told("a")} or "offline"
                    in {state for state, _ in shop.sink.told("b")})  # fmt: skip
        shop.wire("a").thaw()
        await shop.reads("a", 3)
        await shop.reads("b", 3)
    assert shop.run_of("a").silent is shop.run_of("b").silent is False


@pytest.mark.parametrize("error", [Silent("s", device="a"), NoReply("n", device="a")])
async def test_every_tick_is_read_or_counted_through_a_silence(error):
    """Reads at ticks and missed polls together are the ticks of the schedule, probes included."""
    due_s = []
    shop = line({"a": machine(), "b": machine()}, session=Shop({}).driver.session)
    run = shop.run_of("a")
    (group,) = run.groups
    shop.script("a").values = {"count": lambda _: due_s.append(group.due_s) or len(due_s)}
    shop.script("a").faults = {4: error, 5: error, 9: error}
    async with shop:
        await until(lambda: len(due_s) >= 12)
    read = {round(at / 0.01) for at in due_s if abs(at / 0.01 - round(at / 0.01)) < 1e-6}
    ticks = ticks_between(due_s[0], due_s[-1], 0.01) + 1
    counted = run.missed + len(read)
    assert abs(counted - ticks) <= 3


async def test_a_device_demoted_while_the_store_is_full_is_not_forgotten():
    """A session that ends while a silent device's BAD frame waits for room: it is still probed."""
    scripts = units(2)
    shop = line(scripts)
    async with shop:
        await shop.reads("u00", 2)
        shop.sink.gate.clear()
        scripts["u00"].dead = True
        await until(lambda: shop.run_of("u00").silent)
        await shop.stop()
        (supervisor,) = shop.collector.links
        errand = bus_module.Errand(bus_module.Lane.PROBE, shop.run_of("u00"))
        assert errand in supervisor._bus.errands


async def test_a_probe_that_is_cut_short_is_made_again(monkeypatch):
    """A session lost in the midst of a probe does not make the silent device forgotten."""
    monkeypatch.setattr(bus_module, "AGAIN_S", 0.01)
    monkeypatch.setattr(lines, "TIMEOUT_S", 0.002)
    scripts = units(2, dead=["u00"])
    shop = line(scripts)
    async with shop:
        await until(lambda: shop.status("u00").failures >= 2)
        for _ in range(5):
            shop.wire("u00").drop()
            await shop.reads("u01", 2)
        scripts["u00"].dead = False
        await until(lambda: shop.status("u00").state is DeviceState.ONLINE)
