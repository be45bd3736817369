"""One group's way: every frame is shown, what is to be stored is observed and comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.agent.normalize.engineering import (
    BAD,
    GOOD,
    T_NS,
    FakeClock,
    full,
    group_plan,
    part,
    seen,
    tags,
)

from agent.config.derived import Compress
from agent.config.model import Report
from agent.normalize.pipeline import NO_COMMUNICATION, FrameError, Pipeline
from agent.telemetry.latest import LatestGroup


class Bench:
    def __init__(self, **settings):
        self.latest, self.observed, self.clock = LatestGroup(2), [], FakeClock()
        self.pipeline = Pipeline(
            "d",
            group_plan(tags({"scale": 0.5}, {}), **settings),
            latest=self.latest,
            observe=self.observed.append,
            monotonic=self.clock,
        )


@pytest.fixture
def bench():
    return Bench()


def test_the_page_sees_every_frame_the_evidence_what_is_stored():
    """Last values follow every frame; evidence rests on what the platform gets, no more."""
    bench = Bench(report=Report.CHANGE)
    assert bench.pipeline.process(full(10, 2)).values == (5.0, 2)
    assert bench.pipeline.process(full(10, 2, read_ns=T_NS + 1)) is None
    assert bench.pipeline.process(full(10, 3, read_ns=T_NS + 2)).values == (3,)
    assert [f.values for f in bench.observed] == [(5.0, 2), (3,)]
    assert bench.latest.value(0) == (5.0, GOOD, "", T_NS + 2)


@pytest.mark.parametrize("frame", [full(1), full(1, 2, 3), part([0, 1], 1)])
def test_columns_that_do_not_fit_are_an_error(bench, frame):
    """A frame of another length is refused with names, and nothing of it is shown."""
    with pytest.raises(FrameError, match="d/g: "):
        bench.pipeline.process(frame)
    assert bench.observed == []
    assert bench.latest.value(0).value is None


def test_a_silence_is_one_bad_frame(bench):
    """The start of a silence gives a frame in which every value is bad; its rest gives none."""
    bench.pipeline.process(full(10, 2))
    frame = bench.pipeline.silence(T_NS + 5)
    assert seen(frame) == [(c, None, BAD, NO_COMMUNICATION, T_NS + 5) for c in (0, 1)]
    assert bench.pipeline.silence(T_NS + 6) is None
    assert (bench.latest.value(0).quality, bench.latest.value(0).value) == (BAD, 5.0)
    assert bench.observed[1:] == [frame], "evidence must know how long nothing came"


def test_a_group_that_never_answered_falls_silent_too(bench):
    """A device that cannot be reached from the start is said to be bad, once."""
    assert bench.pipeline.silence(T_NS, "BadTimeout").reasons == {0: "BadTimeout", 1: "BadTimeout"}
    assert bench.pipeline.silence(T_NS) is None


def test_after_a_silence_everything_is_stored_again():
    """With report change the first frame after a silence is stored whole, and silence can recur."""
    bench = Bench(report=Report.CHANGE)
    bench.pipeline.process(full(10, 2))
    bench.pipeline.silence(T_NS)
    assert seen(bench.pipeline.process(full(10, 2))) == [
        (0, 5.0, GOOD, "", T_NS), (1, 2, GOOD, "", T_NS),
    ]  # fmt: skip
    assert bench.pipeline.silence(T_NS) is not None


def test_the_past_is_stored_and_observed_and_shown_nowhere():
    """It is scaled like any value; the page, and what changes are judged by, stay as they are."""
    bench = Bench(report=Report.CHANGE)
    bench.pipeline.process(full(10, 2))
    old = part([0], 30, times_ns=[T_NS - 50])
    old.backfill = True
    stored = bench.pipeline.backfill(old)
    assert (stored.values, stored.columns, stored.backfill) == ((15.0,), (0,), True)
    assert bench.observed[-1] is stored
    assert bench.latest.value(0) == (5.0, GOOD, "", T_NS)
    assert bench.pipeline.process(full(10, 2, read_ns=T_NS + 1)) is None, "nothing has changed"
    assert bench.pipeline.times_ns() == {0: T_NS + 1, 1: T_NS + 1}


def _compressing():
    """Give a pipeline that compresses both columns, and what it observed, before its end."""
    compress = dict.fromkeys(range(2), Compress(deviation=0.1))
    group = replace(group_plan(tags({}, {}), report=Report.ALL), compress=compress)
    observed = []
    pipeline = Pipeline("d", group, latest=LatestGroup(2), observe=observed.append,
                        monotonic=FakeClock())  # fmt: skip
    for at in range(4):
        pipeline.process(full(float(at), 7, read_ns=T_NS + at * 1_000_000_000))
    return pipeline, observed


@pytest.mark.parametrize("end", ["stop", "silence"])
def test_what_compression_holds_back_is_stored_and_observed_at_the_end(end):
    """A stop or a silence ends each line with the last value read, at its own time."""
    pipeline, observed = _compressing()
    last_ns = T_NS + 3_000_000_000
    frame = pipeline.finish() if end == "stop" else pipeline.silence(T_NS + 9_000_000_000)
    assert frame.values[:2] == (3.0, 7)
    assert (frame.columns or (0, 1))[:2] == (0, 1)
    times = (frame.read_ns,) * 2 if frame.times_ns is None else frame.times_ns[:2]
    assert times == (last_ns, last_ns)
    assert [one.values[:2] for one in observed] == [(0.0, 7), (3.0, 7)]
    assert pipeline.coalesced == 4
    assert pipeline.finish() is None
