"""The trust in the wall clock: asked of the kernel, remembered over a loss."""

from __future__ import annotations

import pytest

from agent.telemetry import clock
from agent.telemetry.clock import Clock


@pytest.mark.parametrize(
    ("answers", "states"),
    [
        ([False, False], ["free", "free"]),
        ([True, True], ["sync", "sync"]),
        ([False, True, False, True], ["free", "sync", "hold", "sync"]),
    ],
)
def test_states_follow_the_kernel(monkeypatch, answers, states):
    """Never synchronised is free, now is sync, no more is hold."""
    asked = iter(answers)
    monkeypatch.setattr(clock, "FRESH_S", 0.0)
    made = Clock()
    monkeypatch.setattr(made, "_synchronised", lambda: next(asked))
    assert [made.state() for _ in answers] == states


def test_a_fresh_state_is_not_asked_for_again(monkeypatch):
    """Messages close to each other cost one system call."""
    asked = iter([True, False])
    made = Clock()
    monkeypatch.setattr(made, "_synchronised", lambda: next(asked))
    assert [made.state(), made.state()] == ["sync", "sync"]
    assert list(asked) == [False]


def test_the_kernel_can_be_asked():
    """The kernel of this machine gives one of the states the payload knows."""
    assert Clock().state() in {clock.SYNC, clock.FREE}


def test_a_system_without_the_call_trusts_nothing(monkeypatch):
    """Where the kernel cannot be asked the clock counts as never set."""
    monkeypatch.setattr(clock.sys, "platform", "darwin")
    assert Clock().state() == clock.FREE
