"""Pauses grow, are jittered, are bounded, and begin again after a success."""

from __future__ import annotations

from agent.backoff import Backoff


def test_pauses_double_up_to_the_longest():
    """Each pause lies between half and the whole of a bound that doubles and then stays."""
    backoff = Backoff(first_s=1, longest_s=10)
    for bound in (1, 2, 4, 8, 10, 10):
        assert bound / 2 <= backoff.next_s() <= bound
    assert backoff.failures == 6


def test_a_success_begins_again():
    """After a reset the next pause is the first one."""
    backoff = Backoff(first_s=1, longest_s=100)
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.failures == 0
    assert backoff.next_s() <= 1


def test_years_of_failures_stay_bounded():
    """The bound holds however often it failed."""
    backoff = Backoff(first_s=1, longest_s=60)
    assert all(backoff.next_s() <= 60 for _ in range(5000))


def test_gateways_do_not_knock_in_step():
    """Pauses of the same bound differ."""
    assert len({Backoff(first_s=10).next_s() for _ in range(20)}) > 1
