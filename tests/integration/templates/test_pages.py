"""The pages on templates and the example of a bus: what they show is what the program says."""

from __future__ import annotations

import re
import shlex

import pytest
from docs.markdown import ROOT, read

from agent.cli.main import main
from agent.config.lines import line_costs
from agent.config.load import examine

PAGES = [ROOT / "docs/templates.md", ROOT / "docs/templates.zh-CN.md"]
BUS = ROOT / "configs" / "meters-rs485.yaml"
METERS = 30


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_output_shown_is_what_is_printed(path, tmp_path, monkeypatch, capsys):
    """Each `chulian check` of the page prints the lines below it, for the page's own file."""
    page = read(path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "agent.yaml").write_text(page.blocks_of("yaml")[0], "utf-8")
    blocks = page.blocks_of("console")
    assert len(blocks) == 3
    for block in blocks:
        command, *shown = block.splitlines()
        words, _, tail = command.removeprefix("$ chulian ").partition(" | tail -")
        assert main(shlex.split(words)) == 0
        printed = capsys.readouterr().out.splitlines()
        assert printed[-int(tail) if tail else 0 :] == shown


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_a_device_states_fits_its_template(path, tmp_path):
    """The corrections the page shows for one device load without a finding, over the template."""
    whole, own = read(path).blocks_of("yaml")
    indented = "\n".join("    " + line for line in own.splitlines())
    text = re.sub(r"- \{(.*)\}", lambda match: "- " + match[1].replace(", ", "\n    "), whole)
    (tmp_path / "agent.yaml").write_text(f"{text.rstrip()}\n{indented}\n", "utf-8")
    examined = examine(tmp_path / "agent.yaml")
    assert [one.as_dict() for one in examined.problems] == []
    tags = {tag.name: tag for tag in examined.loaded.devices[0].entry.tags}
    assert tags["energy.total"].address == "hr:16414"
    assert (tags["current.l1"].scale, tags["current.l1"].unit) == (0.04, "A")


def test_thirty_meters_share_one_line_that_bears_them():
    """The example has thirty units on one line, and polls it for less than its whole time."""
    examined = examine(BUS)
    assert [one.as_dict() for one in examined.problems] == []
    devices = examined.loaded.devices
    assert [device.config.unit for device in devices] == list(range(1, METERS + 1))
    (line,) = line_costs(devices)
    assert len(line.devices) == METERS
    assert 0 < line.load < 1
    assert 0 < line.cycle_s < line.fastest_s
