"""docs/ledger shows what the program prints and names every finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.ledger.findings import FindingKind

ROOT = Path(__file__).resolve().parents[4]
PAGES = {"en": "docs/ledger.md", "zh": "docs/ledger.zh-CN.md"}
DAY = re.compile(r"\d{4}-\d{2}-\d{2}  \(")


@pytest.mark.parametrize("lang", PAGES)
def test_the_first_example_is_what_is_printed(lang, capsys, monkeypatch):
    """The sample workshop's ledger, but for the day it is shown on."""
    monkeypatch.chdir(ROOT)
    page = (ROOT / PAGES[lang]).read_text("utf-8")
    command, _, shown = re.findall(r"```console\n(.*?)```", page, re.DOTALL)[0].partition("\n")
    assert main([*command.removeprefix("$ chulian ").split(), "--lang", lang]) == 0
    assert DAY.sub("(", capsys.readouterr().out) == DAY.sub("(", shown)


@pytest.mark.parametrize("path", [*PAGES.values(), "docs/specs/ledger.md"])
def test_every_finding_is_explained(path):
    """Each code has its row, in the order of the program."""
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    codes = [one.value for one in FindingKind]
    assert [one for one in rows if one in codes] == codes
