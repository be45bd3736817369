"""Ledgers of the worked examples."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from agent.config.destination import Destination
from agent.config.ledger import ControlType, Enterprise, Equipment, IndustryKind, Process, Rate
from agent.config.model import AgentConfig, Gateway

AS_OF = date(2026, 7, 31)


@pytest.fixture
def as_of():
    """The day everything is computed for."""
    return AS_OF


@pytest.fixture
def now_ms():
    """Noon of that day in Wuhan, UTC ms."""
    return int(datetime(2026, 7, 31, 4, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def make_config():
    """Builds a configuration from {process: {machine: control type}}."""

    def make(shop, *, kind=IndustryKind.DISCRETE, devices=None, processes=None, **rate):
        names = {} if devices is None else devices
        machines = {}
        for process, able in shop.items():
            for id_, control in able.items():
                machines.setdefault(id_, (control, []))[1].append(process)
        return AgentConfig(
            gateway=Gateway(id="gw1"),
            enterprise=Enterprise(id="ent1", name="楚江机械", industry_kind=kind),
            publish=(Destination(url="mqtt://127.0.0.1:1883"),),
            rate=Rate(**rate),
            processes=processes or tuple(Process(id=p) for p in shop),
            equipment=tuple(
                Equipment(
                    id=id_,
                    control_type=ControlType(control),
                    processes=tuple(serves),
                    device=names.get(id_),
                )
                for id_, (control, serves) in machines.items()
            ),
        )

    return make


@pytest.fixture
def shop_a():
    """Example A: the 30-person machining shop."""
    return {
        "turn": dict.fromkeys(("L1", "L2", "L3", "L4"), "CNC")
        | dict.fromkeys(("L5", "L6"), "manual"),
        "mill": dict.fromkeys(("V1", "V2", "V3"), "CNC"),
        "grind": dict.fromkeys(("G1", "G2"), "manual"),
        "edm": dict.fromkeys(("E1", "E2"), "NC"),
    }
