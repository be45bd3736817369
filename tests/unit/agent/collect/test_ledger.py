"""What was not collected: counted at once, told per episode, in good time, never twice."""

from __future__ import annotations

from types import SimpleNamespace

import orjson
import pytest

from agent.collect import ledger as ledger_module
from agent.collect.ledger import TELL_EVERY_S, LossLedger
from agent.losses.open import unpacked
from simulators.platform.checks import Checker

WALL_MS = 1_795_400_000_000


class Bench:
    """A ledger, its clock and what it told."""

    def __init__(self, monkeypatch):
        self.now_s = 100.0
        fake = SimpleNamespace(monotonic=lambda: self.now_s, time_ns=lambda: WALL_MS * 1_000_000)
        monkeypatch.setattr(ledger_module, "time", fake)
        self.told = []
        self.kept = []
        self.open = []
        """What was kept of losses not told yet, as it changed."""
        self.ledger = LossLedger("cnc-1", "fast", tell=self._take)

    def _take(self, told):
        for row in told.rows:
            assert row.t_ms == WALL_MS
            self.told.append(orjson.loads(b"{" + row.body))
        self.kept += told.losses
        self.open += [text for _, _, text, _ in told.lessons]

    def miss(self, polls, reason="late", from_ms=1000, to_ms=2000):
        """Count missed polls."""
        self.ledger.miss(polls, reason=reason, from_ms=from_ms, to_ms=to_ms)


@pytest.fixture
def bench(monkeypatch):
    return Bench(monkeypatch)


def test_an_episode_is_told_as_one(bench):
    """Misses of one reason add up from the first to the last, told when flushed, once."""
    bench.miss(2)
    bench.miss(3, from_ms=5000, to_ms=6000)
    assert (bench.told, bench.ledger.missed) == ([], 5)
    bench.ledger.flush()
    bench.ledger.flush()
    assert bench.told == [
        {"t": WALL_MS, "type": "missed", "d": "cnc-1", "g": "fast", "from": 1000, "to": 6000,
         "polls": 5, "reason": "late"},
    ]  # fmt: skip


def test_another_reason_is_another_episode(bench):
    """When the reason changes the episode before is told."""
    bench.miss(2)
    bench.miss(4, reason="busy")
    assert [(e["reason"], e["polls"]) for e in bench.told] == [("late", 2)]
    bench.ledger.flush()
    assert [(e["reason"], e["polls"]) for e in bench.told] == [("late", 2), ("busy", 4)]


@pytest.mark.parametrize("polls", [0, -3])
def test_nothing_missed_is_nothing(bench, polls):
    """Counting no poll begins no episode."""
    bench.miss(polls)
    bench.ledger.flush()
    assert (bench.told, bench.ledger.missed) == ([], 0)


def test_a_lasting_episode_is_told_again_and_again(bench):
    """An episode that does not end is told once a minute, each poll once."""
    for _ in range(150):
        bench.miss(1)
        bench.now_s += 1
    bench.ledger.flush()
    assert len(bench.told) == 3
    assert sum(e["polls"] for e in bench.told) == 150 == bench.ledger.missed


def test_a_short_episode_is_told_although_all_is_well_again(bench):
    """What was counted is told a minute later at the latest, with the next frame."""
    bench.miss(1)
    bench.ledger.lose(7)
    bench.now_s += TELL_EVERY_S - 1
    bench.ledger.tell_if_due()
    assert bench.told == []
    bench.now_s += 1
    bench.ledger.tell_if_due()
    assert [e["type"] for e in bench.told] == ["missed", "overflow"]
    bench.ledger.tell_if_due()
    assert len(bench.told) == 2


def test_lost_changes_are_told_as_overflow(bench):
    """Changes lost by the device or a buffer add up and are told, once."""
    bench.ledger.lose(3)
    bench.ledger.lose(4)
    bench.ledger.flush()
    assert bench.told == [
        {"t": WALL_MS, "type": "overflow", "d": "cnc-1", "g": "fast", "values": 7}
    ]
    assert (bench.ledger.lost_changes, bench.ledger.missed) == (7, 0)


