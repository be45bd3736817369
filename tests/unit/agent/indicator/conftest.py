"""A shop of two lathes and a manual one, judged over five days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agent.config.destination import Destination
from agent.config.ledger import ControlType, Enterprise, Equipment, Process, Rate
from agent.config.model import AgentConfig, Gateway
from agent.kpi.deviceday import DeviceDay
from agent.kpi.result import compute

LAST = date(2026, 7, 31)


def machine(id_, control="CNC", device=None, **fields):
    return Equipment(
        id=id_, control_type=ControlType(control), processes=("turn",), device=device, **fields
    )


@pytest.fixture
def config():
    """Two CNC lathes, one of them with data, and a manual one."""
    return AgentConfig(
        gateway=Gateway(id="gw1"),
        enterprise=Enterprise(id="ent1"),
        publish=(Destination(url="mqtt://127.0.0.1:1883"),),
        rate=Rate(period_days=5, min_days=3),
        processes=(Process(id="turn"),),
        equipment=(machine("L1", device="d1"), machine("L2", device="d2"), machine("L3", "manual")),
    )


def worked(device, days, last=LAST):
    """Give the records of a device that worked on the last so many days."""
    return [
        DeviceDay(device, last - timedelta(days=n), 100, True, 10, 1000, 2000) for n in range(days)
    ]


@pytest.fixture
def judge():
    """Compute by the records handed in, as of any day."""

    def make(days):
        return lambda config, day: compute(config, days, now_ms=0, as_of=day)

    return make
