from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from agent.config.model import AgentConfig
from agent.web import words
from agent.web.routes import ROUTES

DOCS = Path(__file__).parents[3] / "docs"
PAIRS = ["operations", "metrics"]


def pair(name):
    """Read both languages of a page."""
    return [(DOCS / f"{name}{tail}.md").read_text("utf-8") for tail in ("", ".zh-CN")]


def code(text):
    """Give the code blocks of a page."""
    return re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", PAIRS)
def test_both_languages_say_the_same(name):
    """Headings, code blocks and tables of a pair correspond one to one."""
    en, zh = pair(name)
    assert code(en) == code(zh)
    for pattern in (r"^#+ ", r"^\|", r"^\d\. "):
        assert len(re.findall(pattern, en, re.MULTILINE)) == len(
            re.findall(pattern, zh, re.MULTILINE)
        )


@pytest.mark.parametrize(("language", "index"), [("en", 0), ("zh", 1)])
def test_every_word_the_page_can_show_is_explained(language, index):
    """The page's states and qualities stand in the operations page, word for word."""
    text = pair("operations")[index]
    waiting_to_start, *link_states = words.LINK_STATES.values()
    assert waiting_to_start.en == "waiting to start"
    shown = [*link_states, *words.MACHINE_STATES.values(), *words.QUALITIES.values()]
    shown += [words.STORED, words.ACKED, words.REJECTED, words.DROPPED, words.WAITS]
    for word in shown:
        assert f"\n| {word.text(language)} |" in text


def test_samples_are_valid_configuration():
    """Each YAML block of the operations page fits the models, with what it leaves out added."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", pair("operations")[0], re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        sample = YAML(typ="safe").load(block)
        frame = {
            "gateway": {"id": "gw-hb-0001"},
            "enterprise": {"id": "e1"},
            "publish": [{"url": "mqtt://localhost"}],
        }
        assert AgentConfig.model_validate({**frame, **sample})


def test_documented_addresses_are_served():
    """Every address in the table for monitoring is a route."""
    listed = re.findall(r"^\| `(/[a-z/]+)` \|", pair("operations")[0], re.MULTILINE)
    assert len(listed) == 5
    assert set(listed) <= set(ROUTES)
