"""What a page points at is there, and a page names no place outside the repository."""

import re

import pytest
from docs.markdown import ROOT, name, pages, read

PAGES = pages()
_ELSEWHERE = (
    "/wo" + "rk/", "/roo" + "t/", "/tmp/ba" + "sh", "pypi" + ".org", "registry.npm" + "js.org",
    "proxy.gol" + "ang",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(path):
    """Files, folders, images and headings that a page links to exist."""
    dead = [target for target in read(path).links if not leads_somewhere(path, target)]
    assert dead == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_page_names_a_place_outside_the_repository(path):
    """No page holds a path of somebody's machine, or the host of a package registry."""
    text = path.read_text("utf-8")
    assert [word for word in _ELSEWHERE if word in text] == []


def test_every_page_can_be_found_from_the_readme():
    """Following links from the README one comes to every page."""
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        if path in reached:
            continue
        reached.add(path)
        for target in read(path).links:
            goal = (path.parent / target.partition("#")[0]).resolve()
            if goal.is_dir():
                goal /= "README.md"
            if goal.suffix == ".md" and goal.exists():
                todo.append(goal)
    assert [name(path) for path in PAGES if path not in reached] == []


def leads_somewhere(path, target):
    """Tell whether a relative link meets a file, and its heading if it names one."""
    if re.match(r"[a-z]+:", target):
        return True
    file, _, anchor = target.partition("#")
    goal = (path.parent / file).resolve() if file else path
    if not goal.exists() or not goal.is_relative_to(ROOT):
        return False
    return not anchor or anchor in {_slug(title) for _, title in read(goal).headings}


def _slug(title):
    """Give the anchor of a heading as hosts of repositories make it."""
    kept = re.sub(r"[^\w\- ]", "", title.lower().replace("`", ""))
    return kept.replace(" ", "-")
