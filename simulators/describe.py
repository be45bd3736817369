"""The simulated shop in the words of an agent's configuration, ready to be written as YAML.

Plain dicts, lists, strings, numbers and booleans only; this file knows the shape of the
configuration, not the agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulators.layout import LEDGER, PROCESSES, STATIONS, Link
from simulators.points import NAMESPACE

if TYPE_CHECKING:
    from simulators.layout import LedgerEntry, ShopProcess, Station
    from simulators.points import Point

_STATES = {"0": "off", "1": "idle", "2": "running", "3": "alarm", "4": "setup"}
_SLOW_S = 10.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the shop's servers are reached; a proxy before them has its own."""

    opcua_url: str
    modbus_host: str
    modbus_port: int


def describe(endpoints: Endpoints, *, language: str = "zh") -> dict[str, Any]:
    """Give `devices`, `processes` and `equipment` as they stand in an agent's configuration.

    Names and descriptions are Chinese for `zh`, English for anything else.
    """
    chinese = language == "zh"
    return {
        "devices": [_device(station, endpoints, chinese=chinese) for station in STATIONS],
        "processes": [_process(process, chinese=chinese) for process in PROCESSES],
        "equipment": [_equipment(entry, chinese=chinese) for entry in LEDGER],
    }


def _device(station: Station, endpoints: Endpoints, *, chinese: bool) -> dict[str, Any]:
    used = {point.group for point in station.points}
    return {
        "id": station.id,
        "name": station.zh if chinese else station.en,
        "workshop": "机加工车间" if chinese else "Machine shop",
        **_link(station, endpoints),
        **({"groups": {"slow": {"interval_s": _SLOW_S}}} if "slow" in used else {}),
        "tags": [_tag(station, point, chinese=chinese) for point in station.points],
    }


def _link(station: Station, endpoints: Endpoints) -> dict[str, Any]:
    if station.link is Link.OPCUA:
        return {"driver": "opcua", "url": endpoints.opcua_url}
    return {
        "driver": "modbus",
        "host": endpoints.modbus_host,
        "port": endpoints.modbus_port,
        "unit": station.unit,
    }


def _tag(station: Station, point: Point, *, chinese: bool) -> dict[str, Any]:
    opcua = station.link is Link.OPCUA
    tag: dict[str, Any] = {
        "name": point.metric,
        "address": f"nsu={NAMESPACE};s={station.id}.{point.address}" if opcua else point.address,
        "type": point.type,
        "description": point.zh if chinese else point.en,
    }
    if point.unit:
        tag["unit"] = point.unit
    if point.scale != 1:
        tag["scale"] = point.scale
    if point.group != "default":
        tag["group"] = point.group
    if point.metric == "machine.state":
        tag["states"] = dict(_STATES)
    return tag


def _process(process: ShopProcess, *, chinese: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": process.id,
        "name": process.zh if chinese else process.en,
        "key": process.key,
    }
    if process.outsourced[0]:
        entry["outsourced"] = process.outsourced[0 if chinese else 1]
    if process.document:
        entry["declared_by"] = "生产技术部" if chinese else "Production engineering"
        entry["declared_on"] = "2026-01-15"
        entry["document"] = process.document
    return entry


def _equipment(entry: LedgerEntry, *, chinese: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": entry.id,
        "name": entry.zh if chinese else entry.en,
        "maker": "模拟机床厂" if chinese else "Simulated Machine Works",
        "model": entry.model,
        "serial": f"SIM-{entry.id}",
        "control_type": entry.control_type,
        "processes": list(entry.processes),
        "in_service_from": entry.since,
    }
    if entry.controller:
        row["controller"] = entry.controller
    if entry.device:
        row["device"] = entry.device
    return row
