"""The JSON that page and programs read: the snapshot as it is, health and readiness.

Integers beyond 2^53 become strings and bytes hexadecimal, as in the payload; nothing is rounded.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import orjson

from agent.telemetry.status import DeviceState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import DataclassInstance

    from agent.telemetry.status import (
        DestinationStatus,
        DeviceStatus,
        Message,
        RateStatus,
        Status,
        TagStatus,
    )
    from drivers.api import Value

_MAX_EXACT: Final = 2**53 - 1
_LAW: Final = ("stored", "acked", "rejected", "dropped", "waiting", "causes")
_UNTRIED: Final = frozenset({DeviceState.IDLE, DeviceState.CONNECTING})


def status_json(status: Status) -> bytes:
    """Give the whole snapshot; `store.balanced` tells whether the conservation law holds."""
    document = _shallow(status)
    del document["shifts"]  # has a path of its own
    document["store"] = {**_shallow(status.store), "balanced": status.store.balanced}
    document["destinations"] = [_destination(one) for one in status.destinations]
    # each on its own: no call keeps every other thread waiting for long
    document["devices"] = [orjson.Fragment(orjson.dumps(_device(one))) for one in status.devices]
    return orjson.dumps(document)


def rate_json(rate: RateStatus | None) -> bytes:
    """Give the rate; fractions as [numerator, denominator], `null` when there is no rate."""
    return orjson.dumps(rate)


def oee_json(status: Status) -> bytes:
    """Give the records of the two newest shop days, as `chulian oee` reads them."""
    return orjson.dumps({"records": status.shifts})


def health_json(stalled: Sequence[str]) -> tuple[bool, bytes]:
    """Tell whether every stage makes progress, with the names of those that do not."""
    return not stalled, orjson.dumps({"healthy": not stalled, "stalled": list(stalled)})


def ready_json(status: Status) -> tuple[bool, bytes]:
    """Tell whether the agent is ready, with the reasons why not in both languages."""
    reasons: list[dict[str, Any]] = []
    if not status.ready:
        reasons += [
            _reason("device_untried", en=f"{d.id}: not tried yet", zh=f"{d.id}：尚未连接过")
            for d in status.devices
            if d.state in _UNTRIED
        ]
        reasons += _store_reason(status.store.problem)
        reasons = reasons or [_reason("starting", en="starting", zh="正在启动")]
    return status.ready, orjson.dumps({"ready": status.ready, "reasons": reasons})


def json_value(value: Value) -> bool | int | float | str | None:
    """Give a value as JSON can carry it without loss."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and abs(value) > _MAX_EXACT:
        return str(value)
    return value


def _destination(destination: DestinationStatus) -> dict[str, Any]:
    """Give a destination; where there are several, its `rows` tell whether its own law holds.

    What they have in common with the store is not said twice.
    """
    rows = destination.rows
    if rows is None:
        return _shallow(destination)
    law = {name: getattr(rows, name) for name in _LAW}
    return {**_shallow(destination), "rows": {**law, "balanced": rows.balanced}}


def _device(device: DeviceStatus) -> dict[str, Any]:
    """Give a device, with values rewritten that JSON cannot carry."""
    return {**_shallow(device), "tags": [_tag(one) for one in device.tags]}


def _tag(tag: TagStatus) -> TagStatus | dict[str, Any]:
    value = json_value(tag.value)
    return tag if value is tag.value else {**_shallow(tag), "value": value}


def _shallow(snapshot: DataclassInstance) -> dict[str, Any]:
    return {field.name: getattr(snapshot, field.name) for field in fields(snapshot)}


def _store_reason(problem: Message | None) -> list[dict[str, str]]:
    return [_reason("store", en=problem.en, zh=problem.zh)] if problem else []


def _reason(code: str, *, en: str, zh: str) -> dict[str, str]:
    return {"code": code, "en": en, "zh": zh}
