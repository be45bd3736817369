"""Orders: judged, sent once, read back, on record; and nothing else ever sent."""

import asyncio
import json

import pytest
from unit.agent.control.machine import Bench, Session

from agent.control import desk as desk_module
from agent.control.history import History
from agent.control.outcome import Fate, Order, Outcome
from drivers.api import Busy, ConnectError, NoReply, SessionLost, Silent


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr(desk_module, "RECONNECT_S", 0.05)
    monkeypatch.setattr(desk_module, "LOOK_EVERY_S", 0.01)
    return Bench(tmp_path)


async def test_a_value_is_written_and_shown(bench, caplog):
    """A confirmed write tells old, new and read-back value in the unit of the point."""
    outcome = await bench.write("setpoint", "22.5")
    assert outcome.fate is Fate.CONFIRMED
    assert (outcome.old, outcome.new, outcome.after) == (20.5, 22.5, 22.5)
    assert (outcome.min, outcome.max, outcome.step) == (10, 40, 0.5)
    assert (outcome.unit, outcome.description, outcome.code) == ("Cel", "设定温度", "")
    assert bench.session.sent == [("setpoint", 225)]
    assert bench.events == [
        {
            "type": "write", "d": "oven", "m": "setpoint", "by": "zhang", "result": "confirmed",
            "old": 20.5, "new": 22.5, "after": 22.5,
        }
    ]  # fmt: skip
    (line,) = [one.getMessage() for one in caplog.records]
    assert line.startswith("write by zhang: oven setpoint: 20.5 -> '22.5': confirmed")


async def test_a_preview_sends_nothing(bench):
    """Looking first tells what is there, is not on record, and writes nothing."""
    outcome = await bench.preview("run", "on")
    assert (outcome.fate, outcome.old, outcome.new) == (Fate.READY, False, True)
    assert bench.session.sent == []
    assert bench.events == []
    assert (await bench.write("run", "on")).fate is Fate.CONFIRMED


REFUSALS = [
    ("temp", "20", "not_enabled"),
    ("setpoint", "9.5", "out_of_range"),
    ("setpoint", "40.5", "out_of_range"),
    ("setpoint", "20.7", "off_step"),
    ("setpoint", "hot", "not_a_number"),
    ("run", "2", "not_a_bool"),
    ("nothing", "1", "unknown_tag"),
]


@pytest.mark.parametrize(("tag", "text", "code"), REFUSALS)
@pytest.mark.parametrize("op", ["preview", "write"])
async def test_what_is_refused_is_not_sent_and_on_record(bench, op, tag, text, code):
    """Refused at either step: the machine is not even read, the attempt is an event."""
    outcome = await getattr(bench, op)(tag, text)
    assert (outcome.fate, outcome.code) == (Fate.REFUSED, code)
    assert outcome.message.en
    assert outcome.message.zh
    assert (bench.session.sent, bench.session.reads) == ([], 0)
    (event,) = bench.events
    assert (event["result"], event["reason"], event["new"]) == ("refused", code, text)
    assert event.get("m") == (None if code == "unknown_tag" else tag)


async def test_without_leave_nothing_can_be_written(tmp_path):
    """With no `write` in any tag every order for every tag is refused."""
    plain = tuple(
        tag.model_copy(update={"write": None}) for tag in Bench(tmp_path).devices[0].entry.tags
    )
    bench = Bench(tmp_path, tags=plain)
    for tag in plain:
        for op in (bench.preview, bench.write):
            assert (await op(tag.name, "1")).code == "not_enabled"
    assert (bench.session.sent, bench.session.reads) == ([], 0)


async def test_an_unknown_device_is_no_event(bench):
    """What names no device is told and logged; there is no machine it could be stored for."""
    outcome = await bench.write("setpoint", "20", device="东")
    assert (outcome.fate, outcome.code) == (Fate.REFUSED, "unknown_device")
    assert "oven" in outcome.message.zh
    assert bench.events == []


