"""The shop's proof file: a script that shares no code comes to the same, and lies are found."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from proof import recompute
from unit.agent.proof.forging import resigned
from year.played import losses, play

from agent.proof.build import build, data_members
from agent.proof.documents import Material
from agent.proof.verify import verify
from simulators.year import story

SCRIPT = Path(recompute.__file__)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
AS_OF = date(2026, 9, 30)
pytestmark = pytest.mark.timeout(600)


def material(year, as_of):
    return Material(
        config=year.config,
        as_of=as_of,
        days=year.days,
        facts=year.facts(as_of),
        losses=losses(),
        made_ms=0,
        made_by="test",
    )


@pytest.fixture(scope="module")
def september(tmp_path_factory):
    """The one month that the file is about."""
    return play(tmp_path_factory.mktemp("september"), date(2026, 9, 1), AS_OF)


@pytest.fixture(scope="module")
def raw(september):
    return build(material(september, AS_OF), KEY)


def test_the_script_comes_to_the_same_machine_by_machine(september):
    """Every finding, status, reason and fraction follows from the members by the written rules."""
    held = data_members(material(september, AS_OF))
    assert recompute.recompute(held) == []
    told = [
        finding["reason"]
        for machine in json.loads(held["result.json"])["sets"]["strict"]["machines"]
        for finding in machine["findings"]
    ]
    assert set(told) == {"copied", "simulator", "identity_mismatch"}


def test_script_and_command_find_the_file_sound(raw, tmp_path):
    """Both read the whole file, and neither finds anything."""
    assert verify(raw).sound
    assert run(raw, tmp_path) == (0, [])


def each(change, device, *, since=""):
    """Change every line of one device in days.jsonl."""

    def changed(raw):
        lines = [json.loads(line) for line in raw.splitlines()]
        for one in lines:
            if one["device"] == device and one["day"] >= since:
                change(one)
        return b"".join(recompute.intact.compact(one) + b"\n" for one in lines)

    return changed


def none_of_it(one):
    one["control_good"] = 0


def own_steps(one):
    """Give a copy steps of its own: nothing is left that shows what it is."""
    one["values"]["kept"] = ""


def flat(one):
    one["moved"], one["movers"], one["counters"] = False, 3, []


def backwards(one):
    one["counters"][0]["back"] = 1


LIES = {
    "an honest machine without control": ("l1", none_of_it, "L1"),
    "a copy without its traces": ("v3", own_steps, "V3"),
    "an honest machine that stands still": ("v1", flat, "V1"),
    "an honest machine that counts back": ("e2", backwards, "E2"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_fact_changed_with_every_hash_put_right(raw, tmp_path, name):
    """Signed anew by another, the result no longer follows from the days: both name the machine."""
    device, change, machine = LIES[name]
    forged = resigned(raw, KEY, days_jsonl=each(change, device))
    said = " ".join(one.message.en for one in verify(forged).findings)
    assert f"machines[{machine}]" in said or "rates" in said or "coverage" in said
    code, wrong = run(forged, tmp_path)
    assert code == 1
    assert any(machine in line for line in wrong)


def test_who_a_device_says_it_is_cannot_be_taken_back(raw, tmp_path):
    """V6 gets its old serial number back in devices.json: the status told no longer follows."""

    def changed(page):
        document = json.loads(page)
        document["v6"]["identity"]["serial"] = story.identity("v6", story.FIRST)["serial"]
        text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
        return (text + "\n").encode()

    forged = resigned(raw, KEY, devices_json=changed)
    assert not verify(forged).sound
    code, wrong = run(forged, tmp_path)
    assert code == 1
    assert any("V6" in line for line in wrong)


def run(raw, folder):
    """Run the script in a process of its own; give its code, and what it calls wrong."""
    file = folder / "evidence.zip"
    file.write_bytes(raw)
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, file], capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return done.returncode, [one for one in done.stdout.splitlines() if one.startswith("WRONG")]
