"""The retained messages: `meta` says what the names mean and by which rules the rate is computed,
`status` whether we are there and what became of every row. Shape: docs/specs/payload.
"""  # noqa: D205 - one sentence

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.config.ledger import Equipment, Process
    from agent.config.model import AgentConfig
    from agent.config.plan import DevicePlan, GroupPlan
    from agent.publish.sender import Sender
    from agent.telemetry.status import StoreStatus

_ENTERPRISE = {"id", "name", "uscc", "region", "industry", "industry_edition", "industry_kind"}
"""What the platform is told of the enterprise; its figures stay here."""


def meta_content(
    config: AgentConfig,
    devices: Sequence[DevicePlan],
    *,
    rules: str,
    control_metrics: Sequence[str],
) -> dict[str, Any]:
    """Give what the meta message says, without its identity and time."""
    enterprise, rate = config.enterprise, config.rate
    return {
        "tz": config.gateway.timezone,
        "enterprise": enterprise.model_dump(mode="json", include=_ENTERPRISE),
        "devices": [device_content(d) for d in devices],
        "ledger": {
            "processes": [_process(p) for p in config.processes],
            "equipment": [_equipment(e) for e in config.equipment],
        },
        "rate": {
            "rules": rules,
            "method": rate.method.value,
            "control_set": rate.control_set.value,
            "period_days": rate.period_days,
            "min_days": rate.min_days,
            "min_day_share": rate.min_day_share,
            "scheduled_days": rate.scheduled_days or rate.period_days,
            "control_metrics": list(control_metrics),
        },
    }


def digest(content: dict[str, Any]) -> str:
    """Tell contents apart: equal contents have equal digests."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def meta_message(content: bytes, *, gateway: str, epoch: str, version: int) -> bytes:
    """Put identity and time before a content that is JSON already."""
    head = {"v": 1, "gw": gateway, "ep": epoch, "mv": version, "t": _now_ms()}
    return orjson.dumps(head)[:-1] + b"," + content[1:]


def status_message(
    state: str,
    *,
    gateway: str,
    epoch: str,
    version: str,
    clock: str,
    store: StoreStatus,
) -> bytes:
    """Encode the status message; `state` is `online` or `offline`."""
    counts = {n: getattr(store, n) for n in ("stored", "acked", "rejected", "dropped", "waiting")}
    return orjson.dumps(
        {
            "v": 1,
            "gw": gateway,
            "ep": epoch,
            "state": state,
            "t": _now_ms(),
            "version": version,
            "clk": clock,
            "rows": {name: count.rows for name, count in counts.items()},
            "values": {name: count.values for name, count in counts.items()},
        }
    )


class Notices:
    """Both retained messages of one agent, as they stand now."""

    def __init__(
        self,
        content: dict[str, Any],
        sender: Sender,
        *,
        meta_version: int,
        version: str,
        clock: Callable[[], str],
    ) -> None:
        self._content = orjson.dumps(content)  # as text it takes a third of the memory
        self._sender = sender
        self._meta_version = meta_version
        self._version = version
        self._clock = clock

    def renew(self, content: dict[str, Any], meta_version: int) -> None:
        """Announce other content from now on."""
        self._content, self._meta_version = orjson.dumps(content), meta_version

    def meta(self) -> bytes:
        """Give the meta message."""
        return meta_message(
            self._content,
            gateway=self._sender.gateway,
            epoch=self._sender.epoch,
            version=self._meta_version,
        )

    def status(self, state: str, store: StoreStatus) -> bytes:
        """Give the status message with a destination's counters."""
        return status_message(
            state,
            gateway=self._sender.gateway,
            epoch=self._sender.epoch,
            version=self._version,
            clock=self._clock(),
            store=store,
        )


def device_content(device: DevicePlan) -> dict[str, Any]:
    """Give what the platform is told of one device."""
    entry = device.entry
    return {
        "d": entry.id,
        "name": entry.name,
        "driver": entry.driver,
        "workshop": entry.workshop,
        "line": entry.line,
        "m": [metric for group in device.groups for metric in _metrics(group)],
    }


def _metrics(group: GroupPlan) -> list[dict[str, Any]]:
    settings = group.settings
    return [
        {
            "n": tag.name,
            "dt": "state" if tag.states else tag.type.value,
            "u": tag.unit,
            "g": group.name,
            "period": round(settings.interval_s * 1000),
            "report": settings.report.value,
            "deadband": tag.deadband,
            "desc": tag.description,
        }
        | ({"compress": group.compress[at].deviation} if at in group.compress else {})
        for at, tag in enumerate(group.tags)
    ]


def _process(process: Process) -> dict[str, Any]:
    fields = {"id", "name", "key", "outsourced", "valid_from", "valid_to"}
    return process.model_dump(mode="json", include=fields)


def _equipment(machine: Equipment) -> dict[str, Any]:
    fields = {
        "id", "name", "control_type", "processes", "device", "in_service_from", "in_service_to",
    }  # fmt: skip
    known = machine.model_dump(mode="json", include=fields)
    return known if machine.part_of is None else known | {"processes": []}  # its whole counts


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
