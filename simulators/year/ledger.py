"""The shop as a configuration of the agent: ledger, calendar, and where each machine is read.

Twenty-two machines and six key processes; what is false or odd about them is told in
`simulators.year.story`.
"""

from __future__ import annotations

from typing import Any, Final

from simulators.year.days import HOLIDAYS, SHIFTS, WORKDAYS
from simulators.year.machines import COLUMNS, STATES, STEP_S

SOURCES: Final = {
    "l1": "cnc", "l2": "opc", "l3": "opc", "l3n": "opc", "m5": "meter", "m6": "meter",
    "l7": "opc", "v1": "opc", "v2": "opc", "v3": "opc", "v4": "opc", "v5": "opc", "v6": "opc",
    "k1": "cnc", "e1": "opc", "e2": "opc", "p1": "press",
}  # fmt: skip
"""Device -> kind of source."""
REPLACED_ON: Final = "2026-08-01"
"""First day of L3N, which took the place of L3."""
DROPPED_ON: Final = "2026-08-14"
"""Last day of grinding as a key process."""

_TAGS: Final[dict[str, dict[str, Any]]] = {
    "machine.state": {"type": "uint16", "states": dict(enumerate(STATES))},
    "status.run": {"type": "uint16"},
    "status.aut": {"type": "uint16"},
    "status.alarm": {"type": "uint16"},
    "program.number": {"type": "uint32"},
    "axis.x.position": {"type": "int32", "scale": 0.001, "unit": "mm"},
    "spindle.load": {"type": "uint16", "scale": 0.01, "unit": "%"},
    "power.active": {"type": "uint32", "scale": 0.0001, "unit": "kW"},
    "part.count": {"type": "uint16"},
    "signal.running": {"type": "bool"},
    "signal.on": {"type": "bool"},
    "machine.mode": {"type": "uint16"},
    "press.force": {"type": "uint16", "scale": 0.1, "unit": "kN"},
    "energy.total": {"type": "uint32", "scale": 0.001, "unit": "kW.h"},
}
_STATES: Final[dict[str, dict[str, Any]]] = {
    "cnc": {"preset": "fanuc",
            "tags": {"run": "status.run", "aut": "status.aut", "alarm": "status.alarm"}},
    "press": {"preset": "plc-bits", "tags": {"running": "signal.running", "on": "signal.on"}},
    "meter": {"preset": "power", "tags": {"power": "power.active"},
              "limits": {"running_kw": 1.0, "idle_kw": 0.1}},
}  # fmt: skip
_MACHINES: Final = (
    ("L1", "turn", "CNC", "l1"), ("L2", "turn", "CNC", "l2"), ("L3", "turn", "CNC", "l3"),
    ("L3N", "turn", "CNC", "l3n"), ("L4", "turn", "CNC", None), ("L5", "turn", "manual", "m5"),
    ("L6", "turn", "CNC", "m6"), ("L7", "turn", "CNC", "l7"), ("L8", "turn", "CNC", "l7"),
    ("V1", "mill", "CNC", "v1"), ("V2", "mill", "CNC", "v2"), ("V3", "mill", "CNC", "v3"),
    ("V4", "mill", "CNC", "v4"), ("V5", "mill", "CNC", "v5"), ("V6", "mill", "CNC", "v6"),
    ("K1", "mill", "FMC", "k1"), ("K1-A", "mill", "CNC", None), ("G1", "grind", "manual", None),
    ("G2", "grind", "manual", None), ("E1", "edm", "NC", "e1"), ("E2", "edm", "NC", "e2"),
    ("P1", "press", "PLC", "p1"),
)  # fmt: skip
"""Number, process, control type, device."""
_MORE: Final[dict[str, dict[str, Any]]] = {
    "L3": {"in_service_to": "2026-07-31"},
    "L3N": {"in_service_from": REPLACED_ON},
    "V6": {"maker": "沈阳机床", "model": "VMC850", "serial": "SY2019-0417"},
    "K1-A": {"part_of": "K1", "processes": []},
}


def configuration() -> dict[str, Any]:
    """Give the whole file as JSON types; JSON is YAML."""
    return {
        "gateway": {"id": "gw-year", "timezone": "Asia/Shanghai"},
        "enterprise": {"id": "shop", "name": "楚江机加工有限公司", "industry_kind": "discrete"},
        "publish": [{"url": "mqtt://127.0.0.1:1883"}],
        "shifts": {
            "day_starts": "08:00",
            "weekdays": ["mon", "tue", "wed", "thu", "fri"],
            "holidays": list(HOLIDAYS),
            "workdays": list(WORKDAYS),
            "shifts": list(SHIFTS),
        },
        "devices": [_device(id_, unit) for unit, id_ in enumerate(SOURCES, 1)],
        "processes": _processes(),
        "equipment": [_machine(*one) for one in _MACHINES],
    }


def _device(id_: str, unit: int) -> dict[str, Any]:
    kind, address = SOURCES[id_], 0
    tags = []
    for name in COLUMNS[kind]:
        tag = _TAGS[name]
        area = "co" if tag["type"] == "bool" else "hr"
        tags.append({"name": name, "address": f"{area}:{address}", **tag})
        address += 2
    found = {"id": id_, "driver": "modbus", "host": f"192.0.2.{unit}", "unit": 1, "tags": tags,
             "groups": {"default": {"interval_s": STEP_S}}}  # fmt: skip
    if id_ == "v2":
        found["oee"] = {"parts": "part.count", "part_s": 6930}
    return found | ({"states": _STATES[kind]} if kind in _STATES else {})


def _processes() -> list[dict[str, Any]]:
    key = [{"id": id_} for id_ in ("turn", "mill", "edm", "press", "assembly")]
    return [
        *key,
        {"id": "grind", "valid_to": DROPPED_ON},
        {"id": "heat", "outsourced": "襄阳某热处理厂"},
        {"id": "inspect", "key": False},
    ]


def _machine(id_: str, process: str, control_type: str, device: str | None) -> dict[str, Any]:
    return {"id": id_, "processes": [process], "control_type": control_type, "device": device,
            **_MORE.get(id_, {})}  # fmt: skip
