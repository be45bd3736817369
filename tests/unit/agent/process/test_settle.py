"""What a start leaves behind, and how seldom garbage is looked for after it."""

from __future__ import annotations

import gc

from agent.process.memory import COLLECT_AFTER, settle


def test_a_start_is_settled():
    """What the start made is looked at no more, and new objects only when there are many."""
    before = gc.get_threshold()
    try:
        settle()
        assert gc.get_threshold()[0] == COLLECT_AFTER
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
