"""The retained messages: `meta` says what the names mean and by which rules the rate is computed,
`status` whether we are there and what became of every row. Shape: docs/specs/payload.
"""  # noqa: D205 - one sentence

from __future__ import annotations

import hashlib
import json
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

_ENTERPRISE = {
    "id", "name", "uscc", "region", "park", "industry", "industry_edition", "industry_kind",
    "chain", "cluster",
}  # fmt: skip
"""What the platform is told of the enterprise; its figures stay here."""


def meta_content(
    config: AgentConfig,
    devices: Sequence[DevicePlan],
    *,
    rules: str,
    control_metrics: Sequence[str],
    key: str = "",
) -> dict[str, Any]:
    """Give what the meta message says, without its identity and time.

    `key` is the public key that signs the gateway's digests, hexadecimal; empty without one.
    """
    enterprise, rate = config.enterprise, config.rate
    return {
        "tz": config.gateway.timezone,
        "enterprise": enterprise.model_dump(mode="json", include=_ENTERPRISE),
        "devices": [device_content(d) for d in devices],
        "ledger": ledger_content(config),
        "rate": {
            "rules": rules,
            "method": rate.method.value,
            "control_set": rate.control_set.value,
            "period_days": rate.period_days,
            "min_days": rate.min_days,
            "min_day_share": rate.min_day_share,
            "scheduled_days": rate.scheduled_days or rate.period_days,
            "control_metrics": list(control_metrics),
            "calendar": _calendar(config),
        },
    } | ({"key": key} if key else {})


def ledger_content(config: AgentConfig) -> dict[str, Any]:
    """Give what the platform is told of the ledger: enough to compute the rate, no size figures."""
    places = {"id", "kind", "name", "inside", "region", "park"}
    return {
        "processes": [_process(p) for p in config.processes],
        "equipment": [_equipment(e) for e in config.equipment],
        "locations": [
            one.model_dump(mode="json", include=places, exclude_defaults=True)
            for one in config.locations
        ],
    }


def ledger_hash(config: AgentConfig) -> str:
    """Tell ledgers apart: SHA-256 of `ledger_content` and the kind of production, hexadecimal.

    The bytes hashed are JSON with sorted keys and no blanks, UTF-8.
    """
    known = {"industry_kind": config.enterprise.industry_kind, "ledger": ledger_content(config)}
    text = json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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


def _calendar(config: AgentConfig) -> dict[str, Any]:
    """Give the working days; none where their number is given as such."""
    shifts = config.shifts
    begins = {"day_starts": shifts.day_starts}
    if config.rate.scheduled_days:
        return begins
    days = {"weekdays", "holidays", "workdays"}
    return begins | shifts.model_dump(mode="json", include=days)


def _equipment(machine: Equipment) -> dict[str, Any]:
    fields = {
        "id", "name", "control_type", "processes", "device", "in_service_from", "in_service_to",
    }  # fmt: skip
    known = machine.model_dump(mode="json", include=fields)
    more = {"controller", "links", "part_of", "location"}
    known |= machine.model_dump(mode="json", include=more, exclude_defaults=True)
    if machine.witnessed:
        known["witnessed"] = [visit.on.isoformat() for visit in machine.witnessed]
    return known if machine.part_of is None else known | {"processes": []}  # its whole counts


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
