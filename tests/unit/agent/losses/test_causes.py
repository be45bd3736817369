"""One vocabulary: every reason the program gives has a cause, and every cause is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.losses.causes import CAUSES, cause_of_gap

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("page", ["losses.md", "losses.zh-CN.md"])
def test_every_cause_is_documented(page):
    """The page names each cause by its code, and no other."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    named = set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))
    assert named == set(CAUSES)


@pytest.mark.parametrize(("page", "lang"), [("losses.md", "en"), ("losses.zh-CN.md", "zh")])
def test_the_page_says_what_the_program_says(page, lang):
    """Meaning and remedy stand in the page word for word."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    for cause in CAUSES.values():
        assert cause.meaning.text(lang) in text
        assert cause.todo.text(lang) in text


def test_every_reason_of_a_missed_poll_is_a_cause():
    """What the collector writes into `missed` is a word of the vocabulary."""
    sources = (ROOT / "agent" / "collect").glob("*.py")
    texts = "\n".join(path.read_text("utf-8") for path in sources)
    found = set(re.findall(r'miss\(.*reason="(\w+)"', texts))
    assert found
    assert found <= set(CAUSES)


def test_every_gap_has_a_cause():
    """Reasons of gaps, also those nobody knows here, become causes of the vocabulary."""
    reasons = ("overflow", "publish_gap", "agent_away", "no_reply", "somebody_elses_word")
    assert {cause_of_gap(reason) for reason in reasons} <= set(CAUSES)
