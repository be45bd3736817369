"""docs/configuration in both languages: its samples work and it names every key."""

import re
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.config import derived, destination, ledger, memory, model, shifts
from agent.config.fields import CHINESE
from agent.config.points import read_points

ROOT = Path(__file__).resolve().parents[4]
PAGES = {"en": "configuration.md", "zh": "configuration.zh-CN.md"}
SECTIONS = {
    "memory": memory.Memory,
    "gateway": model.Gateway,
    "enterprise": model.Enterprise,
    "enterprise.size": ledger.Size,
    "enterprise.titles": ledger.Title,
    "locations": ledger.Location,
    "store": model.Store,
    "publish": destination.Destination,
    "publish[].tls": destination.Tls,
    "clock": model.Clock,
    "http": model.Http,
    "devices": model.DeviceEntry,
    "devices[].groups": model.Group,
    "devices[].tags": model.TagEntry,
    "devices[].computed": derived.ComputedTag,
    "devices[].states": derived.States,
    "devices[].states.rules": derived.StateRule,
    "devices[].compress": derived.Compress,
    "devices[].oee": derived.Oee,
    "processes": model.Process,
    "equipment": model.Equipment,
    "equipment[].links": ledger.ProcessLink,
    "equipment[].documents": ledger.MachineDocument,
    "equipment[].witnessed": ledger.Witness,
    "shifts": shifts.Shifts,
    "shifts.shifts": shifts.Shift,
    "shifts.shifts.breaks": shifts.Break,
    "rate": model.Rate,
}


def page(lang):
    return (ROOT / "docs" / PAGES[lang]).read_text()


def blocks(text, kind):
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("lang", PAGES)
def test_the_page_begins_with_what_works(lang, capsys, monkeypatch):
    """The first sample is configs/minimal.yaml, and the answer shown is the program's."""
    text = page(lang)
    assert blocks(text, "yaml")[0] == (ROOT / "configs" / "minimal.yaml").read_text()
    monkeypatch.chdir(ROOT)
    command, _, shown = blocks(text, "console")[0].partition("\n")
    assert main(command.removeprefix("$ chulian ").split()) == 0
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("lang", PAGES)
def test_the_table_shown_is_one(lang, tmp_path):
    """The point table of the page reads without a problem."""
    path = tmp_path / "t.csv"
    path.write_text(blocks(page(lang), "text")[0])
    nodes, problems = read_points(path)
    assert problems == []
    assert len(nodes) == 2


@pytest.mark.parametrize("lang", PAGES)
@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_is_described(lang, name):
    """Each section's table names each of its keys, in order, with the model's own sentence."""
    section = SECTIONS[name]
    part = page(lang).partition(f"### `{name}`\n")[2].partition("\n###")[0]
    rows = re.findall(r"^\| `(\w+)` \| .+? \| (.+) \|$", part, re.MULTILINE)
    assert rows == [
        (key, CHINESE[f"{section.__name__}.{key}"] if lang == "zh" else field.description)
        for key, field in section.model_fields.items()
    ]


def test_every_section_has_its_table():
    """The page leaves out no section of the file."""
    assert {re.split(r"[.\[]", name)[0] for name in SECTIONS} == set(model.AgentConfig.model_fields)


@pytest.mark.parametrize("pair", ["configuration", "errors"])
def test_both_languages_have_the_same_shape(pair):
    """Headings, code blocks and table rows of a pair match one to one."""
    shapes = []
    for name in (f"{pair}.md", f"{pair}.zh-CN.md"):
        text = (ROOT / "docs" / name).read_text()
        shapes.append(
            [
                (len(line) - len(line.lstrip("#")), line.startswith("```"), line.count(" | "))
                for line in text.splitlines()
                if line.startswith(("#", "```", "|"))
            ]
        )
    assert shapes[0] == shapes[1]
