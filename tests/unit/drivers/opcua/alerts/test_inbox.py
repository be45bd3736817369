"""Events that wait: each once, in order, bounded, and nothing lost unsaid."""

from __future__ import annotations

import asyncio

import pytest

from drivers.api import SessionLost
from drivers.opcua.alerts.inbox import MOST_WAITING, Inbox
from drivers.opcua.alerts.reports import Report


def fill(inbox, *reports):
    for one in reports:
        inbox.put(one)


def report(n):
    return Report(event_id=str(n).encode(), message=str(n))


async def test_an_event_of_two_notifiers_is_given_once():
    """Machine and server tell of one event; it is given once, in its place."""
    inbox = Inbox()
    fill(inbox, report(1), report(1), report(2))
    inbox.put(report(1))
    assert [(await inbox.get()).message for _ in range(2)] == ["1", "2"]
    inbox.end(SessionLost("over"))
    with pytest.raises(SessionLost):
        await inbox.get()


async def test_events_without_an_id_are_all_given():
    """An id that is absent says nothing of two events being one."""
    inbox = Inbox()
    fill(inbox, Report(message="a"), Report(message="a"))
    assert [(await inbox.get()).message for _ in range(2)] == ["a", "a"]


async def test_the_end_of_an_alarm_is_told_though_its_id_is_the_same():
    """A server that keeps one id for a condition loses none of its states."""
    inbox = Inbox()
    fill(inbox, *(Report(event_id=b"1", message="stop", active=on) for on in (True, False, False)))
    assert [(await inbox.get()).active for _ in range(2)] == [True, False]
    inbox.end(SessionLost("over"))
    with pytest.raises(SessionLost):
        await inbox.get()


async def test_what_does_not_fit_is_counted_and_asked_for_anew():
    """The oldest go first, are counted, and may come again by a refresh."""
    inbox = Inbox()
    fill(inbox, *map(report, range(MOST_WAITING + 3)))
    assert await inbox.get() is None  # look at what holds
    assert inbox.take_lost() == 3
    assert inbox.take_lost() == 0
    assert (await inbox.get()).message == "3"
    fill(inbox, report(0), report(5))
    rest = [(await inbox.get()).message for _ in range(MOST_WAITING)]
    assert rest[-1] == "0"  # 5 waited all the time, 0 had gone


async def test_what_waited_comes_before_the_end():
    """An end does not take away what came before it."""
    inbox = Inbox()
    inbox.put(report(1))
    inbox.lose(1)
    inbox.end(SessionLost("first"))
    inbox.end(SessionLost("second"))
    assert (await inbox.get()).message == "1"
    with pytest.raises(SessionLost, match="first"):
        await inbox.get()


async def test_a_waiting_reader_is_woken():
    """Whoever waits gets the event that comes."""
    inbox = Inbox()
    waiting = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    inbox.put(report(7))
    async with asyncio.timeout(5):
        assert (await waiting).message == "7"
