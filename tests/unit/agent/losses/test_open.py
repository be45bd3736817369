"""Losses that are not told yet: kept as they are, ended where nothing more is known."""

from __future__ import annotations

import pytest

from agent.losses.open import UNDATED_MS, LossKind, OpenLoss, packed, silence, unpacked

T_MS = 1_795_400_000_000
GAP = OpenLoss(LossKind.GAP, "publish_gap", T_MS, T_MS + 9, 3)
LATE = OpenLoss(LossKind.MISSED, "late", T_MS, T_MS + 9, 1, 7)


def test_what_is_packed_is_unpacked_the_same():
    """Names of any letters and every kind of loss come back; nothing open is an empty text."""
    losses = [GAP, LATE, silence(from_ms=T_MS, interval_s=0.1)]
    assert unpacked(packed("一号/机", "快", losses)) == ("一号/机", "快", losses)
    assert packed("m1", "g", []) == ""


@pytest.mark.parametrize(
    ("end_ms", "polls"), [(T_MS, 1), (T_MS + 499, 1), (T_MS + 500, 2), (T_MS + 9_999, 20)]
)
def test_a_silence_has_cost_every_poll_up_to_the_end(end_ms, polls):
    """The first poll counts, and every one that was due until the end."""
    ended = silence(from_ms=T_MS, interval_s=0.5).ended(end_ms, dated=True)
    assert (ended.amount, ended.from_ms, ended.to_ms) == (polls, T_MS, end_ms)
    assert ended.span("m1").cause == "device_down"


def test_a_clock_that_was_set_meanwhile_invents_no_polls():
    """From 1970 to today no polls are counted but those of a short time."""
    ended = silence(from_ms=5_000, interval_s=1).ended(T_MS, dated=False)
    assert ended.amount == UNDATED_MS // 1000 + 1


def test_an_end_before_the_beginning_is_none():
    """A silence that seems to begin after the last commit has cost its first poll."""
    ended = silence(from_ms=T_MS, interval_s=1).ended(T_MS - 5_000, dated=True)
    assert (ended.amount, ended.to_ms) == (1, T_MS)


def test_what_was_counted_stays_as_it_was():
    """Only polls of a silence that lasts go on to the end."""
    assert [loss.ended(T_MS * 2, dated=True) for loss in (GAP, LATE)] == [GAP, LATE]
