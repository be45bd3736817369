"""The rows M1 to M14 of the test matrix: kinds of loops, numbers of reads, and the report."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
import uvloop

FAST_READS = 2_000
LONG_READS = 100_000
REPORT = "CHULIAN_MATRIX_REPORT"
"""Where the report is written as JSON, if anywhere."""
_LINES = pytest.StashKey[dict]()


def pytest_asyncio_loop_factories(item):
    """Run the fast tests on the loop of the agent, the long ones on that of the library."""
    if item.get_closest_marker("long"):
        return {"asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def report(request):
    """Give a function that puts a line under the test's own name into the report."""
    lines = request.config.stash.setdefault(_LINES, {})

    def put(line):
        lines[request.node.name] = line

    return put


def pytest_terminal_summary(terminalreporter, config):
    """Print what every case met, at the end of the run."""
    lines = config.stash.get(_LINES, {})
    if not lines:
        return
    terminalreporter.section("Modbus matrix")
    for name, line in sorted(lines.items()):
        terminalreporter.write_line(f"{name}: {line}")
    if path := os.environ.get(REPORT):
        Path(path).write_text(json.dumps(lines, ensure_ascii=False, indent=1), "utf-8")
