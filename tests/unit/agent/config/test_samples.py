"""What the repository ships for integrators: samples, templates, the schema. All of it works."""

import json
from pathlib import Path

import jsonschema
import pytest

from agent.config.document import parse
from agent.config.load import examine
from agent.config.schema import build_schema
from agent.registry import Registry

ROOT = Path(__file__).resolve().parents[4]
CONFIGS = ROOT / "configs"
SAMPLES = sorted(path.name for path in CONFIGS.glob("*.yaml"))
TEMPLATES = sorted(path.stem for path in (CONFIGS / "templates").glob("*.yaml"))
SETTINGS = {"modbus": {"host": "h"}, "opcua": {"url": "opc.tcp://h"}}


def plain(path):
    node, problems = parse(path.read_bytes(), file=str(path))
    assert problems == []
    return values(node)


def values(node):
    """Give a node as JSON has it, truth values included."""
    if isinstance(node.value, dict):
        return {key: values(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [values(child) for child in node.value]
    return node.value


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_usable(name, monkeypatch):
    """A sample loads without a finding: nobody starts from something broken."""
    examined = examine(CONFIGS / name)
    assert [one.as_dict() for one in examined.problems] == []
    assert examined.loaded is not None
    assert examined.loaded.devices


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_usable(name, tmp_path):
    """A device that names a template and how to reach it has planned tags."""
    driver = plain(CONFIGS / "templates" / f"{name}.yaml")["driver"]
    settings = json.dumps({"id": "d1", "template": name, **SETTINGS[driver]})
    path = tmp_path / "agent.yaml"
    path.write_text(
        "gateway: {id: g}\nenterprise: {id: e}\npublish: [{url: 'mqtts://b'}]\n"
        f"devices: [{settings}]\n"
    )
    examined = examine(path)
    assert [one.as_dict() for one in examined.problems] == []
    (device,) = examined.loaded.devices
    assert sum(len(group.tags) for group in device.groups) >= 2
    assert not any("{id}" in tag.address for tag in device.entry.tags)


def test_the_workshop_sample_is_the_worked_example():
    """Two of three key-process means come out as in the worked example: 2/3."""
    config = examine(CONFIGS / "workshop.yaml").loaded.config
    shares = []
    for process in config.processes:
        if process.key and not process.outsourced:
            able = [one for one in config.equipment if process.id in one.processes]
            controlled = [one for one in able if one.control_type in {"NC", "CNC"}]
            shares.append((len(controlled), len(able)))
    assert shares == [(4, 6), (3, 3), (0, 2), (2, 2)]


def test_the_schema_in_the_repository_is_the_programs():
    """`chulian schema` was run since the models last changed."""
    stored = json.loads((CONFIGS / "schema" / "agent.schema.json").read_text())
    names = [name for name in Registry().names() if name in SETTINGS]
    assert set(names) == set(SETTINGS)
    registry = Registry()
    registry.names = lambda: names
    assert stored == build_schema(registry), "run: chulian schema --lang en > configs/schema/…"


@pytest.mark.parametrize("name", SAMPLES)
def test_the_schema_accepts_every_sample(name):
    """An editor that checks against the schema does not mark what is right."""
    schema = build_schema(Registry())
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(plain(CONFIGS / name))
    assert [error.message for error in errors] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "a", "driver": "modbus", "host": "h", "hots": 1},
        {"id": "a", "driver": "opcua"},
        {"id": "a", "driver": "s7", "host": "h"},
        {"id": "a", "host": "h"},
        {"id": "a", "driver": "modbus", "host": "h", "tags": [{"name": "a", "type": "real"}]},
    ],
)
def test_the_schema_refuses_what_the_program_refuses(wrong):
    """The editor marks a wrong device: unknown key, missing key, unknown driver, bad value."""
    document = plain(CONFIGS / "minimal.yaml") | {"devices": [wrong]}
    validator = jsonschema.Draft202012Validator(build_schema(Registry()))
    assert not validator.is_valid(document)


def test_the_schema_speaks_chinese():
    """Every key an integrator types is described in Chinese on request."""
    schema = build_schema(Registry(), lang="zh")
    device = schema["$defs"]["Device-modbus"]["properties"]
    assert device["template"]["description"].startswith("模板名")
