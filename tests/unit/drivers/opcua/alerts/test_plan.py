"""Alert settings: off unless asked for, and checked before a machine is."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from drivers.opcua import DRIVER

URL = "opc.tcp://h"


def config(**alerts):
    return DRIVER.config(driver="opcua", url=URL, alerts=alerts)


def test_without_settings_nothing_is_asked():
    """A device without the key is never asked for events."""
    plain = DRIVER.config(driver="opcua", url=URL)
    assert DRIVER.plan_alerts(plain, device="d") is None


def test_the_server_object_is_the_default():
    """An empty section asks the Server object for everything."""
    plan = DRIVER.plan_alerts(config(), device="d")
    assert [str(node) for node in plan.nodes] == ["i=2253"]
    assert (plan.device, plan.min_severity) == ("d", 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"notifiers": ["Server"]},
        {"notifiers": []},
        {"notifiers": ["nsu=urn:a;s=b#[1]"]},
        {"min_severity": 0},
        {"min_severity": 1001},
        {"max_per_minute": 0},
        {"severity": 5},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(wrong):
    """A bad setting is told at once, not when an alarm comes."""
    with pytest.raises(ValidationError):
        config(**wrong)
