"""`chulian points` and `chulian schema`: tables out of a configuration and back into one."""

import json
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.config.load import load
from agent.config.points import read_points

ROOT = Path(__file__).resolve().parents[4]
HEAD = "gateway: {id: g}\nenterprise: {id: e}\npublish: [{url: 'mqtts://b'}]\n"
TAGS = """\
devices:
  - id: m1
    driver: modbus
    host: h
    groups: {slow: {interval_s: 60}}
    tags:
      - {name: machine.state, address: "hr:1", type: uint16, states: {"0": "off", "a;b": idle}}
      - {name: a, address: "ir:0", type: float32, unit: "{rev}/min", scale: 1, group: slow}
      - {name: b, address: "ir:2", type: float32, min: -0.1, max: 1e9, description: '主轴 "1"，=x'}
"""


@pytest.fixture
def shop(tmp_path):
    """A configuration with one device and every kind of cell."""
    path = tmp_path / "agent.yaml"
    path.write_text(HEAD + TAGS)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_export_and_import_give_the_same_device(shop, suffix, lang, tmp_path, capsys):
    """A device whose tags moved into a table, or out of one again, is the same device."""
    table = tmp_path / f"t{suffix}"
    argv = ["points", "export", "-c", str(shop), "-d", "m1", "-o", str(table), "--lang", lang]
    assert main(argv) == 0
    original = load(shop).devices[0].entry.tags

    by_table = tmp_path / "by_table.yaml"
    by_table.write_text(HEAD + TAGS.partition("    tags:")[0] + f"    points: {table.name}\n")
    assert load(by_table).devices[0].entry.tags == original

    capsys.readouterr()
    assert main(["points", "import", str(table)]) == 0
    lines = capsys.readouterr().out.splitlines()
    by_text = tmp_path / "by_text.yaml"
    by_text.write_text(
        HEAD + TAGS.partition("    tags:")[0] + "".join(f"    {line}\n" for line in lines)
    )
    assert load(by_text).devices[0].entry.tags == original


def test_import_answers_as_json(shop, tmp_path, capsys):
    """A program gets the tags, only with what they state."""
    table = tmp_path / "t.csv"
    table.write_text("名称,地址,倍率\na.b,hr:1,0.1\n")
    assert main(["points", "import", str(table), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"tags": [{"name": "a.b", "address": "hr:1", "scale": 0.1}]}


def test_import_tells_every_mistake(tmp_path, capsys):
    """Each bad cell, and a repeated name, is told at its row; nothing is printed as good."""
    table = tmp_path / "t.csv"
    table.write_text("name,address,scale\na,x,ten\nB,y,1\na,z,1\n")
    assert main(["points", "import", str(table), "--lang", "en"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    for part in ("t.csv:2:3: E1103", "t.csv:3:1: E1106", "t.csv:4:1: E1202"):
        assert part in err


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_the_template_is_a_table_to_fill_in(tmp_path, suffix):
    """An empty template has every heading and no row."""
    table = tmp_path / f"empty{suffix}"
    assert main(["points", "template", "-o", str(table), "--lang", "zh"]) == 0
    assert read_points(table) == ([], [])


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["export", "-d", "nobody", "-o", "t.csv"], "m1"),
        (["export", "-d", "m1", "-o", "t.doc"], ".xlsx"),
        (["export", "-d", "m1", "-o", "no/folder/t.csv"], "no/folder"),
        (["import", "none.csv"], "E1411"),
    ],
)
def test_what_cannot_be_done_is_told(shop, monkeypatch, capsys, argv, word):
    """Exit code 2 and a sentence that names what is there or what is wrong."""
    monkeypatch.chdir(shop.parent)
    assert main(["points", *argv]) == 2
    assert word in capsys.readouterr().err


def test_the_schema_is_printed(capsys):
    """`chulian schema` prints the JSON Schema with every driver's keys, in the language asked."""
    assert main(["schema", "--lang", "zh"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "host" in schema["$defs"]["Device-modbus"]["properties"]
    assert "url" in schema["$defs"]["Device-opcua"]["properties"]
