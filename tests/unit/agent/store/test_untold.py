"""Losses that were being counted when the program was killed: told at the next start, once."""

from __future__ import annotations

from types import SimpleNamespace

import orjson
import pytest
from unit.agent.store.outboxes import check_law, data, events, put, reopened, settings

from agent.collect.ledger import LossLedger
from agent.losses.open import silence
from agent.losses.spans import totals_by_cause
from agent.publish.stamping import StampingSink
from agent.store.beginning import Beginning
from agent.store.intake import Intake
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox
from simulators.platform.checks import Checker

TOLD = ("missed", "gap", "overflow")


class Life:
    """A run of the program on a store: what it hands in is there from the next commit on."""

    def __init__(self, outbox):
        self.outbox = outbox
        self.intake = Intake()
        self.ledger = LossLedger("cnc-1", "fast", tell=self.intake.told.append)

    def put_event(self, t_ms, body):
        """Take an event no test here asks for."""

    def put_losses(self, losses):
        """Take the time in between, which no test here asks for."""

    def put_told(self, told):
        """Take losses and their events."""
        self.intake.told.append(told)

    def begin(self):
        """Do what a start does."""
        Beginning.of(self.outbox).tell(self, version="1")

    def commit(self):
        """Commit what was handed in, whole."""
        batch = Batch()
        self.intake.move_to(batch)
        self.outbox.commit(batch)

    def told(self):
        """Give the losses that were told."""
        return [event for event in events(self.outbox) if event["type"] in TOLD]


@pytest.fixture
def store(tmp_path):
    return settings(tmp_path)


def test_what_was_counted_before_a_kill_is_told_once(store):
    """Polls, gaps and changes not told before a kill are told after it, and never again."""
    life = Life(Outbox.open(store))
    life.ledger.gap(reason="publish_gap", from_ms=5, to_ms=6)  # told at once
    life.ledger.miss(2, reason="late", from_ms=1000, to_ms=2000)
    life.commit()
    life.ledger.miss(3, reason="late", from_ms=3000, to_ms=4000)
    life.ledger.gap(reason="publish_gap", from_ms=7, to_ms=8)
    life.ledger.lose(9)
    life.commit()
    life.ledger.miss(100, reason="late", from_ms=5000, to_ms=6000)  # no commit any more
    life = Life(reopened(life.outbox, store, clean=False))
    assert [event["type"] for event in life.told()] == ["gap"]
    life.begin()
    life.outbox = reopened(life.outbox, store, clean=False)  # killed before its first commit
    life = Life(life.outbox)
    for _ in range(2):
        life.begin()
        life.commit()
        missed, gap, overflow = life.told()[1:]
        assert missed.items() >= {"from": 1000, "to": 4000, "polls": 5, "reason": "late"}.items()
        assert gap.items() >= {"from": 7, "to": 8, "reason": "publish_gap"}.items()
        assert (overflow["values"], overflow["d"], overflow["g"]) == (9, "cnc-1", "fast")
        sums = totals_by_cause(life.outbox.losses.spans)
        assert sums == {"late": (1, 5), "gap_device": (2, 0), "overflow": (1, 9)}
        check_law(life.outbox)
        life = Life(reopened(life.outbox, store, clean=False))
    records = [{"n": n, **event} for n, event in enumerate(life.told(), start=1)]
    body = {"v": 1, "gw": "gw", "ep": "01KAR5Z8Q4", "seq": 1, "sent": 1, "clk": "sync", "mv": 1}
    Checker().check("event", {**body, "e": records}, gateway="gw")
    life.outbox.close(clean=True)


def test_a_silence_is_told_up_to_the_last_commit(store):
    """A device that did not answer when the program was killed has missed polls until then."""
    life = Life(Outbox.open(store))
    put(life.outbox, data())
    from_ms = life.outbox.totals.last_ms - 10_000
    life.ledger.silence = silence(from_ms=from_ms, interval_s=1)
    life.ledger.keep()
    life.commit()
    last_ms = life.outbox.totals.last_ms
    life = Life(reopened(life.outbox, store, clean=False))
    life.begin()
    life.commit()
    (missed,) = life.told()
    assert (missed["from"], missed["to"], missed["t"]) == (from_ms, last_ms, last_ms)
    assert (missed["reason"], missed["polls"]) == ("device_down", (last_ms - from_ms) // 1000 + 1)
    life.outbox.close(clean=True)


def test_what_a_run_has_told_itself_is_not_told_again(store):
    """After a flush nothing is open, whether the end is clean or not."""
    for clean in (True, False):
        life = Life(Outbox.open(store))
        life.ledger.silence = silence(from_ms=1, interval_s=1)
        life.ledger.miss(2, reason="late", from_ms=1000, to_ms=2000)
        life.commit()
        life.ledger.silence = None
        life.ledger.flush()
        life.commit()
        assert Beginning.of(life.outbox).untold == ()
        life.outbox.close(clean=clean)


def test_a_telling_is_committed_whole(store):
    """What is told and what is open change hands in one piece, so no commit can part them."""
    life = Life(Outbox.open(store))
    life.ledger.miss(2, reason="late", from_ms=1000, to_ms=2000)
    life.ledger.miss(3, reason="busy", from_ms=3000, to_ms=4000)
    first, second = life.intake.told
    assert (len(first.rows), len(first.lessons)) == (0, 1)
    assert orjson.loads(b"{" + second.rows[0].body)["polls"] == 2
    (lesson,) = second.lessons
    assert "busy" in lesson[2]
    assert "late" not in lesson[2]
    life.outbox.close(clean=True)


@pytest.mark.parametrize("free", [True, False])
def test_times_of_a_clock_nobody_vouched_for_stay_undated(store, free):
    """A loss kept under a free clock is told after the kill, and has no date in the book."""
    life = Life(Outbox.open(store))
    at_ms = 1_795_400_000_000
    put(life.outbox, data())
    eras = (SimpleNamespace(offset_ns=0, since_ns=0, free=free),)
    clock = SimpleNamespace(free=free, eras=lambda: eras, up_ns=at_ms * 1_000_000)
    ledger = LossLedger("m1", "g", tell=StampingSink(life_sink(life), clock).put_told)
    ledger.miss(2, reason="late", from_ms=at_ms, to_ms=at_ms + 1)
    life.commit()
    life = Life(reopened(life.outbox, store, clean=False))
    life.begin()
    life.commit()
    (span,) = life.outbox.losses.spans
    assert (span.cause, span.amount, span.dated) == ("late", 2, not free)
    life.outbox.close(clean=True)


def test_what_another_version_kept_hinders_no_start(store, caplog):
    """Open losses in a form that is not known are logged as they are, and forgotten."""
    life = Life(Outbox.open(store))
    for text in ("[1]", "{", '["m1","g",[["new","x",1]]]', '["m1","g",[["gap"]]]'):
        life.outbox.commit(Batch(lessons=[("@losses", "m1/g", text, 5)]))
        life.begin()
        life.commit()
        assert text in caplog.messages[-1]
        assert Beginning.of(life.outbox).untold == ()
    life.outbox.close(clean=True)


def life_sink(life):
    """Give a store that takes only what this life takes."""

    async def put_frame(codec, frame):
        raise AssertionError

    return SimpleNamespace(
        put_frame=put_frame, put_lessons=list, put_event=life.put_event, put_told=life.put_told
    )
