"""What is in flight: bounded by us and by the broker, the backlog by its share."""

from __future__ import annotations

import pytest
from unit.agent.publish.messages import row

from agent.config.destination import Destination
from agent.publish.window import Sent, Window


def window(receive_maximum=65_535, **fields):
    """Give the window of a new connection."""
    made = Window(Destination(url="mqtt://broker", **fields))
    made.open(receive_maximum)
    return made


@pytest.mark.parametrize(("ours", "theirs", "most"), [(3, 65_535, 3), (20, 2, 2), (1, 1, 1)])
def test_the_smaller_bound_holds(ours, theirs, most):
    """There is room until our window or the broker's Receive Maximum is reached."""
    made = window(theirs, window=ours)
    for mid in range(1, most + 1):
        assert made.has_room
        made.add(mid, Sent([row(mid)], live=True))
    assert not made.has_room
    assert made.take(1).rows == [row(1)]
    assert made.has_room


def test_the_backlog_has_its_share():
    """The backlog fills its share of the window, live rows the rest."""
    made = window(window=5, backlog_share=0.6)
    for mid in (1, 2, 3):
        assert made.backlog_has_room
        made.add(mid, Sent([row(mid)], live=False))
    assert not made.backlog_has_room
    assert made.has_room
    made.add(4, Sent([row(4)], live=True))
    made.take(4)
    assert not made.backlog_has_room
    made.take(2)
    assert made.backlog_has_room


def test_a_window_of_one_still_lets_the_backlog_through():
    """The share is never less than one message."""
    assert window(window=1, backlog_share=0.1).backlog_has_room


def test_an_acknowledgement_counts_once():
    """A second or unknown acknowledgement gives nothing."""
    made = window()
    made.add(7, Sent([row(1)], live=False))
    assert made.take(8) is None
    assert not made.take(7).live
    assert made.take(7) is None
    assert len(made) == 0


def test_what_was_in_flight_is_given_back_when_the_connection_ends():
    """Everything unacknowledged is given back, once, and counts no more."""
    made = window(window=2, backlog_share=1)
    made.add(1, Sent([row(1)], live=False))
    made.add(2, Sent([], live=True))
    assert [[r.seq for r in sent.rows] for sent in made.abandon()] == [[1], []]
    assert made.abandon() == []
    assert made.backlog_has_room