def test_losses_are_told_while_they_go_on(bench):
    """Changes lost again and again are told once a minute."""
    for _ in range(122):
        bench.ledger.lose(1)
        bench.now_s += 1
    assert [e["values"] for e in bench.told] == [61, 61]


def test_events_hold_to_the_schema(bench):
    """Both events are what the payload's schema allows."""
    bench.miss(1)
    bench.ledger.lose(1)
    bench.ledger.flush()
    records = [{"n": n, **event} for n, event in enumerate(bench.told, start=1)]
    body = {"v": 1, "gw": "gw", "ep": "01KAR5Z8Q4", "seq": 1, "sent": 1, "clk": "sync", "mv": 1}
    Checker().check("event", {**body, "e": records}, gateway="gw")


def test_a_gap_is_told_at_once_those_that_follow_as_one(bench):
    """Nobody waits for news of a gap; a server that loses again and again is told once a minute."""
    bench.ledger.gap(reason="overflow", from_ms=1000, to_ms=2000)
    assert bench.told == [
        {"t": WALL_MS, "type": "gap", "d": "cnc-1", "g": "fast", "changes": "unknown",
         "from": 1000, "to": 2000, "reason": "overflow"},
    ]  # fmt: skip
    for n in range(2, 5):
        bench.now_s += 10
        bench.ledger.gap(reason="overflow", from_ms=n * 1000, to_ms=n * 1000 + 500)
    assert len(bench.told) == 1
    bench.now_s += TELL_EVERY_S
    bench.ledger.tell_if_due()
    assert bench.told[1].items() >= {"from": 2000, "to": 4500, "times": 3}.items()
    assert (len(bench.told), bench.ledger.gaps) == (2, 4)
    bench.ledger.gap(reason="overflow", from_ms=9000, to_ms=9500)
    bench.ledger.gap(reason="overflow", from_ms=7000, to_ms=9400)
    bench.ledger.flush()
    assert bench.told[2].items() >= {"from": 7000, "to": 9500}.items(), "one may begin earlier"


def test_gaps_of_another_reason_are_told_apart(bench):
    """A pending gap is told before one of another reason is noted, and at the end."""
    bench.ledger.gap(reason="session_lost", from_ms=0, to_ms=1)
    bench.ledger.gap(reason="overflow", from_ms=1, to_ms=2)
    bench.ledger.gap(reason="session_lost", from_ms=2, to_ms=3)
    bench.ledger.flush()
    assert [event["reason"] for event in bench.told] == ["session_lost", "overflow", "session_lost"]
    assert bench.ledger.missed == 0


def test_what_is_told_is_kept(bench):
    """Beside each event a span of its cause is kept in the book of losses."""
    bench.miss(3)
    bench.ledger.lose(4)
    bench.ledger.gap(reason="publish_gap", from_ms=1, to_ms=2)
    bench.ledger.filled(from_ms=1, to_ms=2, values=9, complete=True)
    bench.ledger.filled(from_ms=3, to_ms=4, values=9, complete=False)
    bench.ledger.flush()
    assert {(s.cause, s.device, s.amount) for s in bench.kept} == {
        ("late", "cnc-1", 3), ("overflow", "cnc-1", 4), ("gap_device", "cnc-1", 0),
        ("gap_filled", "cnc-1", 9), ("history_short", "cnc-1", 0),
    }  # fmt: skip


def test_what_is_not_told_yet_is_kept_with_every_change(bench):
    """What is open is handed in as it changes, only then, and is forgotten with the telling."""
    bench.miss(1)
    bench.miss(0)
    bench.ledger.keep()
    bench.miss(2, from_ms=3000, to_ms=4000)
    bench.ledger.lose(5)
    bench.ledger.tell_if_due()
    last = unpacked(bench.open[-1])[2]
    assert (len(bench.open), [loss.amount for loss in last], last[0].to_ms) == (3, [3, 5], 4000)
    bench.ledger.flush()
    bench.ledger.flush()
    assert (len(bench.open), bench.open[-1], len(bench.told)) == (4, "", 2)
