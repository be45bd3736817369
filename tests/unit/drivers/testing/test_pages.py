"""The pages for driver authors show the code that is tested and name the points there are."""

import re
from pathlib import Path

import pytest

from drivers.testing.conformance import Conformance

ROOT = Path(__file__).parents[4]
PAGES = ("docs/driver-author.md", "docs/driver-author.zh-CN.md")
POINTS = {name[5:7] for name in dir(Conformance) if re.match(r"test_\d\d_", name)}


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page):
    return re.findall(r"^```\w*\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_the_tested_driver(page):
    """The first block of the page is the toy driver that passes the battery, byte for byte."""
    toy = (ROOT / "tests/conformance/toy_driver.py").read_text(encoding="utf-8")
    assert blocks(page)[0] == toy


@pytest.mark.parametrize("page", PAGES)
def test_page_lists_every_point(page):
    """The table of the page has exactly the points that the battery has."""
    assert set(re.findall(r"^\| (\d\d) \|", text_of(page), re.MULTILINE)) == POINTS


def test_specification_refers_to_points_that_exist():
    """Every point is named by the specification, and it names no other."""
    spec = text_of("docs/specs/driver.md")
    named = {
        n for found in re.findall(r"\[([^\]]*)\](?!\()", spec) for n in re.findall(r"\d\d", found)
    }
    assert named == POINTS


def test_languages_agree():
    """Both pages have the same headings in number and level, the same code and tables."""
    one, two = map(text_of, PAGES)
    levels = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (one, two)]
    rows = [
        [line.count("|") for line in text.splitlines() if line[:1] == "|"] for text in (one, two)
    ]
    assert levels[0] == levels[1]
    assert rows[0] == rows[1]
    assert blocks(PAGES[0]) == blocks(PAGES[1])


@pytest.mark.parametrize("page", PAGES)
def test_python_on_the_page_compiles(page):
    """Every Python block of the page is valid code."""
    found = re.findall(r"^```python\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)
    assert len(found) == 3
    for block in found:
        compile(block, page, "exec")
