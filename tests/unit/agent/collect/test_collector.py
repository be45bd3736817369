"""The collector over scripted devices: what fails is told and counted, the rest goes on."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
import uvloop
from unit.agent.collect.machines import BAD, Shop, hurry, machine
from unit.agent.store.patience import until

from agent.collect import collector, deadline, poller, supervisor
from agent.collect.schedule import is_tick, ticks_between
from agent.config.model import Mode
from agent.telemetry.status import DeviceState, TagStatus
from drivers.api import AccessError, Busy, ConnectError, DriverError, Frame, NoReply, SessionLost
from drivers.testing.script import Delay, Never, Script, Spoil
from drivers.testing.scripted import PushingSession, ScriptedSession

INTERVAL_S = 0.01


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)


# -- reading -------------------------------------------------------------------------------------


async def test_a_device_is_read_again_and_again():
    """Frames come in the order of the reads; the first one tells that the device is online."""
    async with Shop({"a": machine()}) as shop:
        assert not shop.collector.tried
        await shop.reads("a", 5)
        status = shop.status("a")
    values = shop.sink.good("a")
    assert values == [(n,) for n in range(len(values))]
    assert shop.sink.told("a") == [("online", "")]
    assert (status.state, status.problem, status.name) == (DeviceState.ONLINE, None, "Machine a")
    assert status.reads == status.values >= 5
    assert (status.failures, status.lost_changes) == (0, 0)
    assert shop.collector.tried
    assert shop.observed[0] == ("a", (0,))


async def test_the_status_shows_the_machine_state_and_every_tag():
    """A good machine.state is shown; any other is unknown."""
    script = Script({"machine.state": "running", "speed": 5})
    async with Shop({"a": script}) as shop:
        assert shop.status("a").machine_state == "unknown"
        await shop.reads("a", 1)
        status = shop.status("a")
        assert status.machine_state == "running"
        assert [(t.name, t.value, t.quality) for t in status.tags] == [
            ("machine.state", "running", 192), ("speed", 5, 192),
        ]  # fmt: skip
        assert status.tags[0].time_ms > 0
        script.fault = Spoil({"machine.state": "BadWaiting"})
        await until(lambda: shop.status("a").machine_state == "unknown")


async def test_a_device_with_bad_points_is_degraded():
    """While some points cannot be read a device is degraded; for the platform it is online."""
    async with Shop({"a": Script({"x": 1, "y": 2})}) as shop:
        await shop.reads("a", 1)
        shop.script("a").fault = Spoil({"y": "BadNodeIdUnknown"})
        await until(lambda: shop.status("a").state is DeviceState.DEGRADED)
        shop.script("a").fault = None
        await until(lambda: shop.status("a").state is DeviceState.ONLINE)
    assert shop.sink.told("a") == [("online", "")]


async def test_data_that_is_all_bad_is_no_news_of_the_machine():
    """The age of the last data goes on growing while nothing good comes."""
    async with Shop({"a": Script({"x": 1})}) as shop:
        await shop.reads("a", 1)
        shop.script("a").fault = Spoil({"x": "BadNoCommunication"})
        await until(lambda: shop.status("a").state is DeviceState.DEGRADED)
        before = shop.status("a")
        await until(lambda: shop.status("a").reads >= before.reads + 5)
        after = shop.status("a")
    assert after.reads > before.reads
    assert after.last_data_ms == before.last_data_ms


async def test_one_point_of_a_subscription_that_fails_and_recovers_is_seen():
    """A change of one point decides on that point only, in frames that hold nothing else."""
    device = Shop({"a": Script({"x": 1, "y": 2})}, session=PushingSession)
    async with device as shop:
        await shop.reads("a", 1)
        run = next(iter(shop.collector._devices()))
        group = run.groups[0]

        def notice(value, quality, reasons):
            return Frame("a", "g", time.time_ns(), (value,), (1,), quality, reasons)

        await run.take(group, notice(None, bytes([BAD]), {0: "BadSensorFailure"}))
        assert shop.status("a").state is DeviceState.DEGRADED
        await run.take(group, notice(3, None, None))
        assert shop.status("a").state is DeviceState.ONLINE


def test_a_point_that_was_never_read_does_not_make_a_device_degraded():
    """A slow group's points are awaited; a good group beside a bad one hides nothing."""
    good = TagStatus("a", "", "", 1, 192, "", 1)
    bad = TagStatus("b", "", "", None, BAD, "BadOutOfRange", 1)
    awaited = TagStatus("c", "", "", None, BAD, "BadWaitingForInitialData", None)
    online = DeviceState.ONLINE
    assert collector._shown_state(online, (good, awaited)) is online
    assert collector._shown_state(online, (bad, good)) is DeviceState.DEGRADED
    assert collector._shown_state(DeviceState.BACKOFF, (bad,)) is DeviceState.BACKOFF


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize(
    "faults",
    [
        {},
        {3: Delay(0.035), 7: Delay(0.012)},
        {3: Busy("later", wait_s=0.03), 6: Busy("now", wait_s=0)},
        {4: NoReply("silent", device="a")},
        {4: SessionLost("reset"), 5: SessionLost("again")},
    ],
    ids=["well", "late", "busy", "silent", "lost"],
)
def test_every_tick_is_read_or_counted(loop, faults):
    """Reads at ticks and missed polls together are exactly the ticks of the schedule."""

    async def life():
        due_s = []

        def note(tick):
            due_s.append(group.due_s)
            return tick

        shop = Shop({"a": Script({"x": note}, faults=faults)})
        run = shop.run_of("a")
        (group,) = run.groups
        async with shop:
            await until(lambda: run.reads >= 15)
        assert len(set(due_s)) == len(due_s) == run.reads
        # the first read, and the first after a gap, is made at once; the others at ticks
        at_ticks = sum(is_tick(at_s, INTERVAL_S) for at_s in due_s[1:])
        ticks = ticks_between(due_s[0], group.due_s, INTERVAL_S)
        # a read at once falls on a tick now and then
        assert 0 <= at_ticks + group.ledger.missed - ticks <= len(faults)
        assert shop.sink.missed("a") == group.ledger.missed
        assert bool(faults) <= bool(group.ledger.missed)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(life())


