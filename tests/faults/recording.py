"""A pytest plug-in of the runner: what became of each test, and its figures, as one JSON file."""

from __future__ import annotations

import json
import os
from pathlib import Path

RESULT = "CHULIAN_FAULTS_RESULT"
"""Where the file is written."""

_tests: dict[str, dict] = {}


def pytest_runtest_logreport(report):
    """Note a phase of a test; its call counts, and what went wrong around it."""
    test = _tests.setdefault(report.nodeid, {"outcome": "passed", "took_s": 0.0})
    test["took_s"] += report.duration
    if report.skipped:
        test["outcome"], test["why"] = "skipped", report.longrepr[2].removeprefix("Skipped: ")
    elif report.failed:
        test["outcome"], test["why"] = "failed", _reason(report.longreprtext)
    if report.when == "teardown":
        test["figures"] = dict(report.user_properties)


def _reason(text):
    """Take the assertion out of a traceback, or its last line."""
    lines = text.strip().splitlines()
    said = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    return (said or lines[-1:])[0][:300]


def pytest_sessionfinish():
    """Write what was noted."""
    Path(os.environ[RESULT]).write_text(json.dumps(_tests, ensure_ascii=False, indent=1), "utf-8")
