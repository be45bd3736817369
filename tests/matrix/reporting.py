"""What the runs measured, printed at their end and written as JSON where that is asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

REPORT = "CHULIAN_MATRIX_REPORT"
"""Where the report is written as JSON, if anywhere: section -> test -> line."""
TITLES = {
    "matrix": "Modbus matrix",
    "opcua": "OPC UA matrix",
    "foreign": "Servers nobody here wrote",
}
"""Section by the folder of a test; any other folder is its own title."""
_LINES = pytest.StashKey[dict]()


@pytest.fixture
def report(request):
    """Give a function that puts a line under the test's own name into the report."""
    folder = request.node.path.parent.name
    sections = request.config.stash.setdefault(_LINES, {})
    lines = sections.setdefault(TITLES.get(folder, folder), {})

    def put(line):
        lines[request.node.name] = line

    return put


def pytest_terminal_summary(terminalreporter, config):
    """Print what every case met, once, whichever folder's conftest asks for it."""
    sections = {title: lines for title, lines in config.stash.get(_LINES, {}).items() if lines}
    config.stash[_LINES] = {}
    for title, lines in sorted(sections.items()):
        terminalreporter.section(title)
        for name, line in sorted(lines.items()):
            terminalreporter.write_line(f"{name}: {line}")
    if sections and (path := os.environ.get(REPORT)):
        Path(path).write_text(json.dumps(sections, ensure_ascii=False, indent=1), "utf-8")