async def test_late_polls_are_told_with_their_number():
    """A read that takes four intervals is told as late, with the polls that were due meanwhile."""
    async with Shop({"a": machine(faults={2: Delay(0.045)})}) as shop:
        await shop.reads("a", 6)
    assert shop.sink.missed("a", "late") >= 3
    assert shop.status("a").missed == shop.sink.missed("a")


async def test_a_busy_device_is_left_alone_for_as_long_as_it_asks():
    """Busy costs no session; the device is asked again after its wait, others are not delayed."""
    shop = Shop({"a": machine(faults={1: Busy("later", wait_s=0.5)}), "b": machine()})
    async with shop:
        await shop.reads("a", 1)
        before = len(shop.sink.good("b"))
        await shop.reads("a", 1)
        assert len(shop.sink.good("b")) - before >= 4
        assert shop.wire("a").opened == 1
        assert shop.status("a").failures == 1
    assert shop.sink.missed("a", "busy") >= 45


async def test_a_device_that_never_stops_being_busy_is_asked_often_enough(monkeypatch):
    """Whatever wait a device asks for, there is a longest one."""
    monkeypatch.setattr(poller, "BUSY_MAX_S", 0.02)
    async with Shop({"a": machine(faults={0: Busy("go away", wait_s=1e6)})}) as shop:
        await shop.reads("a", 1)


async def test_a_read_that_never_returns_is_ended(monkeypatch):
    """A driver that hangs costs the deadline, and counts as a device that is silent."""
    monkeypatch.setattr(deadline, "READ_DEADLINE_S", 0.05)
    async with Shop({"a": machine(faults={1: Never()})}) as shop:
        await shop.reads("a", 3)
    assert shop.sink.told("a") == [("online", ""), ("offline", "no_reply"), ("online", "")]


# -- failing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "state", "told"),
    [
        (ConnectError("refused"), DeviceState.BACKOFF, ("offline", "unreachable")),
        (AccessError("bad password"), DeviceState.FAULTED, ("faulted", "access_refused")),
        (DriverError("odd"), DeviceState.FAULTED, ("faulted", "driver_error")),
        (ValueError("bug"), DeviceState.FAULTED, ("faulted", "driver_bug")),
        (TimeoutError(), DeviceState.BACKOFF, ("offline", "unreachable")),
        (SessionLost("gone"), DeviceState.BACKOFF, ("offline", "session_lost")),
    ],
)
async def test_a_link_that_cannot_be_opened(error, state, told):
    """Each error leads to its state, one event, one BAD frame, and attempts that go on."""
    shop = Shop({"a": machine()})
    shop.wire("a").opens = dict.fromkeys(range(5), error)
    async with shop:
        await until(lambda: shop.wire("a").tried >= 4)
        status = shop.status("a")
        assert status.state is state
        assert status.problem is not None
        assert len(shop.sink.of("a")) == 1
        (frame,) = shop.sink.of("a")
        assert (frame.values, frame.qualities) == ((None,), bytes([BAD]))
        assert shop.sink.told("a") == [told]
        await shop.reads("a", 2)
    assert shop.sink.told("a") == [told, ("online", "")]
    assert status.failures >= 3


