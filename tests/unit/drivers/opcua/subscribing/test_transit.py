"""How long messages were held up on their way, by two clocks that agree on nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.opcua.subscribing.transit import WINDOW_NS, Transit

S = 1_000_000_000
ANY_DATE = 13_000_000_000 * S
"""What the server's clock shows when ours shows 0."""


def came(transit, *messages):
    """Give how long each (sent, came) pair was held up, in seconds of one clock."""
    return [
        transit.held_up_ns(ANY_DATE + round(sent * S), round(at * S)) / S for sent, at in messages
    ]


def test_messages_in_time_are_not_held_up():
    """The same way for each: nothing is added, whatever the server's clock shows."""
    assert came(Transit(), (1, 1.2), (2, 2.2), (3, 3.2)) == [0, 0, 0]


def test_what_waited_on_its_way_is_told():
    """A link that froze, a program without a turn: all that came at its end is older."""
    assert came(Transit(), (1, 1), (2, 14), (8, 14), (14, 14), (15, 15)) == [0, 12, 6, 0, 0]


def test_a_long_wait_is_told_whole():
    """Longer than what is remembered of quick messages."""
    way_s = 3 * WINDOW_NS / S
    found = came(Transit(), (1, 1), (2, 2 + way_s), (2.5, 2 + way_s))
    assert found == [0, way_s, way_s - 0.5]


def test_no_message_is_older_than_the_one_before():
    """A server's clock put back by less than shows costs no more than the time between."""
    assert came(Transit(), (10, 10), (10.5, 15), (11, 16)) == [0, 4.5, 5]
    assert came(Transit(), (10, 10), (20, 20), (20.5, 20.1)) == [0, 0, 0]


@pytest.mark.parametrize(
    "messages",
    [
        [(1, 1), (2, 2), (-3600, 3), (-3599, 4)],
        [(1, 1), (2, 2), (90_000, 3), (90_001, 4)],
        [(5, 1), (5, 3), (5, 5)],
    ],
    ids=["put back", "put forward", "stands"],
)
def test_a_clock_that_was_set_or_stands_says_nothing(messages):
    """Times of sending that do not follow each other make no message old."""
    assert came(Transit(), *messages) == [0] * len(messages)


def test_a_server_that_tells_no_time_is_believed_to_be_quick():
    """Without a time of sending nothing is known of the way."""
    transit = Transit()
    assert [transit.held_up_ns(0, at * S) for at in (1, 50, 99)] == [0, 0, 0]


def test_a_way_that_became_longer_counts_for_a_while_only():
    """A slower network is the usual way after two windows."""
    transit, step_s = Transit(), WINDOW_NS / S / 4
    turns = [(at * step_s, at * step_s + (0.3 if at > 4 else 0.1)) for at in range(1, 20)]
    found = came(transit, *turns)
    assert found[4] == pytest.approx(0.2)
    assert found[-1] == 0


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**40)), max_size=30))
def test_whatever_a_server_tells_time_goes_forward(pairs):
    """By any times of sending: never held up less than not at all, never older than the last."""
    transit, at_ns, then_ns = Transit(), 0, 0
    for sent_ns, pause_ns in pairs:
        at_ns += pause_ns
        late_ns = transit.held_up_ns(sent_ns, at_ns)
        assert late_ns >= 0
        if sent_ns:
            assert at_ns - late_ns >= then_ns
            then_ns = at_ns - late_ns