async def test_a_device_that_is_not_connected_is_not_written(bench):
    """Without a session the order is refused at once."""
    bench.session = None
    outcome = await bench.write("setpoint", "20")
    assert (outcome.fate, outcome.code) == (Fate.REFUSED, "offline")


async def test_a_session_that_cannot_write_is_told(bench):
    """A driver that only reads is named."""

    class Reader:
        async def read(self, plan): ...

    bench.session = Reader()
    assert (await bench.write("setpoint", "20")).code == "cannot_write"


@pytest.mark.parametrize(
    "error",
    [
        NoReply("x", device="oven"),
        Silent("x", device="oven"),
        SessionLost("x"),
        Busy("x", wait_s=1),
        ConnectError("x"),
        TimeoutError(),
    ],
)
async def test_a_device_that_does_not_tell_its_value_is_not_written(bench, error):
    """If the old value cannot be had, nothing is sent."""
    bench.session.read_error = error
    outcome = await bench.write("setpoint", "20")
    assert (outcome.fate, outcome.code) == (Fate.UNREACHABLE, "no_answer")
    assert bench.session.sent == []
    assert bench.events[0]["result"] == "unreachable"


async def test_a_point_that_cannot_be_read_is_written_only_where_told(bench):
    """Without a read-back the point must say confirm: none."""
    bench.session.bad = {"sp": "BadConfigurationError", "reset": "BadConfigurationError"}
    assert (await bench.write("setpoint", "20")).code == "not_readable"
    assert bench.session.sent == []
    outcome = await bench.write("reset", "1")
    assert (outcome.fate, outcome.old) == (Fate.CONFIRMED, None)


@pytest.mark.parametrize(
    ("tag", "says", "fate"),
    [
        ("setpoint", "BadReadBackDiffers", Fate.UNCONFIRMED),
        ("setpoint", "BadReadBackFailed", Fate.UNCONFIRMED),
        ("setpoint", "BadOutOfRange", Fate.UNCONFIRMED),
        ("setpoint", "BadUnknownResponse", Fate.UNCONFIRMED),
        ("reset", "BadReadBackDiffers", Fate.ACCEPTED),
        ("reset", "BadReadBackFailed", Fate.ACCEPTED),
        ("reset", "BadOutOfRange", Fate.UNCONFIRMED),
        ("reset", "BadTimeout", Fate.UNCONFIRMED),
        ("reset", "BadUnknownResponse", Fate.UNCONFIRMED),
    ],
)
async def test_what_the_device_says_decides(bench, tag, says, fate):
    """Only a yes of the device counts, and only confirm: none goes without the read-back."""
    bench.session.says, bench.session.takes = says, False
    outcome = await bench.write(tag, "12" if tag == "setpoint" else "1")
    assert outcome.fate is fate
    assert outcome.after == (20.5 if tag == "setpoint" else 0)
    assert outcome.message.zh


@pytest.mark.parametrize("says", ["BadTimeout", "BadConnectionClosed", "BadResourceUnavailable"])
@pytest.mark.parametrize("taken", [True, False])
async def test_where_nobody_knows_a_new_look_decides(bench, says, taken):
    """After a silence the value is looked for, on a new connection if need be."""
    first, second = bench.session, Session({"sp": 120 if taken else 205})
    first.says = says
    told = first.write

    async def write_and_die(plan, values):
        first.read_error = SessionLost("over")
        bench.session = second
        return await told(plan, values)

    first.write = write_and_die
    outcome = await bench.write("setpoint", "12")
    assert outcome.fate is (Fate.CONFIRMED if taken else Fate.UNCONFIRMED)
    assert outcome.after == (12 if taken else 20.5)
    assert outcome.code == ("" if taken else says)
    assert len(first.sent) == 1
    assert second.sent == []


