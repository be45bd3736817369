"""What stands in every template for the people who use it: source, settings, names, units."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "configs" / "templates"
GENERIC = {"opcua-cnc", "plc-machine"}
"""Templates of no maker's device; their headers say what they are shaped after."""
MODBUS = sorted(p.stem for p in FOLDER.glob("*.yaml") if p.stem != "opcua-cnc")
DEVICES = sorted(set(MODBUS) - GENERIC)
HAN = re.compile(r"[\u4e00-\u9fff]")
WITHOUT_UNIT = {"bool", "bit", "string", "datetime"}
PAGES = ("docs/templates.md", "docs/templates.zh-CN.md")


def content(name):
    return YAML(typ="safe", pure=True).load((FOLDER / f"{name}.yaml").read_text("utf-8"))


def header(name):
    """Give the comment at the top, its lines joined."""
    lines = (FOLDER / f"{name}.yaml").read_text("utf-8").splitlines()
    comment = [line.lstrip("# ") for line in lines[: lines.index("")]]
    return " ".join(comment)


@pytest.mark.parametrize("name", DEVICES)
def test_a_template_names_its_source(name):
    """The header tells maker's document or who else says so, and with whom it was compared."""
    (source,) = re.findall(r"Source: (.*?)\.(?: [A-Z0-9]|$)", header(name))
    assert len(source) > 80
    assert re.search(r"compared with|one source only", header(name))


@pytest.mark.parametrize("name", DEVICES)
def test_a_template_tells_how_the_device_is_wired(name):
    """The header has the serial settings, or the Ethernet ones, under their Chinese name."""
    assert re.search(r"串口|以太网", header(name))
    assert re.search(r"站号|unit 1", header(name))


@pytest.mark.parametrize("name", sorted(p.stem for p in FOLDER.glob("*.yaml")))
def test_every_tag_is_described_in_chinese(name):
    """An electrician knows each point by its description, and finds it once."""
    tags = content(name)["tags"]
    assert [t["name"] for t in tags if not HAN.search(t.get("description", ""))] == []
    names = [t["name"] for t in tags]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", MODBUS)
def test_every_number_has_a_unit_or_states(name):
    """A number without a unit is no measurement; 1 stands for a bare number."""
    tags = content(name)["tags"]
    bare = [t for t in tags if t["type"] not in WITHOUT_UNIT and not t.get("states")]
    assert [t["name"] for t in bare if not t.get("unit")] == []


@pytest.mark.parametrize("name", MODBUS)
def test_every_float_has_limits(name):
    """A float read in the wrong byte order leaves its limits, so each has at least one."""
    floats = [t for t in content(name)["tags"] if t["type"].startswith("float")]
    assert [t["name"] for t in floats if "min" not in t and "max" not in t] == []


def test_no_two_templates_are_copies():
    """Two templates have less than half of their points in common."""
    points = {
        name: {(t["address"], t["type"], t.get("scale", 1)) for t in content(name)["tags"]}
        for name in MODBUS
    }
    alike = [
        (one, other)
        for one, other in combinations(MODBUS, 2)
        if 2 * len(points[one] & points[other]) >= len(points[one] | points[other])
    ]
    assert alike == []


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_list_every_template(page):
    """Each template has its row, and each row its template."""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(p.stem for p in FOLDER.glob("*.yaml"))