async def test_a_session_that_cannot_be_opened_again_is_a_gap():
    """When the wire is gone a BAD frame marks the loss, the gap is counted, reading goes on."""
    async with Shop({"a": machine()}) as shop:
        await shop.reads("a", 3)
        shop.wire("a").down = True
        shop.wire("a").drop()
        await until(lambda: shop.sink.told("a")[-1] == ("offline", "unreachable"))
        shop.wire("a").down = False
        await shop.reads("a", 3)
    marks = [f.qualities is None for f in shop.sink.of("a")]
    assert marks.count(False) == 1
    assert shop.wire("a").opened == shop.wire("a").closed == 2
    assert shop.sink.missed("a", "device_down") >= 1
    (gap,) = [e for e in shop.sink.events if e["type"] == "missed" and e["reason"] == "device_down"]
    assert gap["from"] <= gap["to"]


async def test_a_silent_device_leaves_the_others_on_its_line_polling():
    """On a shared line the silent one backs off alone; the other misses hardly a poll."""
    scripts = {"a": machine(), "b": machine()}
    shop = Shop(scripts, wires={"a": "line", "b": "line"})
    shop.script("a").faults = {3: NoReply("silent", device="a")}
    async with shop:
        await shop.reads("a", 3)
        await shop.reads("b", 10)
        await shop.reads("a", 3)
    assert shop.sink.told("a") == [("online", ""), ("offline", "no_reply"), ("online", "")]
    assert shop.sink.told("b") == [("online", "")]
    assert all(f.qualities is None for f in shop.sink.of("b"))
    assert shop.wire("a").opened >= 2


async def test_a_silent_device_is_asked_while_others_go_on(monkeypatch):
    """A unit that stays silent never stops its line: the others are read between its attempts."""
    hurry(monkeypatch, pause_s=0.05)
    scripts = {"a": machine(), "b": machine()}
    shop = Shop(scripts, wires={"a": "line", "b": "line"})
    shop.script("a").fault = NoReply("silent", device="a")
    async with shop:
        await until(lambda: shop.status("a").failures >= 3)
        assert len(shop.sink.good("b")) >= 4
        assert shop.status("b").state is DeviceState.ONLINE
    assert len(shop.sink.of("a")) == 1


async def test_a_driver_bug_costs_only_its_link(caplog):
    """A driver that raises what it must not is told once with its traceback; others go on."""
    shop = Shop({"a": machine(), "b": machine()})
    shop.script("a").fault = ValueError("index out of range")
    with caplog.at_level(logging.WARNING, "chulian.collect"):
        async with shop:
            await until(lambda: shop.status("a").failures >= 4)
            await shop.reads("b", 5)
            assert shop.status("a").state is DeviceState.FAULTED
            assert "ValueError: index out of range" in shop.status("a").problem.en
    (record,) = caplog.records
    assert record.exc_info[0] is ValueError
    assert shop.sink.told("a") == [("faulted", "driver_bug")]
    assert shop.sink.told("b") == [("online", "")]


async def test_frames_that_do_not_fit_are_a_driver_bug():
    """A frame of the wrong width is stored nowhere; the device is faulted."""
    shop = Shop({"a": Script({"x": 1, "y": 2})})
    script = shop.script("a")
    whole = script.frame

    def too_short(plan, **fields):
        frame = whole(plan, **fields)
        frame.values = frame.values[:1]
        return frame

    script.frame = too_short
    async with shop:
        await until(lambda: shop.status("a").state is DeviceState.FAULTED)
    assert shop.sink.good("a") == []


async def test_an_opening_that_never_returns_is_ended(monkeypatch):
    """A driver that hangs while connecting costs the deadline, and is tried again."""
    monkeypatch.setattr(supervisor, "OPEN_DEADLINE_S", 0.05)
    shop = Shop({"a": machine()})
    shop.wire("a").opens = {0: Never()}
    async with shop:
        await until(lambda: shop.status("a").problem)
        assert "no answer in time" in shop.status("a").problem.en
        await shop.reads("a", 1)


async def test_a_device_that_flaps_is_told_every_time():
    """Every loss and every return is an event; every loss one BAD frame."""
    async with Shop({"a": machine()}) as shop:
        for _ in range(3):
            await shop.reads("a", 2)
            shop.wire("a").down = True
            shop.wire("a").drop()
            await until(lambda: shop.status("a").state is DeviceState.BACKOFF)
            shop.wire("a").down = False
        await shop.reads("a", 1)
    states = [state for state, _ in shop.sink.told("a")]
    assert states == ["online", "offline"] * 3 + ["online"]
    assert sum(f.qualities is not None for f in shop.sink.of("a")) == 3