@pytest.mark.parametrize("error", [SessionLost("x"), TimeoutError()])
async def test_a_write_that_raises_is_not_knowing(bench, error):
    """A driver that breaks its promise, or takes for ever, leaves the outcome open."""
    bench.session.write_error = error
    bench.session.read_error = None
    outcome = await bench.write("setpoint", "12")
    assert (outcome.fate, outcome.code, outcome.after) == (Fate.UNCONFIRMED, "BadTimeout", 20.5)


async def test_a_device_that_stays_away_is_looked_for_in_vain(bench):
    """When no connection comes back in time, what is held is told as unknown."""
    session = bench.session
    told = session.write

    async def write_and_die(plan, values):
        bench.session = None
        session.says = "BadConnectionClosed"
        return await told(plan, values)

    session.write = write_and_die
    outcome = await bench.write("setpoint", "12")
    assert (outcome.fate, outcome.after) == (Fate.UNCONFIRMED, None)


async def test_the_interval_holds_over_restarts(bench):
    """A point that was just written is left alone, by another life of the agent too."""
    assert (await bench.write("run", "1")).fate is Fate.CONFIRMED
    assert (await bench.write("run", "0")).code == "too_soon"
    bench.desk = bench.new_desk()
    assert (await bench.preview("run", "0")).code == "too_soon"
    assert bench.session.sent == [("run", True)]


async def test_what_is_refused_does_not_wear(bench):
    """Only what is sent counts for the interval."""
    bench.session.read_error = SessionLost("x")
    await bench.write("run", "1")
    bench.session.read_error = None
    assert (await bench.write("run", "1")).fate is Fate.CONFIRMED


async def test_one_order_at_a_time(bench):
    """Orders that arrive together are carried out one after the other."""
    inside, most = 0, 0
    told = bench.session.write

    async def slow(plan, values):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        return await told(plan, values)

    bench.session.write = slow
    outcomes = await asyncio.gather(*(bench.write("setpoint", f"{20 + n}") for n in range(5)))
    assert [one.old for one in outcomes] == [20.5, 20, 21, 22, 23]
    assert most == 1


async def test_a_stop_in_the_middle_is_on_record(bench):
    """An agent that stops while a write is out says that nobody knows."""
    sent = asyncio.Event()

    async def never(_plan, _values):
        sent.set()
        await asyncio.Event().wait()

    bench.session.write = never
    task = asyncio.create_task(bench.write("setpoint", "12"))
    await sent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (event,) = bench.events
    assert (event["result"], event["reason"], event["new"]) == ("unconfirmed", "BadShutdown", "12")


async def test_an_outcome_survives_the_socket(bench):
    """What the desk says is what the command line reads."""
    for tag, text in (("setpoint", "22"), ("run", "1"), ("temp", "1")):
        outcome = await bench.write(tag, text)
        assert Outcome.from_line(json.dumps(outcome.as_dict()).encode()) == outcome


async def test_long_words_fit_the_event(bench):
    """Whatever is typed, the event is one the platform takes."""
    who = "w" * 300
    await bench.desk.write(Order("oven", "setpoint", "9" * 300, who))
    await bench.desk.write(Order("oven", "x" * 300, "1\n2", who))
    assert [len(event["by"]) for event in bench.events] == [64, 64]


def test_a_history_that_cannot_be_kept_hinders_nobody(tmp_path, caplog):
    """A damaged file counts as empty, a folder that cannot be written to is told in the log."""
    path = tmp_path / "h"
    for content in (b"\xff", b"[1]", b'{"a/b": "x"}', b"{"):
        path.write_bytes(content)
        assert History(path).since_s("a", "b", now_ms=5) is None
    History(path).note("a", "b", now_ms=1000)
    assert History(path).since_s("a", "b", now_ms=3500) == 2.5
    lost = History(tmp_path / "none" / "h")
    lost.note("a", "b", now_ms=1000)
    assert lost.since_s("a", "b", now_ms=2000) == 1
    assert "cannot be written" in caplog.text
