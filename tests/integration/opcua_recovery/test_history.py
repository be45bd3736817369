"""What the driver makes of the histories that servers keep, and of the lies they tell."""

from __future__ import annotations

import time

import pytest
import pytest_asyncio
from integration.opcua_recovery.plant import SIZE

from drivers.api import DriverError, Tag
from drivers.opcua import DRIVER
from drivers.opcua.history import past
from drivers.testing.frames import assert_frame_valid
from simulators.opcua.device import Device
from simulators.opcua.history import Historian
from simulators.opcua.plain import Plain
from simulators.opcua.space import MACHINES_NAMESPACE

pytestmark = pytest.mark.asyncio(loop_scope="module")

S = 1_000_000_000
VALUES = 300
STEP_NS = S // 5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running():
    """A machine that worked for a minute, 100 s ago."""
    content = Plain(SIZE, types=("UInt32",))
    historian = Historian(depth=10_000, portion=50)
    async with Device(content, historian=historian) as device:
        device.began_ns = time.time_ns() // 1_000_000 * 1_000_000 - 100 * S
        for n in range(VALUES):
            await content.count(device, time_ns=device.began_ns + n * STEP_NS)
        yield device


@pytest.fixture
def device(running):
    """The machine, telling the truth before and after."""
    yield running
    running.historian.mood = "good"
    running.clock.set("true")


class Asked:
    """What was given of a span; `error` is what ended it."""

    def __init__(self):
        self.values, self.marks, self.error = [], [], ""


async def ask(device, *, from_s=-10.0, to_s=100.0, addresses=None, limits=None):
    """Ask for a span around the minute in which the machine worked."""
    config = DRIVER.config(driver="opcua", url=device.url, max_items_per_call=limits or 1000)
    names = addresses or [f"nsu={MACHINES_NAMESPACE};s=V{n}" for n in range(SIZE)]
    tags = [Tag(f"v{n}", address) for n, address in enumerate(names)]
    plan = DRIVER.plan(config, tags, device="cnc", group="g")
    asked = Asked()
    from_ns, to_ns = (device.began_ns + int(each * S) for each in (from_s, to_s))
    async with DRIVER.open(DRIVER.link(config)) as session:
        try:
            async for frame in session.history(plan, from_ns=from_ns, to_ns=to_ns):
                assert frame.backfill
                if not frame.values:
                    asked.marks.append(frame.read_ns)
                    continue
                assert_frame_valid(frame, plan)
                asked.values += zip(frame.columns, frame.times_ns, frame.values, strict=True)
        except DriverError as error:
            asked.error = str(error)
        assert session.alive
        assert len((await session.read(plan)).values) == len(tags)
    return asked


def truth(device, *, start=0, end=VALUES):
    """What the variables held between two steps."""
    return [
        (n, device.began_ns + step * STEP_NS, (step + 1 + n) % 120)
        for step in range(start, end)
        for n in range(SIZE)
    ]


async def test_a_span_is_given_whole_and_oldest_first(device):
    """Every value with its own time, once, in the order of time; a mark closes each window."""
    asked = await ask(device)
    assert asked.error == ""
    assert sorted(asked.values) == sorted(truth(device))
    times = [time_ns for _, time_ns, _ in asked.values]
    assert times == sorted(times)
    assert asked.marks == sorted(set(asked.marks))
    assert asked.marks[-1] == device.began_ns + 100 * S


async def test_the_edges_of_a_span_are_kept(device):
    """The first moment belongs to the span, the last does not."""
    asked = await ask(device, from_s=1.0, to_s=2.0)
    assert sorted(asked.values) == sorted(truth(device, start=5, end=10))


@pytest.mark.parametrize("most", [40, 200, 1000])
async def test_a_full_window_is_made_smaller(device, monkeypatch, most):
    """However little may be in memory at once, nothing is lost and nothing comes twice."""
    monkeypatch.setattr(past, "MOST_VALUES", most)
    asked = await ask(device)
    assert asked.error == ""
    assert sorted(asked.values) == sorted(truth(device))


async def test_points_without_a_history_are_told(device):
    """The other points are given; that some are not is no silent loss."""
    kept = f"nsu={MACHINES_NAMESPACE};s=V0"
    asked = await ask(device, addresses=[kept, f"nsu={MACHINES_NAMESPACE};s=Still.Int32"])
    assert len(asked.values) == VALUES
    assert asked.error == "the server keeps 1 of 2 points"


async def test_no_history_is_nothing(device):
    """A plan of which nothing is kept gives no frame and no error."""
    asked = await ask(device, addresses=[f"nsu={MACHINES_NAMESPACE};s=Still.Int32"])
    assert (asked.values, asked.marks, asked.error) == ([], [], "")


async def test_a_service_that_is_not_there_is_nothing(device):
    """Servers that say a point has a history and then refuse it give no frame and no error."""
    device.historian.mood = "refuse"
    asked = await ask(device)
    assert (asked.values, asked.marks, asked.error) == ([], [], "")


async def test_a_history_we_may_not_read_is_an_error(device):
    """Who is denied the history can do something about it."""
    device.historian.mood = "denied"
    asked = await ask(device)
    assert asked.values == []
    assert "BadUserAccessDenied" in asked.error


async def test_an_empty_history_is_complete(device):
    """GoodNoData is an answer: nothing changed."""
    device.historian.mood = "empty"
    asked = await ask(device)
    assert (asked.values, asked.error) == ([], "")
    assert asked.marks


async def test_a_history_without_an_end_is_stopped(device):
    """A server that gives the same portion for ever is believed once, and told."""
    device.historian.mood = "endless"
    asked = await ask(device)
    assert len(asked.values) == len(set(asked.values)) <= 4 * VALUES
    assert "BadContinuationPointInvalid" in asked.error


async def test_a_history_in_the_wrong_order_is_put_right(device):
    """Newest first, portion by portion, comes out as oldest first."""
    device.historian.mood = "reversed"
    asked = await ask(device)
    assert sorted(asked.values) == sorted(truth(device))
    times = [time_ns for _, time_ns, _ in asked.values]
    assert times == sorted(times)


@pytest.mark.parametrize(("mood", "from_s"), [("outside", 30.0), ("restamped", -10.0)])
async def test_values_of_another_time_are_left_out(device, caplog, mood, from_s):
    """What lies outside the span asked for is not believed, and counted."""
    device.historian.mood = mood
    asked = await ask(device, from_s=from_s, to_s=60.0)
    assert asked.values == []
    assert "past values left out: outside the span, or twice" in caplog.text


async def test_a_clock_that_is_far_off_spoils_the_history(device):
    """Live values bear our time then: what bears the device's is not put among them."""
    device.clock.set("2000-01-01")
    asked = await ask(device)
    assert asked.values == []
    assert "clock" in asked.error


async def test_a_clock_that_is_a_little_off_does_not(device):
    """The span is asked for by the server's clock; values keep the time it gave them."""
    device.clock.set("+90s")
    asked = await ask(device, from_s=-100.0, to_s=10.0)
    assert sorted(asked.values) == sorted(truth(device))