@pytest.mark.parametrize("attempt", range(10))
async def test_who_is_silent_is_known_whoever_hears_of_it_first(attempt):
    """When one device's silence ends the session for five, that one alone is blamed."""
    scripts = {f"d{n}": machine() for n in range(5)}
    shop = Shop(scripts, wires=dict.fromkeys(scripts, "line"))
    shop.script("d2").faults = {1: NoReply("silent", device="d2")}
    async with shop:
        for id_ in scripts:
            await shop.reads(id_, 2)
    assert shop.sink.told("d2") == [("online", ""), ("offline", "no_reply"), ("online", "")]
    for id_ in ("d0", "d1", "d3", "d4"):
        assert shop.sink.told(id_) == [("online", "")]


# -- subscribing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("session", [PushingSession, ScriptedSession])
async def test_changes_are_taken_as_they_come(session):
    """A session that can subscribe is subscribed to; every change arrives, in order."""
    mode = None if session is PushingSession else Mode.SUBSCRIBE
    async with Shop({"a": Script({"x": 0})}, session=session, mode=mode) as shop:
        await shop.reads("a", 1)
        for value in range(1, 6):
            shop.script("a").set("x", value)
        await until(lambda: shop.sink.good("a")[-1] == (5,))
    assert shop.sink.good("a") == [(n,) for n in range(6)]
    assert shop.script("a").feeds == set()


async def test_changes_lost_in_a_buffer_are_told():
    """While the store has no room the driver's buffer runs over; its loss is counted and told."""
    shop = Shop({"a": Script({"x": 0}, buffer=2)}, session=PushingSession)
    async with shop:
        await shop.reads("a", 1)
        shop.sink.gate.clear()
        for value in range(1, 8):
            shop.script("a").set("x", value)
            await asyncio.sleep(0)
        shop.sink.gate.set()
        await until(lambda: shop.sink.good("a")[-1] == (7,))
        lost = shop.status("a").lost_changes
    assert len(shop.sink.good("a")) + lost == 8
    assert lost > 0
    (event,) = [e for e in shop.sink.events if e["type"] == "overflow"]
    assert (event["d"], event["g"], event["values"]) == ("a", "g", lost)


async def test_a_subscription_that_ends_is_made_again():
    """Whether it ends with an error or by the wire, the device is subscribed to again."""
    async with Shop({"a": Script({"x": 0})}, session=PushingSession) as shop:
        await shop.reads("a", 1)
        shop.script("a").fail(SessionLost("server shut down"))
        await until(lambda: len(shop.sink.good("a")) == 2)
        shop.wire("a").drop()
        await until(lambda: len(shop.sink.good("a")) == 3)
        assert shop.wire("a").opened == 3
    assert [state for state, _ in shop.sink.told("a")] == ["online", "offline"] * 2 + ["online"]


# -- ending --------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 40])
async def test_ending_at_any_moment_loses_no_frame(turns):
    """Whenever the collector is cancelled, every frame a device counted has reached the sink."""
    shop = Shop({"a": machine(), "b": machine()}, wires={"a": "line", "b": "line"})
    async with shop:
        for _ in range(turns):
            await asyncio.sleep(0)
    for id_ in ("a", "b"):
        assert shop.run_of(id_).reads == len(shop.sink.good(id_))
        wire = shop.wire(id_)
        assert wire.opened == wire.closed


async def test_ending_while_the_store_is_full_loses_no_frame():
    """A frame that waits for room when the end comes is handed over all the same."""
    async with Shop({"a": machine()}) as shop:
        await shop.reads("a", 1)
        shop.sink.gate.clear()
        run = shop.run_of("a")
        before = run.reads
        await until(lambda: run.reads > before)
        await shop.stop()
    assert run.reads == len(shop.sink.good("a"))


async def test_the_books_are_closed_at_the_end():
    """What was counted and not told yet is told when collecting ends, open gaps included."""
    shop = Shop({"a": machine(faults={1: Delay(0.03)}), "b": machine()})
    async with shop:
        await shop.reads("a", 2)
        await shop.reads("b", 2)
        shop.wire("b").down = True
        shop.wire("b").drop()
        await until(lambda: shop.status("b").failures >= 4)
    assert shop.sink.missed("a") == shop.run_of("a").missed > 0
    assert shop.sink.missed("b") == shop.run_of("b").missed > 0
    assert shop.sink.missed("b", "device_down") > 0


async def test_a_shop_without_devices_is_ready():
    """Without devices there is nothing to wait for."""
    async with Shop({}) as shop:
        assert shop.collector.tried
        assert shop.collector.status() == ()
