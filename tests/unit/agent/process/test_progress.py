from __future__ import annotations

from agent.process.progress import AWAY_S, LOOK_S, STALLED_S, Progress, Pulse


class Stage:
    """A stage whose pulse the test sets, under a clock of its own."""

    def __init__(self):
        self.now_s = 100.0
        self.pulse = Pulse(0, waits=False)
        self.progress = Progress({"mill": lambda: self.pulse}, monotonic=lambda: self.now_s)

    def pass_s(self, seconds):
        """Look every `LOOK_S` for so long; give what stands still then."""
        for _ in range(round(seconds / LOOK_S)):
            self.now_s += LOOK_S
            self.progress.look()
        return self.progress.stalled()


def test_a_stage_that_owes_and_does_not_move_is_named():
    """Not before its time, and then until it moves."""
    stage = Stage()
    assert stage.pass_s(STALLED_S) == []
    assert stage.pass_s(2 * LOOK_S) == ["mill"]
    stage.pulse = Pulse(1, waits=False)
    assert stage.pass_s(LOOK_S) == []


def test_a_stage_that_waits_is_never_named():
    """Waiting is no standstill, and the time spent so does not count afterwards."""
    stage = Stage()
    stage.pulse = Pulse(0, waits=True)
    assert stage.pass_s(10 * STALLED_S) == []
    stage.pulse = Pulse(0, waits=False)
    assert stage.pass_s(STALLED_S) == []


def test_a_stage_may_ask_for_patience():
    """What a stage may take beyond the ordinary is granted."""
    stage = Stage()
    stage.pulse = Pulse(0, waits=False, patience_s=60.0)
    assert stage.pass_s(STALLED_S + 58) == []
    assert stage.pass_s(6) == ["mill"]


def test_a_process_that_did_not_run_blames_no_stage():
    """After a stop of the whole process the stages get their full time again."""
    stage = Stage()
    stage.pass_s(STALLED_S - LOOK_S)
    stage.now_s += LOOK_S + AWAY_S + 3600
    stage.progress.look()
    assert stage.progress.stalled() == []
    assert stage.pass_s(STALLED_S) == []
    assert stage.pass_s(2 * LOOK_S) == ["mill"]


def test_a_stage_that_is_gone_is_forgotten():
    """A destination that was taken out stands still no more; one of its name begins anew."""
    stage = Stage()
    there = {"two": lambda: Pulse(0, waits=False)}
    progress = stage.progress = Progress(
        {"mill": lambda: Pulse(stage.now_s, waits=False)},
        more=lambda: there,
        monotonic=lambda: stage.now_s,
    )
    assert stage.pass_s(STALLED_S + 2 * LOOK_S) == ["two"]
    two = there.pop("two")
    assert stage.pass_s(LOOK_S) == []
    assert set(progress._since_s) == {"mill"}
    there["two"] = two
    assert stage.pass_s(STALLED_S) == []
    assert stage.pass_s(2 * LOOK_S) == ["two"]
