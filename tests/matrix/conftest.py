"""What the rows of the test matrix share: kinds of loops, numbers of reads, and the report."""

from __future__ import annotations

import asyncio

import uvloop
from matrix.reporting import pytest_terminal_summary, report  # noqa: F401 - pytest finds them here

FAST_READS = 2_000
LONG_READS = 100_000


def pytest_asyncio_loop_factories(item):
    """Run the fast tests on the loop of the agent, the long ones on that of the library."""
    if item.get_closest_marker("long"):
        return {"asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}
