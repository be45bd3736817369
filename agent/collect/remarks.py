"""What the driver says of how a device's points are served, as the status shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.telemetry.status import DeviceState, Message, ServiceRemark
from drivers.api import Remarks

if TYPE_CHECKING:
    from agent.collect.device import DeviceRun

MOST_NAMES: Final = 20
"""Points named in one remark; the others are only counted."""


def service_remarks(session: Any, device: DeviceRun) -> tuple[ServiceRemark, ...]:
    """Give the remarks of a device that answers, those that degrade it first."""
    if device.state is not DeviceState.ONLINE or not isinstance(session, Remarks):
        return ()
    found = [
        ServiceRemark(
            group.plan.name,
            remark.code,
            Message(remark.text, remark.zh),
            remark.degraded,
            len(remark.tags),
            remark.tags[:MOST_NAMES],
        )
        for group in device.groups
        for remark in session.remarks(group.plan.plan)
    ]
    return tuple(sorted(found, key=lambda one: not one.degraded))
