"""The guard finds the step that grew, names it, and no other."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import pytest

from tests.benchmarks import guard, guard_count
from tests.benchmarks.guard_steps import Step
from tests.benchmarks.processes import ROOT


def test_what_grew_is_what_is_beyond_tolerance_or_has_no_pair():
    """A step within tolerance is not named; one that came or went is."""
    landed = {"decode": 100.0, "encode": 200.0, "commit": 10.0}
    now = {"decode": 104.0, "encode": 220.0, "publish": 5.0}
    grew = guard.compare(landed, now, tolerance=0.05)
    assert grew == {"encode": 1.1, "publish": 0.0, "commit": 0.0}


def test_figures_of_another_python_are_compared_as_multiples_of_the_yardstick():
    """A Python that is twice as slow at everything has made no step dearer."""
    landed = {
        "belongs to": {"Python": "2.7"},
        "instructions": {"yardstick": 100.0, "encode": 50.0},
    }
    before, now, tolerance = guard.judged(
        landed, {"yardstick": 200.0, "encode": 100.0}, method="instructions"
    )
    assert before == now == {"encode": 0.5}
    assert tolerance == guard.TOLERANCE["foreign"]


def test_timed_steps_are_told_as_multiples_of_the_first():
    """With a clock that moves by what each call costs, the ratios are those costs."""
    clock_s = [0.0]

    def taking(seconds):
        def run():
            clock_s[0] += seconds

        return run

    found = [Step("yardstick", 10, taking(0.02)), Step("encode", 20, taking(0.1))]
    ratios = guard_count.time_beside_yardstick(found, clock_s=lambda: clock_s[0])
    assert ratios == pytest.approx({"yardstick": 1.0, "encode": 2.5})


def test_a_slowed_step_does_its_work_several_times():
    """Only the step that is named runs more often."""
    calls = {name: itertools.count() for name in "ab"}
    found = guard_count.slowed([Step(n, 1, lambda n=n: next(calls[n])) for n in "ab"], "b")
    for step in found:
        step.run()
    assert [next(calls[name]) for name in "ab"] == [1, guard_count.SLOWED]


@pytest.mark.long
@pytest.mark.timeout(1400)
@pytest.mark.parametrize("method", guard.METHODS)
def test_a_step_that_is_slowed_on_purpose_is_named(method, tmp_path):
    """Against figures of the same tree the slowed step alone grew, by either method."""
    if method == "instructions" and not guard_count.can_count():
        pytest.skip("no valgrind here: the other method is tested")
    landed = {
        "commit": "this tree",
        "belongs to": guard_count.belongs_to(),
        method: guard.measured(method),
    }
    path = tmp_path / "landed.json"
    path.write_text(json.dumps(landed), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.guard", "--landed", path, "--method", method,
         "--slow", "encode"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=700,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "encode costs" in done.stderr
    if method == "instructions":  # a machine that is busy may make a timed step look dearer, too
        assert len(done.stderr.splitlines()) == 1
