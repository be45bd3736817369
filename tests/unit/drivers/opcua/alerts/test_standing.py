"""What holds over sessions: an end is concluded from a whole look, and from nothing less."""

from __future__ import annotations

import pytest

from drivers.api import Alert
from drivers.opcua.alerts import standing
from drivers.opcua.alerts.standing import Look, Standing


def alert(key, *, active=True, source="L1"):
    return Alert(1, 700, source, "OffNormalAlarmType", f"alarm {key}", active=active, key=key)


def knowing(*alerts):
    found = Standing()
    for one in alerts:
        found.note(one)
    return found


def keys(alerts):
    return [one.key for one in alerts]


def test_what_a_look_did_not_show_has_ended():
    """Its end bears its words, no word of who acknowledged it, and when it was found."""
    (ended,) = knowing(alert("a"), alert("b")).ended(frozenset({("L1", "a")}), now_ns=9)
    assert (ended.key, ended.message, ended.active, ended.acked) == ("b", "alarm b", False, None)
    assert (ended.time_ns, ended.unseen) == (9, True)


def test_an_end_is_told_once():
    """What was told as ended, seen or unseen, does not end again."""
    known = knowing(alert("a"), alert("b"), alert("b", active=False))
    (ended,) = known.ended(frozenset(), now_ns=9)
    known.note(ended)
    assert known.ended(frozenset(), now_ns=10) == []


def test_conditions_are_told_apart_by_source_and_key():
    """The same key at another machine is another condition."""
    known = knowing(alert("a"), alert("a", source="V1"))
    assert [one.source for one in known.ended(frozenset({("L1", "a")}), now_ns=9)] == ["V1"]


@pytest.mark.parametrize("plain", [alert("", active=True), alert("a", active=None)])
def test_what_has_no_state_or_no_name_never_ends(plain):
    """A plain message is over when it is said."""
    assert knowing(plain).ended(frozenset(), now_ns=9) == []


def test_memory_is_bounded(monkeypatch):
    """The oldest condition is forgotten where there is no room."""
    monkeypatch.setattr(standing, "MOST_STANDING", 2)
    known = knowing(alert("a"), alert("b"), alert("a"), alert("c"))
    assert keys(known.ended(frozenset(), now_ns=9)) == ["a", "c"]


def looking(*notifiers):
    found = Look()
    found.expect(frozenset(notifiers))
    return found


def test_a_look_is_what_came_between_its_marks():
    """What came before the start says nothing of what holds."""
    look = looking(0)
    look.see(("L1", "before"))
    look.begin(0)
    look.see(("L1", "a"))
    assert look.end(0) == {("L1", "a")}
    assert look.end(0) is None


def test_a_look_ends_with_the_last_notifier():
    """Until each one has told all it has, nothing is concluded."""
    look = looking(0, 1)
    look.begin(0)
    look.begin(1)
    look.see(("L1", "a"))
    assert look.end(0) is None
    look.see(("V1", "b"))
    assert look.end(1) == {("L1", "a"), ("V1", "b")}


def test_a_torn_look_says_nothing_and_the_next_one_does():
    """Where something was lost on the way, a condition may have been among it."""
    look = looking(0)
    look.begin(0)
    look.tear()
    assert look.end(0) is None
    look.begin(0)
    assert look.end(0) == frozenset()


def test_a_start_that_comes_again_begins_anew():
    """A server that broke off a look and begins another is taken at its last word."""
    look = looking(0)
    look.begin(0)
    look.see(("L1", "a"))
    look.begin(0)
    assert look.end(0) == frozenset()


def test_without_states_nothing_is_concluded():
    """A server that took only a simpler filter does not tell what holds."""
    look = looking()
    look.begin(0)
    assert look.end(0) is None


def test_a_look_without_end_is_bounded(monkeypatch):
    """More conditions than are remembered of one look make it worth nothing."""
    monkeypatch.setattr(standing, "MOST_SEEN", 2)
    look = looking(0)
    look.begin(0)
    for number in range(4):
        look.see(("L1", str(number)))
    assert look.end(0) is None
