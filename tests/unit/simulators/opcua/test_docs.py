"""The page on the simulators names everything an OPC UA device can be told, in both languages."""

import argparse
from pathlib import Path

import pytest

from simulators.opcua.control import WORDS
from simulators.opcua.faults import SWITCHES
from simulators.opcua.odd import KINDS
from simulators.opcua.options import add_options
from simulators.opcua.words import CERTIFICATES, MOODS

DOCS = Path(__file__).parents[4] / "docs"
PAGES = [("simulators.md", 0), ("simulators.zh-CN.md", 1)]


@pytest.mark.parametrize(("page", "language"), PAGES)
def test_every_word_is_documented_as_it_is(page, language):
    """Each command, oddity, mood and certificate has a row that says what it does."""
    lines = (DOCS / page).read_text("utf-8").splitlines()
    words = {**SWITCHES, **WORDS}
    words |= {f"odd NODE {kind}": both for kind, both in KINDS.items()}
    words |= {f"history {mood}": both for mood, both in MOODS.items()}
    words |= {f"--certificate {kind}": both for kind, both in CERTIFICATES.items()}
    missing = [
        word for word, both in words.items() if f"| `{word}` | {both[language]} |" not in lines
    ]
    assert not missing


@pytest.mark.parametrize(("page", "language"), PAGES)
def test_every_option_is_documented(page, language):
    """Each option is named on the page."""
    parser = argparse.ArgumentParser(add_help=False)
    add_options(parser, lambda en, zh: (en, zh)[language])
    text = (DOCS / page).read_text("utf-8")
    options = [name for action in parser._actions for name in action.option_strings]
    assert not [name for name in options if name not in text]
