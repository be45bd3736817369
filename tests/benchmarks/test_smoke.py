"""The benchmark itself works: never how fast something is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def bench(*arguments, within_s=50):
    """Run it as `make bench` does."""
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=within_s,
    )  # fmt: skip


@pytest.mark.foreign
def test_every_value_of_a_short_run_arrives_and_is_accounted_for(tmp_path):
    """Two seconds of M1: the values that changed arrived, and cost, memory and age are told."""
    results, docs = tmp_path / "results.json", tmp_path / "docs"
    docs.mkdir()
    for name in ("performance.md", "performance.zh-CN.md"):
        text = (ROOT / "docs" / name).read_text("utf-8")
        (docs / name).write_text(text, "utf-8")
    done = bench("M1", "--seconds", 2, "--agent-only", "--json", results, "--write", "--docs", docs)
    if done.returncode == 2 and os.environ.get("CHULIAN_SKIP_FOREIGN") == "1":
        pytest.skip(f"CHULIAN_SKIP_FOREIGN=1: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    (line,) = json.loads(results.read_text("utf-8"))["lines"]
    (run,) = json.loads(results.read_text("utf-8"))["runs"]
    assert (line["workload"], line["who"], line["repeats"]) == ("M1", "agent", 1)
    assert run["values"] in {1000, 2000, 3000}
    assert 0 < run["cpu_s"] < run["wall_s"]
    assert run["rss_mb"] > 10
    assert 0 < run["p50_ms"] <= run["p99_ms"]
    for name in ("performance.md", "performance.zh-CN.md"):
        page = (docs / name).read_text("utf-8")
        assert f"| M1 | 1,000 | agent | {line['arrived']:.1%} |" in page


@pytest.mark.foreign
def test_a_short_look_at_a_small_box_gives_every_figure(tmp_path):
    """Hundred tags: every one arrived, and memory, start and disk are told."""
    results = tmp_path / "results.json"
    done = bench("F", "tags-100", "--seconds", 1, "--json", results)
    if done.returncode == 2 and os.environ.get("CHULIAN_SKIP_FOREIGN") == "1":
        pytest.skip(f"CHULIAN_SKIP_FOREIGN=1: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    (run,) = json.loads(results.read_text("utf-8"))
    assert (run["box"], run["devices"], run["tags"], run["processes"]) == ("tags-100", 1, 100, 1)
    assert 0 < run["first_value_s"] <= run["all_values_s"]
    assert run["first_value_cpu_s"] > 0
    assert 10 < run["rss_mb"] <= run["peak_mb"]
    assert "| tags-100 | 1 | 100 |" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["M9"], "unknown workload M9"),
        (["--seconds", "0"], "at least 1"),
        (["F", "attic"], "unknown box attic"),
    ],
)
def test_wrong_arguments_are_told_apart(arguments, told):
    """Exit code 2 with the reason, before anything is started."""
    done = bench(*arguments)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.foreign
def test_a_small_store_is_drained_whole(tmp_path):
    """Three hundred rows that wait arrive once each, and nothing is written unasked."""
    results = tmp_path / "results.json"
    done = bench("D", 300, "--json", results)
    if done.returncode == 2 and os.environ.get("CHULIAN_SKIP_FOREIGN") == "1":
        pytest.skip(f"CHULIAN_SKIP_FOREIGN=1: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    (run,) = json.loads(results.read_text("utf-8"))["D"]["figures"]
    assert (run["rows"], run["values"], run["lost_rows"], run["twice_rows"]) == (300, 3000, 0, 0)
    assert run["cpu_s_per_million"] > 0
    assert "| 300 | 3,000 |" in done.stdout


@pytest.mark.long
@pytest.mark.foreign
@pytest.mark.timeout(200)
def test_an_outage_of_seconds_loses_nothing(tmp_path):
    """Every number that was given while the broker was away came after it."""
    results = tmp_path / "results.json"
    done = bench("B1", "M1", "--away", 3, "--seconds", 2, "--json", results, within_s=180)
    if done.returncode == 2 and os.environ.get("CHULIAN_SKIP_FOREIGN") == "1":
        pytest.skip(f"CHULIAN_SKIP_FOREIGN=1: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    (run,) = json.loads(results.read_text("utf-8"))["B1"]["figures"]
    assert run["lost_rows"] == 0
    assert run["backlog_values"] >= 2000
    assert run["connected_s"] >= 0
