"""What a driver says of how points are served reaches the status, the worst first."""

from __future__ import annotations

from types import SimpleNamespace

from agent.collect.remarks import MOST_NAMES, service_remarks
from agent.telemetry.status import DeviceState
from drivers.api import Remark

NAMES = tuple(f"t{n}" for n in range(MOST_NAMES + 5))


class Session:
    """Says of every plan the same, and of which it was asked."""

    def remarks(self, plan):
        return [
            Remark("note", f"{plan} note", "说明"),
            Remark("polled_instead", f"{plan} polled", "轮询", degraded=True, tags=NAMES),
        ]


def device(state=DeviceState.ONLINE):
    groups = [SimpleNamespace(plan=SimpleNamespace(name=name, plan=name)) for name in "ab"]
    return SimpleNamespace(state=state, groups=groups)


def test_remarks_of_every_group():
    """Each group's remarks are given under its name, long lists of points cut and counted."""
    found = service_remarks(Session(), device())
    assert [(one.group, one.code) for one in found] == [
        ("a", "polled_instead"), ("b", "polled_instead"), ("a", "note"), ("b", "note"),
    ]  # fmt: skip
    assert (found[0].points, found[0].tags) == (len(NAMES), NAMES[:MOST_NAMES])
    assert found[0].message.text("zh") == "轮询"


def test_nothing_is_said_of_a_device_that_does_not_answer():
    """What was true of the last session is not shown; a driver may have nothing to say."""
    assert service_remarks(Session(), device(DeviceState.BACKOFF)) == ()
    assert service_remarks(None, device()) == ()
    assert service_remarks(object(), device()) == ()
