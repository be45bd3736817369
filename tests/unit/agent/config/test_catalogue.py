"""The texts: every code speaks both languages, is used, and is documented."""

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from agent.config import words
from agent.config.catalogue import CATALOGUE
from agent.config.fields import CHINESE
from agent.config.model import AgentConfig
from agent.config.problems import Place, excerpt, in_reading_order, problem

ROOT = Path(__file__).resolve().parents[4]
BRACE = re.compile(r"\{(\w+)\}")
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_says_the_same_in_both_languages(code):
    """Both texts of message and hint exist, in their language, and need the same facts."""
    entry = CATALOGUE[code]
    for text in (entry.message, entry.hint):
        assert set(BRACE.findall(text.en)) == set(BRACE.findall(text.zh)) or code == "E1101"
        fixed_zh, fixed_en = BRACE.sub("", text.zh), BRACE.sub("", text.en)
        assert not HAN.search(fixed_en)
        if any(char.isalpha() for char in fixed_zh):
            assert HAN.search(fixed_zh)
    assert entry.message.en
    assert entry.message.zh


def test_every_code_is_used():
    """A text without a place that raises it is dead."""
    sources = "".join(
        path.read_text() for path in (ROOT / "agent").rglob("*.py") if "texts_" not in path.name
    )
    assert [code for code in CATALOGUE if f'"{code}"' not in sources] == []


@pytest.mark.parametrize("page", ["errors.md", "errors.zh-CN.md"])
def test_every_code_is_documented(page):
    """docs/errors has one row per code, with the program's own sentence, and no other."""
    rows = re.findall(
        r"^\| `([EW]\d{4})` \| (.*?) \|", (ROOT / "docs" / page).read_text(), re.MULTILINE
    )
    lang = "zh" if "zh" in page else "en"
    told = dict(rows)
    assert told == {code: plain(entry.message.text(lang)) for code, entry in CATALOGUE.items()}


def plain(text):
    """Write a message with … for what depends on the case, as the page does."""
    return BRACE.sub("…", text)


def models(annotation):
    """Give every model that can stand in a field of this type, and those within."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = {one for f in annotation.model_fields.values() for one in models(f.annotation)}
        return {annotation} | inner
    return {one for part in get_args(annotation) for one in models(part)}


def test_every_key_has_its_chinese_sentence():
    """Hints, notes and the Chinese schema say what each key of the host means."""
    fields = {f"{one.__name__}.{key}" for one in models(AgentConfig) for key in one.model_fields}
    assert set(CHINESE) == fields


def test_every_rule_and_pattern_of_a_model_is_explained():
    """A validator's sentence is translated, a pattern is put into words; none is left over."""
    sources = "".join(path.read_text() for path in (ROOT / "agent/config").glob("*.py"))
    assert set(words.RULES) == set(re.findall(r'msg = "(.+?)"', sources))
    assert all(HAN.search(text.zh) for text in words.RULES.values())
    drivers = "".join(path.read_text() for path in (ROOT / "drivers").glob("*/config.py"))
    assert set(re.findall(r'pattern=r"(.+?)"', sources + drivers)) == set(words.FORMS)


def test_an_excerpt_is_one_short_printable_line():
    """Nothing from a file can garble a terminal or a log."""
    for value in ("a\nb\x1b[31m\ud800", "x" * 10_000, {"a": 1}, [1], [], None, True, 1.5):
        shown = excerpt(value)
        assert shown.isprintable()
        assert 0 < len(shown) <= 61
        shown.encode()


def test_problems_are_told_in_reading_order_once():
    """By file in the order met, then by place; the same problem twice is one."""
    places = [Place("b", 9, 1), Place("a", 2, 2), Place("b", 1, 1), Place("a", 2, 2)]
    found = in_reading_order(problem("E1005", place) for place in places)
    assert [(one.file, one.line) for one in found] == [("b", 1), ("b", 9), ("a", 2)]
