"""What was not collected: counted at once, told per episode, in good time, never twice."""

from __future__ import annotations

from types import SimpleNamespace

import orjson
import pytest

from agent.collect import ledger as ledger_module
from agent.collect.ledger import TELL_EVERY_S, LossLedger
from simulators.platform.checks import Checker

WALL_MS = 1_795_400_000_000


class Bench:
    """A ledger, its clock and what it told."""

    def __init__(self, monkeypatch):
        self.now_s = 100.0
        fake = SimpleNamespace(monotonic=lambda: self.now_s, time_ns=lambda: WALL_MS * 1_000_000)
        monkeypatch.setattr(ledger_module, "time", fake)
        self.told = []
        self.ledger = LossLedger("cnc-1", "fast", tell=self._tell)

    def _tell(self, t_ms, body):
        assert t_ms == WALL_MS
        self.told.append(orjson.loads(b"{" + body))

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
