"""What the rows of delivery share: short pauses, and the report."""

from __future__ import annotations

import pytest
from integration.agent.publishing import hurry
from matrix.reporting import pytest_terminal_summary, report  # noqa: F401 - pytest finds them here

from agent.publish import delivery


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)
    monkeypatch.setattr(delivery, "REQUEST_PAUSE_S", 0.2)
