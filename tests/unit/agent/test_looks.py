"""Looks of one period fall on the same moments, whenever their tasks began."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.looks import SHORTEST, next_look, pause_s

periods = st.sampled_from([0.01, 1.0, 2.0, 5.0, 10.0])


@given(periods, st.floats(0, 1e8))
def test_the_next_look_is_at_a_multiple(period_s, now_s):
    """A pause ends at a multiple of the period, and is neither nothing nor much more than one."""
    pause = pause_s(period_s, now_s=now_s)
    assert period_s * SHORTEST <= pause <= period_s * (1 + SHORTEST)
    beyond = (now_s + pause) % period_s
    assert min(beyond, period_s - beyond) <= max(now_s, 1.0) * 1e-15 * 100


@given(periods, st.floats(0, 1e8))
def test_looks_go_on_one_by_one(period_s, now_s):
    """A timer that is a little early does not make a look twice."""
    early_s = now_s - now_s % period_s + period_s * (1 - SHORTEST / 2)
    assert pause_s(period_s, now_s=early_s) > period_s / 2


async def test_a_look_comes():
    """The pause ends by itself."""
    await next_look(0.01)
