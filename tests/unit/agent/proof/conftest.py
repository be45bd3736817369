"""A small shop with a month of evidence, and its proof file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.config.model import AgentConfig
from agent.kpi.deviceday import DeviceDay
from agent.losses.spans import LossSpan
from agent.proof import members
from agent.proof.archive import unpack
from agent.proof.build import build
from agent.proof.documents import Material

AS_OF = date(2026, 7, 31)
SHOP = {
    "gateway": {"id": "gw1", "name": "一车间"},
    "enterprise": {
        "id": "ent1",
        "name": "武汉示范精密机械有限公司",
        "uscc": "91420106MA4K00010G",
        "region": "420106",
        "industry": "C3484",
    },
    "publish": [{"url": "mqtt://127.0.0.1:1883"}],
    "processes": [
        {"id": "turn", "name": "车削"},
        {"id": "grind", "name": "磨削"},
        {"id": "heat", "name": "热处理", "outsourced": "襄阳某厂"},
    ],
    "equipment": [
        {"id": "L1", "name": "数控车床", "control_type": "CNC", "processes": ["turn"],
         "device": "lathe-1"},
        {"id": "L2", "name": "数控车床", "control_type": "CNC", "processes": ["turn"],
         "device": "lathe-2"},
        {"id": "L3", "name": "车床 <b>&", "control_type": "CNC", "processes": ["turn"]},
        {"id": "L4", "name": "普通车床", "control_type": "manual", "processes": ["turn"]},
        {"id": "G1", "name": "平面磨床", "control_type": "PLC", "processes": ["grind"]},
    ],
}  # fmt: skip
"""L1 is verified, L2 has too few days, L3 no device; G1 counts in the broad set only."""


def at_ms(day, hour):
    """Give an hour of a day in Wuhan, UTC ms."""
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp() * 1000) - (
        8 * 3_600_000
    )


def evidence(device, days, *, as_of=AS_OF, control_good=400):
    """Give so many full days of a device that end with a day."""
    return tuple(
        DeviceDay(device, day, 20_000, True, control_good, at_ms(day, 8), at_ms(day, 17))
        for day in (as_of - timedelta(days=n) for n in range(days))
    )


@pytest.fixture(scope="session")
def key():
    """The gateway's key."""
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="session")
def other_key():
    """A key nobody vouched for."""
    return Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture(scope="session")
def config():
    """The shop."""
    return AgentConfig.model_validate(SHOP)


@pytest.fixture(scope="session")
def material(config):
    """Everything the shop's proof file is made of."""
    return Material(
        config=config,
        as_of=AS_OF,
        days=(*evidence("lathe-1", 40), *evidence("lathe-2", 9)),
        losses=(
            LossSpan("device_down", "lathe-2", at_ms(AS_OF, 9), at_ms(AS_OF, 10), 12, 12),
            LossSpan("size", "", 1_770_000_000_000, 1_770_000_100_000, 1, 5),
        ),
        made_ms=at_ms(AS_OF, 18),
        made_by="chulian test",
    )


@pytest.fixture(scope="session")
def raw(material, key):
    """The proof file."""
    return build(material, key)


@pytest.fixture(scope="session")
def held(raw):
    """Its members."""
    return unpack(raw, members.MEMBERS).members
