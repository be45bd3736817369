"""Having events sent: notifiers monitored with the best filter a server takes, and refreshed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from drivers.api import DriverError, Remark, SessionLost
from drivers.opcua.alerts.plan import QUEUED, SERVER_OBJECT
from drivers.opcua.alerts.requests import (
    FIELDS,
    PLAIN_FIELDS,
    create_items,
    event_filter,
    refresh,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncua import ua

    from drivers.opcua.alerts.plan import AlertPlan
    from drivers.opcua.services import Services

_FILTER_REFUSED: Final = frozenset(
    {
        "BadEventFilterInvalid", "BadMonitoredItemFilterInvalid", "BadFilterNotAllowed",
        "BadMonitoredItemFilterUnsupported", "BadFilterOperatorUnsupported",
        "BadFilterOperatorInvalid", "BadFilterOperandInvalid", "BadFilterElementInvalid",
        "BadTypeDefinitionInvalid", "BadContentFilterInvalid",
    }
)  # fmt: skip

SIMPLER: Final = Remark(
    "alert_filter_simplified",
    "The server takes only a simpler event filter: whether an alarm still holds may be unknown, "
    "and mild events are left out here instead of there.",
    "服务器只接受较简单的事件过滤条件：报警是否仍然存在可能无法得知，低级别事件改由本机滤除",
    degraded=True,
)
"""What people are told where our own filter was refused."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """How events are had."""

    remarks: list[Remark] = field(default_factory=list)
    """What people should know of it."""
    notifiers: frozenset[int] = frozenset()
    """Client handles of those by which every condition comes with its state; empty: by none."""


async def ask_for_events(
    services: Services, plan: AlertPlan, subscription_id: int, nodes: Sequence[ua.NodeId]
) -> Asked:
    """Monitor the notifiers; tell how.

    Raises:
        NoReply, SessionLost: the session is over.
        DriverError: no notifier gives events.
    """
    waiting, why = list(nodes), "BadNodeIdUnknown"
    found: Asked | None = None
    filters = ((len(FIELDS), plan.min_severity), (PLAIN_FIELDS, plan.min_severity),
               (PLAIN_FIELDS, 1))  # fmt: skip
    for step, (fields, severity) in enumerate(filters):
        if not waiting:
            break
        refused = await create_items(
            services, subscription_id, waiting,
            wanted=event_filter(min_severity=severity, fields=fields), queue_size=QUEUED,
        )  # fmt: skip
        why = next(filter(None, refused), why)
        if not all(refused):
            found = Asked([SIMPLER]) if step else Asked(notifiers=_whole(nodes, refused))
        waiting = [n for n, r in zip(waiting, refused, strict=True) if r in _FILTER_REFUSED]
    if found is None:
        raise _no_events(plan, why)
    return found


def _whole(nodes: Sequence[ua.NodeId], refused: Sequence[str]) -> frozenset[int]:
    """Give the handles that bring every condition: the Server object's, or those of all."""
    served = [handle for handle, why in enumerate(refused) if not why]
    server = [handle for handle in served if nodes[handle].to_string() == SERVER_OBJECT]
    return frozenset(server or served)


async def ask_what_holds(services: Services, plan: AlertPlan, subscription_id: int) -> None:
    """Have the conditions that hold sent again; a server that cannot is left in peace.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    try:
        why = await refresh(services, subscription_id)
    except SessionLost:
        raise
    except DriverError as error:
        why = str(error)
    if why:
        _log.info("device %s: no ConditionRefresh: %s", plan.device, why)


def _no_events(plan: AlertPlan, why: str) -> DriverError:
    return DriverError(
        f"the device reports no events: {why}",
        device=plan.device,
        hint="Remove alerts, or name notifiers that have the attribute EventNotifier.",
        zh=f"设备不提供事件：{why}",
        hint_zh="请删去 alerts，或在 notifiers 中填写带 EventNotifier 属性的节点",
    )
