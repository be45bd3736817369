"""What the numbers of a subscription's messages tell, and its silence."""

from __future__ import annotations

import pytest

from drivers.api import SessionLost
from drivers.opcua.calls import Revised
from drivers.opcua.subscribing.lifeline import (
    LATE,
    MOST_MESSAGES,
    Numbering,
    Vigil,
    after,
    keepalives_of,
)
from drivers.testing.expect import eventually

LAST = 2**32 - 1


def taken(*messages, start=None):
    numbering = Numbering()
    if start is not None:
        numbering.take(start, has_data=False)
    return [numbering.take(number, has_data=has_data) for number, has_data in messages]


@pytest.mark.parametrize(
    ("messages", "missing"),
    [
        ([(1, True), (2, True), (3, True)], [0, 0, 0]),
        ([(1, False), (1, True), (2, False), (2, True)], [0, 0, 0, 0]),
        ([(1, True), (4, True), (5, True)], [0, 2, 0]),
        ([(1, True), (4, False), (4, True)], [0, 2, 0]),
        ([(1, True), (1, False), (2, True), (0, False), (3, True)], [0, 0, 0, 0, 0]),
        ([(0, False), (1, True), (0, False), (2, True)], [0, 0, 0, 0]),
        ([(3, True), (4, True)], [2, 0]),
        ([(2, False), (2, True)], [1, 0]),
        ([(500, True), (501, True)], [0, 0]),
        ([(1, True), (4, True), (3, True), (2, True), (5, True)], [0, 2, LATE, LATE, 0]),
    ],
)
def test_missing_messages_are_counted_from_the_first(messages, missing):
    """The first is number 1; a keep-alive uses none up; a message may overtake another."""
    assert taken(*messages) == missing


def test_numbers_wrap_to_one():
    """0 is no message's number."""
    assert taken((LAST, True), (1, True), (3, True), start=LAST) == [0, 0, 1]
    assert (after(LAST), after(1, -1), after(LAST, 3)) == (1, LAST, 3)


@pytest.mark.parametrize(
    "messages",
    [
        [(1, True), (1, True)],
        [(1, True), (2, True), (3, True), (1, True)],
        [(1, True), (3, True), (2, True), (2, True)],
        [(900, True), (1, True)],
    ],
)
def test_a_number_that_was_taken_before_is_the_end(messages):
    """A message that comes again, or numbers that begin anew, are not taken for new values."""
    with pytest.raises(SessionLost, match="numbers anew"):
        taken(*messages)


def test_a_server_that_jumps_costs_no_memory():
    """Only the last missing numbers are remembered."""
    numbering = Numbering()
    for number in range(1, 10**9, 10**7):
        numbering.take(number, has_data=True)
    assert len(numbering._missing) <= MOST_MESSAGES


def test_keepalive_is_counted_in_publishing_intervals():
    """The subscription outlives the silence after which we call it dead."""
    assert keepalives_of(3.0, publishing_s=0.5) == (6, 36)
    assert keepalives_of(0.1, publishing_s=1.0) == (1, 6)


async def test_silence_is_told_once():
    """Three keep-alive intervals without a message end the watch."""
    told = []
    vigil = Vigil(told.append)
    vigil.keep(Revised(1, 0.01, 0.02))
    assert await eventually(lambda: told)
    assert told == [0.06]
    vigil.close()
