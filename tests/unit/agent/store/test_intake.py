"""What waits in memory: counted while it waits and while it is being committed."""

from __future__ import annotations

import pytest
from unit.agent.store.outboxes import data, event

from agent.store import intake
from agent.store.intake import Intake
from agent.store.outbox import Batch, Rejection
from drivers.api import Frame


class Codec:
    def encode(self, frames):
        return [data(sum(len(f.values) for f in frames))]


def frame(values):
    return Frame("d", "g", 1, (0,) * values)


def test_everything_moves_into_the_batch_once():
    """Frames by group, then events, acknowledgements, rejections, evidence; nothing is left."""
    waiting, batch, one, two = Intake(), Batch(), Codec(), Codec()
    assert not waiting
    for codec, values in ((one, 1), (two, 5), (one, 2)):
        waiting.put(codec, frame(values))
    waiting.events.append(event())
    waiting.acked.append((1, 2))
    waiting.rejected.append(Rejection(3, "no", 1))
    waiting.evidence.append(("d", "day", 1, False, 0, 1, 1))
    assert waiting
    waiting.move_to(batch)
    assert not waiting
    assert [row.values for row in batch.rows] == [3, 5, 0]
    assert (batch.acked, batch.rejected[0].seq, len(batch.evidence)) == ([(1, 2)], 3, 1)
    again = Batch()
    waiting.move_to(again)
    assert not again


def test_frames_count_as_pending_until_they_are_committed():
    """Moving frames into a batch does not make room; committing the batch does."""
    waiting, codec = Intake(), Codec()
    waiting.put(codec, frame(3))
    waiting.move_to(Batch())
    waiting.put(codec, frame(4))
    assert (waiting.pending_frames, waiting.pending_values) == (2, 7)
    waiting.committed()
    assert (waiting.pending_frames, waiting.pending_values) == (1, 4)


@pytest.mark.parametrize("kind", ["", "events", "acked", "rejected", "evidence"])
def test_any_kind_of_thing_makes_it_true(kind):
    """Whatever was handed in has to be committed."""
    waiting = Intake()
    if kind:
        getattr(waiting, kind).append(None)
    assert bool(waiting) == bool(kind)


def test_it_is_full_by_frames_or_by_values(monkeypatch):
    """Either bound makes collectors wait."""
    monkeypatch.setattr(intake, "MAX_PENDING_FRAMES", 2)
    monkeypatch.setattr(intake, "MAX_PENDING_VALUES", 10)
    by_frames, by_values = Intake(), Intake()
    by_values.put(Codec(), frame(9))
    by_frames.put(Codec(), frame(0))
    assert not by_values.full
    assert not by_frames.full
    by_values.put(Codec(), frame(1))
    by_frames.put(Codec(), frame(0))
    assert by_values.full
    assert by_frames.full
