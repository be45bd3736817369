"""Decisions are short, built alike, numbered without a gap, and listed."""

import pytest
from docs.markdown import ROOT, name, read

FOLDER = ROOT / "docs/decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))


@pytest.mark.parametrize("path", RECORDS, ids=name)
def test_a_decision_is_one_page_of_context_decision_and_consequences(path):
    """A record bears its number, has the three parts, and fits a page."""
    page = read(path)
    (top, *parts) = [title for _, title in page.headings]
    assert top.startswith(path.name[:4] + ": ")
    assert parts == ["Context", "Decision", "Consequences"]
    assert len(page.text.splitlines()) <= 60


def test_the_list_is_complete():
    """The list names each record by its title, in the order of the numbers."""
    numbers = [int(path.name[:4]) for path in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))
    text = (FOLDER / "README.md").read_text("utf-8")
    for path in RECORDS:
        title = read(path).headings[0][1].partition(": ")[2]
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in text
