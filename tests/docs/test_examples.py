"""Configurations on the first pages work, and the output beside them is what the program prints."""

import pytest
from docs.markdown import ROOT, name, read

from agent.cli.main import main

FIRST = ("README.md", "docs/quickstart.md", "docs/integrators-guide.md")
PAGES = [ROOT / n.replace(".md", end) for n in FIRST for end in (".md", ".zh-CN.md")]


def whole_files(page):
    """Give the YAML blocks that are whole configurations."""
    return [b for b in page.blocks_of("yaml") if b.startswith("gateway:")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_configuration_shown_passes_check(path, folder, capsys):
    """What a reader copies is usable as it stands; a point table beside it, too."""
    page = read(path)
    files = whole_files(page)
    assert files
    write_point_table(page, folder)
    for content in files:
        (folder / "agent.yaml").write_text(content, "utf-8")
        assert main(["check", "-c", "agent.yaml"]) == 0, capsys.readouterr()


@pytest.mark.parametrize("path", PAGES[2:], ids=name)
def test_the_output_of_check_is_shown_as_it_is(path, folder, capsys):
    """The first `chulian check` of a page shows what is printed for the page's file."""
    page = read(path)
    command, *shown = checks_shown(page)[0]
    write_point_table(page, folder)
    (folder / file_of(command)).write_text(whole_files(page)[0], "utf-8")
    assert main(arguments(command)) == 0
    assert capsys.readouterr().out.splitlines() == shown


@pytest.mark.parametrize("path", PAGES[4:], ids=name)
def test_the_mistake_is_shown_as_it_is_told(path, folder, capsys):
    """The second `chulian check` of the guide shows what is printed for a wrong byte order."""
    page = read(path)
    command, *shown = checks_shown(page)[1]
    write_point_table(page, folder, right="@CDAB", wrong="@CBAD")
    (folder / file_of(command)).write_text(whole_files(page)[0], "utf-8")
    assert main(arguments(command)) == 2
    printed = capsys.readouterr()
    assert (printed.out + printed.err).splitlines() == shown


def test_the_configuration_of_the_readme_has_ten_lines():
    """The smallest configuration stays small."""
    (content,) = whole_files(read(ROOT / "README.md"))
    assert len(content.splitlines()) == 10


def checks_shown(page):
    """Give the lines of each console block that shows `chulian check`."""
    return [b.splitlines() for b in page.blocks_of("console") if b.startswith("$ chulian check")]


def arguments(command):
    """Give the words after `chulian`, in English unless they say otherwise."""
    words = command.split()[2:]
    return words if "--lang" in words else [*words, "--lang", "en"]


def file_of(command):
    """Give the file that a command names."""
    words = command.split()
    return words[words.index("-c") + 1]


def write_point_table(page, folder, *, right="", wrong=""):
    """Write the page's point table, if it has one, with a mistake if one is wanted."""
    for table in page.blocks_of("csv"):
        lines = "\n".join(line.strip() for line in table.splitlines())
        assert right in lines
        (folder / "points.csv").write_text(
            (lines.replace(right, wrong) if right else lines) + "\n", "utf-8"
        )
