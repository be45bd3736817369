"""Every promise names a test, and every test it names is there."""

import ast
import re

import pytest
from docs.markdown import ROOT

PAGES = ("promises.md", "promises.zh-CN.md")
_LINK = re.compile(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\)")


def promised(page):
    """Give the lines of the tables of promises: all but headings of tables."""
    lines = (ROOT / "docs" / page).read_text("utf-8").splitlines()
    return [line for line in lines if line.startswith("| ")]


@pytest.mark.parametrize("page", PAGES)
def test_every_promise_names_a_test(page):
    """No line of a table is without a test."""
    bare = [line for line in promised(page) if not _LINK.search(line)]
    assert set(bare) <= {"| promise | test |", "| 承诺 | 测试 |"}


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page):
    """Each named test is a function of the file it is said to be in."""
    found = [link for line in promised(page) for link in _LINK.findall(line)]
    assert len(found) > 20
    assert [name for name, path in found if name not in _functions(path)] == []


def test_both_languages_name_the_same_tests():
    """A promise is proven alike for every reader."""
    en, zh = ([_LINK.findall(line) for line in promised(page)] for page in PAGES)
    assert en == zh


def _functions(path):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
