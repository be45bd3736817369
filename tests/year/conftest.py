"""The year is lived through once, and judged by many tests."""

from __future__ import annotations

from datetime import date

import pytest
from year.played import play


@pytest.fixture(scope="session")
def quarter(tmp_path_factory):
    """July to September 2026, in which nearly everything happens."""
    return play(tmp_path_factory.mktemp("quarter"), date(2026, 7, 1), date(2026, 9, 30))
