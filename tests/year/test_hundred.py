"""A year of a hundred machines is judged and exported at a bounded cost."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from year import hundred

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
COSTS = {"compute": (30, 220), "export": (60, 200), "verify": (60, 240)}
"""What is done -> CPU seconds and MB at most: several times what an idle machine needs."""


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("hundred") / "rows.jsonl"
    hundred.make(path)
    return path


@pytest.mark.parametrize("what", COSTS)
def test_cost(rows, what):
    """36,600 records: seconds of CPU, and no more memory than the records need."""
    done = subprocess.run(
        [sys.executable, hundred.__file__, what, rows], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    cost = json.loads(done.stdout)
    most_cpu_s, most_mb = COSTS[what]
    assert cost["cpu_s"] < most_cpu_s
    assert cost["peak_mb"] < most_mb
    assert (cost["file_mb"] > 0) is (what != "compute")
