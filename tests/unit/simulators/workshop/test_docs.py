"""The page on the simulators says what the simulators are."""

from pathlib import Path

import pytest

from simulators.cnc import MILL
from simulators.commands import _HELP
from simulators.faults import MachineFault
from simulators.layout import LEDGER, STATIONS
from simulators.points import METER_POINTS, PRESS_POINTS, cnc_points

DOCS = Path(__file__).parents[4] / "docs"
PAGES = {"en": DOCS / "simulators.md", "zh": DOCS / "simulators.zh-CN.md"}


@pytest.mark.parametrize("language", PAGES)
def test_every_point_is_documented_as_it_is(language):
    """Each point's address, type, metric, meaning, unit and scale stand in one row of the page."""
    lines = PAGES[language].read_text(encoding="utf-8").splitlines()
    points = (*cnc_points(MILL.axes), *PRESS_POINTS, *METER_POINTS)
    for point in points:
        scale = f"{point.scale:g}" if point.scale != 1 else "–"
        meaning = point.zh if language == "zh" else point.en
        row = f"| `{point.address}` | {point.type} | `{point.metric}` | {meaning} |"
        assert f"{row} {point.unit or '–'} | {scale} |" in lines


@pytest.mark.parametrize("language", PAGES)
def test_every_machine_command_and_fault_is_documented(language):
    """Nothing that can be typed, and no machine, is missing from the page."""
    page = PAGES[language].read_text(encoding="utf-8")
    for machine in {*(entry.id for entry in LEDGER), *(station.id for station in STATIONS)}:
        assert machine in page
    for command in _HELP:
        assert f"chulian simulate {command}" in page
    for fault in MachineFault:
        assert f"`{fault} L1`" in page
