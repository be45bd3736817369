"""Chinese and English are equal: every page for people comes in both, built alike."""

import pytest
from docs.markdown import ZH, name, pages, paired, read

PAGES = paired()


@pytest.fixture(params=PAGES, ids=name)
def pair(request):
    """Give a page and its Chinese pair."""
    page = read(request.param)
    assert page.pair.exists(), f"{page.pair.name} is missing"
    return page, read(page.pair)


def test_both_have_the_same_headings(pair):
    """The headings of a pair are of the same levels in the same order."""
    en, zh = ([level for level, _ in page.headings] for page in pair)
    assert en == zh


def test_both_have_the_same_code_blocks(pair):
    """The code blocks of a pair are as many, in the same languages and order."""
    en, zh = ([language for language, _ in page.blocks] for page in pair)
    assert en == zh


def test_both_have_the_same_tables(pair):
    """The tables of a pair have the same rows and columns."""
    en, zh = (page.tables for page in pair)
    assert en == zh


def test_each_links_to_pages_of_its_own_language(pair):
    """A page leads to pages in the language it is read in, but for the way to its own pair."""
    for page, other in (pair, pair[::-1]):
        for target in page.links:
            goal = (page.path.parent / target.partition("#")[0]).resolve()
            if goal.suffix != ".md" or goal == other.path:
                continue
            translated = goal.with_name(goal.stem.removesuffix(".zh-CN") + ZH).exists()
            if translated:
                is_zh = page.path.name.endswith(ZH)
                assert goal.name.endswith(ZH) is is_zh, f"{page.path.name} links to {target}"


def test_no_chinese_page_is_alone():
    """Every Chinese page has its English pair."""
    alone = [
        name(path)
        for path in pages()
        if path.name.endswith(ZH) and not path.with_name(path.name.replace(ZH, ".md")).exists()
    ]
    assert alone == []
