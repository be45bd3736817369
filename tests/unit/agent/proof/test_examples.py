"""The worked examples, through the file, against a script that shares no code with the program."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from proof import recompute
from unit.agent.proof.conftest import AS_OF, evidence

from agent.config.model import AgentConfig
from agent.proof.build import data_members
from agent.proof.documents import Material

SCRIPT = Path(recompute.__file__)


def shop(able, *, kind="discrete", devices=(), gone=()):
    """Give a configuration of {process: {machine: control type}}."""
    machines = {}
    for process, types in able.items():
        for id_, control_type in types.items():
            machines.setdefault(id_, (control_type, []))[1].append(process)
    return AgentConfig.model_validate(
        {
            "gateway": {"id": "gw1"},
            "enterprise": {"id": "ent1", "industry_kind": kind},
            "publish": [{"url": "mqtt://127.0.0.1:1883"}],
            "rate": {"scheduled_days": 22},
            "processes": [
                {"id": process, "valid_to": "2026-07-15" if process in gone else None}
                for process in able
            ],
            "equipment": [
                {"id": id_, "control_type": control_type, "processes": serves,
                 "device": id_ if id_ in devices else None}
                for id_, (control_type, serves) in machines.items()
            ],
        }
    )  # fmt: skip


def of(types, *ids):
    """Give machines of one control type."""
    return dict.fromkeys(ids, types)


A = {
    "turn": of("CNC", "L1", "L2", "L3", "L4") | of("manual", "L5", "L6"),
    "mill": of("CNC", "V1", "V2", "V3"),
    "grind": of("manual", "G1", "G2"),
    "edm": of("NC", "E1", "E2"),
}
SEEN = ("L1", "L2", "L3", "V1", "V2", "V3")
B = {"mix": of("PLC", "m"), "react": of("DCS", "r1", "r2"), "dry": of("manual", "d"),
     "pack": of("PLC", "p")}  # fmt: skip
C = {"p1": of("CNC", "M1"), "p2": of("CNC", "M1") | of("manual", "X1")}
D = {"turn": of("CNC", "T1"), "asm": {}}
H = {"p1": of("PLC", "press"), "p2": of("CNC", "M1")}

EXAMPLES = {
    "A": (shop(A, devices=SEEN), "strict", "3/4 1/2 2/3 9/13 9/13", "1/2 1/4 3/8 6/13 6/13"),
    "B": (shop(B, kind="process"), "strict", "3/4 3/4 3/4 4/5 4/5", "0 0 0 0 0"),
    "C": (shop(C), "strict", "1 1/2 3/4 2/3 1/2", "0 0 0 0 0"),
    "D": (shop(D), "strict", "1/2 1/2 1/2 1 1", "0 0 0 0 0"),
    "E": (shop({}), "strict", " ".join(["no_key_process"] * 5), " ".join(["no_key_process"] * 5)),
    "H strict": (shop(H), "strict", "1/2 1/2 1/2 1/2 1/2", "0 0 0 0 0"),
    "H broad": (shop(H), "broad", "1 1 1 1 1", "0 0 0 0 0"),
    "I": (shop(A, devices=SEEN, gone=("grind",)), "strict", "1 2/3 8/9 9/11 9/11",
          "2/3 1/3 1/2 6/11 6/11"),
}  # fmt: skip


def made_of(config):
    """Give the data members of a file, with evidence of every device the ledger names."""
    devices = [one.device for one in config.equipment if one.device]
    return data_members(
        Material(
            config=config,
            as_of=AS_OF,
            days=tuple(day for device in devices for day in evidence(device, 18)),
            made_ms=0,
            made_by="test",
        )
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_script_agrees_digit_by_digit(name):
    """Every status and rate follows from ledger and days by the written rules alone."""
    config, control_set, declared, verified = EXAMPLES[name]
    held = made_of(config)
    assert recompute.recompute(held) == []
    found = recompute.json.loads(held["result.json"])["sets"][control_set]["rates"]
    methods = ("any", "all", "mean", "pool", "dedup")
    for key, expected in (("declared", declared), ("verified", verified)):
        assert " ".join(str(recompute.figure(found[m][key])) for m in methods) == expected


def test_the_script_finds_a_false_figure_and_a_false_status():
    """What the script does not come to itself, it calls wrong."""
    held = made_of(EXAMPLES["A"][0])
    text = held["result.json"].decode()
    for false in (
        text.replace('"status": "unverified"', '"status": "verified"', 1),
        text.replace('"num": 3\n', '"num": 2\n', 1),
    ):
        assert false != text
        assert recompute.recompute(held | {"result.json": false.encode()})


def test_a_process_dropped_within_the_period_is_told():
    """Example I: a rate that rises without a machine does not go unsaid."""
    config = EXAMPLES["I"][0]
    result = recompute.json.loads(made_of(config)["result.json"])
    assert result["key_process_removed"] == ["grind"]


def test_the_script_runs_without_anything_of_the_program(raw, tmp_path):
    """`python -I -S recompute.py FILE`: the standard library alone, in a process of its own."""
    file = tmp_path / "evidence.zip"
    file.write_bytes(raw)
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mean verified: 1/8" in done.stdout
    file.write_bytes(raw.replace(b'"metrics_changed":true', b'"metrics_changed":null', 1))
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, file], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0


def test_a_holiday_is_no_production_day(material):
    """Days off the calendar count for nobody, in the program and in the script alike."""
    config = material.config.model_copy(
        update={
            "shifts": type(material.config.shifts).model_validate(
                {"weekdays": ["mon", "tue", "wed", "thu", "fri"],
                 "holidays": ["2026-07-06/2026-07-10"], "workdays": ["2026-07-11"]}
            )
        }
    )  # fmt: skip
    held = data_members(replace(material, config=config))
    assert recompute.recompute(held) == []
    assert recompute.json.loads(held["result.json"])["scheduled_days"] == 18


def test_eased_settings_are_told_and_cannot_be_left_out(material):
    """Own settings that ask for less stand in the result; the script misses them if they do not."""
    rate = material.config.rate.model_copy(update={"min_days": 1, "min_day_share": 0.0})
    held = data_members(replace(material, config=material.config.model_copy(update={"rate": rate})))
    assert recompute.recompute(held) == []
    result = recompute.json.loads(held["result.json"])
    assert result["eased"]["settings"] == [
        {"setting": "min_days", "is": 1, "rule": 5},
        {"setting": "min_day_share", "is": 0.0, "rule": 0.5},
    ]
    hidden = recompute.json.dumps(result | {"eased": None}).encode()
    assert recompute.recompute(held | {"result.json": hidden}) != []
