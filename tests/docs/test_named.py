"""Everything a person can type, set or plug in is named by the documentation, in both languages."""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module

import pytest
from docs.markdown import ROOT, ZH, pages

from agent.cli.arguments import Parser
from agent.cli.main import COMMANDS, _add_common, main

LANGUAGES = ("en", "zh")
FOR_SETUP = {"CHULIAN_SKIP_FOREIGN"}
"""Set by who runs the tests, not by who runs the agent."""


def documentation(language):
    """Join the pages in one language; specifications and decisions are in English only."""
    return "\n".join(
        path.read_text("utf-8") for path in pages() if path.name.endswith(ZH) is (language == "zh")
    )


def named(word, text):
    """Tell whether a word stands in a text, not only as a part of a longer one."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def parsers():
    """Give every command and sub-command with its parser."""
    for command, about in COMMANDS.items():
        parser = Parser(prog=command, lang="en")
        _add_common(parser, about)
        import_module(about.module).add_arguments(parser)
        yield command, parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, sub in action.choices.items():
                    yield f"{command} {name}", sub
            elif action.choices and not action.option_strings:
                for name in action.choices:
                    yield f"{command} {name}", Parser(prog=name)


PARSERS = list(parsers())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", [words for words, _ in PARSERS])
def test_every_command_is_named(words, language):
    """Each command and sub-command stands in the pages as it is typed."""
    assert named(f"chulian {words}", documentation(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_is_named(language):
    """Each option of each command stands in the pages."""
    text = documentation(language)
    options = {o for _, parser in PARSERS for a in parser._actions for o in a.option_strings}
    assert sorted(o for o in options if not named(o, text)) == []


@pytest.mark.parametrize("program", ["simulators.mqtt", "simulators.platform"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_of_broker_and_platform_is_named(program, language):
    """Each option of the two programs of their own stands in the pages."""
    done = subprocess.run(
        [sys.executable, "-m", program, "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    options = set(re.findall(r"^ +(--[a-z-]+)", done.stdout, re.MULTILINE))
    assert len(options) > 5
    text = documentation(language)
    assert sorted(o for o in options if not named(o, text)) == []


def test_help_lists_every_command(capsys):
    """`chulian --help` names all commands, so that none is known from the pages alone."""
    with pytest.raises(SystemExit) as left:
        main(["--help", "--lang", "en"])
    assert left.value.code == 0
    page = capsys.readouterr().out
    assert [command for command in COMMANDS if not named(command, page)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_variable_is_named(language):
    """Each environment variable that product or deployment reads stands in the pages."""
    places = ("agent", "drivers", "simulators", "deploy")
    sources = [p for place in places for p in (ROOT / place).rglob("*") if _is_text(p)]
    found = {v for p in sources for v in re.findall(r"\bCHULIAN_[A-Z_]+\b", p.read_text("utf-8"))}
    assert "CHULIAN_CONFIG" in found
    text = documentation(language)
    assert sorted(v for v in found - FOR_SETUP if not named(v, text)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_point_is_named(language):
    """Scripts, plug-in groups, drivers and modules to be run stand in the pages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    words = [*project["scripts"], *project["entry-points"], *project["optional-dependencies"]]
    words += [n for group in project["entry-points"].values() for n in group]
    words += ["python -m agent", "python -m simulators"]
    text = documentation(language)
    assert [word for word in words if not named(word, text)] == []


def test_every_make_target_is_named():
    """Each target of the Makefile stands in README or CONTRIBUTING."""
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    text = "".join((ROOT / n).read_text("utf-8") for n in ("README.md", "CONTRIBUTING.md"))
    assert [target for target in targets if not named(f"make {target}", text)] == []


def _is_text(path):
    return (
        path.is_file() and path.suffix not in {".pyc", ".png", ".ttf"} and os.access(path, os.R_OK)
    )
