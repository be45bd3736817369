"""The scripted driver does what its script says, when it says."""

import asyncio
from contextlib import aclosing

import pytest

from drivers.api import (
    AccessError,
    Busy,
    ClockSource,
    ConnectError,
    NoReply,
    Quality,
    SessionLost,
    Tag,
)
from drivers.testing.frames import assert_frame_valid
from drivers.testing.script import NO_SUCH_POINT, Delay, Never, Script, Spoil, Wire
from drivers.testing.scripted import ScriptedConfig, ScriptedDriver

TAGS = (Tag("speed", "s"), Tag("count", "c"))
CONFIG = ScriptedConfig(timeout_s=0.05)


def staged(script, **wires):
    """Give a driver that plays a script as device `m`, its link, and a plan."""
    driver = ScriptedDriver({"m": script}, {"wire": wires.get("wire", Wire())})
    return driver, driver.link(CONFIG), driver.plan(CONFIG, TAGS, device="m", group="g")


async def test_sources_advance_with_reads():
    """Constants stay, lists end with their last value, functions see the read's number."""
    driver, link, plan = staged(Script({"s": [1, 2], "c": lambda tick: tick * 10}))
    async with driver.open(link) as session:
        frames = [await session.read(plan) for _ in range(3)]
    assert [frame.values for frame in frames] == [(1, 0), (2, 10), (2, 20)]


async def test_groups_count_their_own_reads():
    """A fault at read 1 of a group does not depend on other groups."""
    script = Script({"s": 1, "c": 2}, faults={1: Busy("later", wait_s=0.1)})
    driver, link, plan = staged(script)
    other = driver.plan(CONFIG, TAGS, device="m", group="slow")
    async with driver.open(link) as session:
        await session.read(plan)
        await session.read(other)
        with pytest.raises(Busy):
            await session.read(other)
        with pytest.raises(Busy):
            await session.read(plan)
        await session.read(plan)
    assert (script.reads(), script.reads("g"), script.reads("slow")) == (5, 3, 2)


@pytest.mark.parametrize("error", [NoReply("silent"), SessionLost("cut")])
async def test_lost_session_stays_lost(error):
    """After a scripted loss the session answers nothing more; the next one does."""
    driver, link, plan = staged(Script({"s": 1, "c": 2}, faults={0: error}))
    async with driver.open(link) as session:
        for _ in range(2):
            with pytest.raises(SessionLost):
                await session.read(plan)
    async with driver.open(link) as session:
        assert (await session.read(plan)).values == (1, 2)


async def test_any_exception_can_be_scripted():
    """A driver with a bug is a script too."""
    driver, link, plan = staged(Script({}, faults={0: ZeroDivisionError()}))
    async with driver.open(link) as session:
        with pytest.raises(ZeroDivisionError):
            await session.read(plan)


async def test_spoilt_tags_have_reasons():
    """A spoilt tag is bad without a value, or uncertain with one; a missing one is bad."""
    script = Script({"s": 1}, faults={1: Spoil({"s": "sensor"}, Quality.UNCERTAIN)})
    script.fault = Spoil({"s": "sensor"})
    driver, link, plan = staged(script)
    async with driver.open(link) as session:
        bad, doubtful = await session.read(plan), await session.read(plan)
    for frame in (bad, doubtful):
        assert_frame_valid(frame, plan)
        assert frame.reasons == {0: "sensor", 1: NO_SUCH_POINT}
    assert (bad.values, bad.qualities) == ((None, None), bytes([0, 0]))
    assert (doubtful.values, doubtful.qualities) == ((1, None), bytes([64, 0]))


async def test_slow_and_endless_reads():
    """A delayed read answers late; one that never returns only ends by cancelling."""
    driver, link, plan = staged(Script({"s": 1, "c": 2}, faults={0: Delay(0.01), 1: Never()}))
    async with driver.open(link) as session:
        begun = asyncio.get_running_loop().time()
        await session.read(plan)
        assert asyncio.get_running_loop().time() - begun >= 0.01
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await session.read(plan)


async def test_openings_fail_as_written():
    """Each opening has its own fate; a wire that is down refuses all."""
    wire = Wire(opens={0: ConnectError("refused"), 1: AccessError("password")})
    driver, link, _ = staged(Script({}), wire=wire)
    for error in (ConnectError, AccessError):
        with pytest.raises(error):
            await driver.open(link).__aenter__()
    async with driver.open(link):
        wire.down = True
    with pytest.raises(ConnectError):
        await driver.open(link).__aenter__()
    assert (wire.tried, wire.opened, wire.closed) == (4, 1, 1)


async def test_device_clock_and_reused_values():
    """A script can stamp values, and hand over the same values object while nothing changes."""
    script = Script({"s": [1, 1, True], "c": 2}, stamp=lambda tick: tick + 1, reuse=True)
    driver, link, plan = staged(script)
    async with driver.open(link) as session:
        frames = [await session.read(plan) for _ in range(3)]
    assert [frame.times_ns for frame in frames] == [(1, 1), (2, 2), (3, 3)]
    assert frames[0].clock is ClockSource.DEVICE
    assert frames[1].values is frames[0].values
    assert frames[2].values == (True, 2)
    assert frames[2].values is not frames[0].values


async def test_subscription_follows_and_fails():
    """A subscription gives the current values, each change by its column, then the error."""
    script = Script({"s": 1, "c": 2})
    driver, link, plan = staged(script)
    async with (
        driver.open(link) as session,
        aclosing(session.subscribe(plan, interval_s=1)) as frames,
    ):
        assert (await anext(frames)).values == (1, 2)
        script.set("c", 3)
        script.fail(SessionLost("cut"))
        change = await anext(frames)
        assert (change.values, change.columns, change.overflow) == ((3,), (1,), 0)
        with pytest.raises(SessionLost):
            await anext(frames)
    assert not script.feeds


async def test_overrun_drops_the_oldest_and_counts():
    """A full buffer loses its oldest frames and says how many values."""
    script = Script({"s": 0, "c": 0}, buffer=2)
    driver, link, plan = staged(script)
    async with (
        driver.open(link) as session,
        aclosing(session.subscribe(plan, interval_s=1)) as frames,
    ):
        await anext(frames)
        for value in range(1, 6):
            script.set("s", value)
        taken = [await anext(frames) for _ in range(2)]
    assert [(frame.values, frame.overflow) for frame in taken] == [((4,), 3), ((5,), 0)]


async def test_devices_share_a_wire_and_not_a_script():
    """Two devices of one wire have equal links and each its own values."""
    driver = ScriptedDriver({"a": Script({"s": 1}), "b": Script({"s": 2})})
    plans = [driver.plan(CONFIG, TAGS[:1], device=device, group="g") for device in "ab"]
    slow = ScriptedConfig(timeout_s=9)
    assert driver.link(CONFIG) == driver.link(slow)
    async with driver.open(driver.link(CONFIG)) as session:
        assert [(await session.read(plan)).values for plan in plans] == [(1,), (2,)]
