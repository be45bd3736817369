"""The book of one device's alarms: what is told, counted, shown, and said to be missing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import pytest
from jsonschema import Draft202012Validator
from unit.agent.store.patience import until

from agent.collect import alerts
from agent.collect.alarm_book import SHOWN, AlarmBook
from agent.collect.alerts import listen, wants_alerts
from drivers.api import Alert, DriverError, Remark, SessionLost
from simulators.platform.checks import load_schema

MARK = Alert(time_ns=1, severity=0, source="", kind="", message="")


class Sink:
    """Keeps every event, which must be one the contract knows."""

    def __init__(self):
        definitions = load_schema()["$defs"]
        self._valid = Draft202012Validator({"$defs": definitions, "$ref": "#/$defs/record"})
        self.events = []

    def put_losses(self, losses):
        """Take spans of loss, as the store does."""
        self.losses = [*getattr(self, "losses", ()), *losses]

    def put_event(self, t_ms, body):
        event = json.loads(b'{"n":1,' + body)
        self._valid.validate(event)
        assert event["t"] == t_ms
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
async def book(sink):
    found = AlarmBook("cnc-01", object(), sink, per_minute=120)
    yield found
    found.close()


def alarm(key="a", **more):
    facts = {"severity": 700, "source": "L1", "kind": "OffNormalAlarmType", "message": "报警"}
    return Alert(time_ns=1_795_400_000_123_456_789, key=key, **(facts | more))


async def test_an_alarm_becomes_an_event_with_everything_it_says(book, sink):
    """Device, source, kind, severity, words, state, key and the device's own time are told."""
    book.take(MARK)
    book.take(alarm(active=True, acked=False))
    (event,) = sink.of("alarm")
    del event["n"], event["t"]
    assert event == {
        "type": "alarm", "d": "cnc-01", "src": "L1", "kind": "OffNormalAlarmType", "sev": 700,
        "msg": "报警", "active": True, "acked": False, "key": "a", "at": 1_795_400_000_123,
    }  # fmt: skip


async def test_a_mark_is_no_alarm(book, sink):
    """What only says that events are seen from now on is not stored."""
    assert book.take(MARK) is True
    assert book.take(MARK) is False
    assert sink.events == []
    assert book.status().watched


async def test_hostile_texts_are_stored_as_text(book, sink):
    """Control characters, halves of surrogates and floods of text cannot spoil a row."""
    book.take(
        alarm("k\x00" * 500, message="\ud800<b>\x1b[31m\n" + "长" * 5000, source="\x00", kind="")
    )
    (event,) = sink.of("alarm")
    assert event["msg"].startswith("?<b> [31m 长")
    assert (len(event["msg"]), len(event["key"]), event["src"]) == (1024, 256, " ")


@pytest.mark.parametrize("time_ns", [-(10**18), 2**63 - 1])
async def test_a_time_that_cannot_be_told_is_left_out(book, sink, time_ns):
    """A clock before 1970 gives no false time; a far one is told as it is."""
    book.take(Alert(time_ns=time_ns, severity=1, source="s", kind="k", message="m"))
    (event,) = sink.of("alarm")
    assert ("at" in event) == (time_ns > 0)


async def test_a_time_without_ears_is_told_as_a_gap(book, sink):
    """Between two sessions nobody listened: the next one says so, the first has nothing to say."""
    book.take(MARK)
    book.deafen()
    book.deafen()
    assert not book.status().watched
    assert sink.of("alarm_gap") == []
    book.take(MARK)
    (gap,) = sink.of("alarm_gap")
    assert gap["reason"] == "not_connected"
    assert gap["from"] <= gap["to"]


async def test_an_end_that_nobody_saw_bears_no_time(book, sink):
    """Found by asking what holds: it is told as ended, and the device said nothing of when."""
    book.take(MARK)
    book.take(alarm(active=False, unseen=True))
    (event,) = sink.of("alarm")
    assert (event["active"], event["unseen"]) == (False, True)
    assert "at" not in event
    assert book.status().last[0].at_ms is None


async def test_losses_are_told_with_their_number(book, sink):
    """What the device lost, and what was too much, is told with its count and its reason."""
    book.take(Alert(time_ns=1, severity=0, source="", kind="", message="", lost=3))
    for n in range(120 + 256 + 5):
        book.take(alarm(str(n)))
    assert len(sink.of("alarm")) >= 120  # more where the machine was busy: two come free a second
    book.close()
    told = dict.fromkeys(("device_queue", "rate_limit"), 0)
    for event in sink.of("alarm_gap"):
        told[event["reason"]] += event["lost"]
    status = book.status()
    assert told == {"device_queue": 3, "rate_limit": 381 - status.told}
    assert 376 <= status.told == len(sink.of("alarm"))
    assert (status.lost, len(status.last)) == (3 + 381 - status.told, SHOWN)


async def test_repeats_are_told_by_the_one_that_stays(book, sink):
    """An alarm that comes and goes many times in a second is two rows: the first and the last."""
    for n in range(9):
        book.take(alarm(active=n % 2 == 0))
    assert [event["active"] for event in sink.of("alarm")] == [True]
    await until(lambda: len(sink.of("alarm")) == 2)
    last = sink.of("alarm")[-1]
    assert (last["active"], last["repeats"]) == (True, 7)
    assert book.status().repeats == 7


@dataclass
class Device:
    """As much of a device as listening needs."""

    alarms: AlarmBook | None
    id: str = "cnc-01"


class Session:
    """Gives alerts, then ends as it is told."""

    def __init__(self, *given, end):
        self.given = given
        self.end = end
        self.asked = 0

    async def alerts(self, plan):
        self.asked += 1
        for one in self.given:
            yield one
        raise self.end

    def remarks(self, plan):
        return [Remark("alert_filter_simplified", "simpler", "较简单", degraded=True)]


async def test_a_session_that_ends_ends_the_listening(book, sink):
    """A lost session is the supervisor's affair; the book knows that nobody listens."""
    session = Session(MARK, alarm(), end=SessionLost("gone"))
    assert wants_alerts(Device(book), session)
    with pytest.raises(SessionLost):
        await listen(session, Device(book))
    assert len(sink.of("alarm")) == 1
    assert not book.status().watched
    assert book.status().problem.zh == "较简单"


async def test_a_device_without_events_is_told_once_and_asked_again(book, monkeypatch, caplog):
    """A refusal costs the device nothing else: it is shown, logged once, and tried later."""
    monkeypatch.setattr(alerts, "REFUSED_S", 0.0)
    session = Session(end=DriverError("no events: BadServiceUnsupported", zh="不提供事件"))
    task = asyncio.ensure_future(listen(session, Device(book)))
    await until(lambda: session.asked >= 3)
    task.cancel()
    assert book.status().problem.zh == "不提供事件"
    assert caplog.text.count("no alarms are collected") == 1


def test_a_device_without_a_book_is_not_listened_to():
    """Alarms are asked for only where the configuration says so."""
    assert not wants_alerts(Device(None), Session(end=SessionLost("")))
