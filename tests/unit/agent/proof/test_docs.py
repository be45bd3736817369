"""The pages about the proof file say what the program does."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.proof import members
from agent.proof.findings import Code

DOCS = Path(__file__).parents[4] / "docs"


@pytest.mark.parametrize("page", ["proof.md", "proof.zh-CN.md"])
def test_every_code_of_a_finding_is_explained(page):
    """Whoever reads a code finds what it means, in both languages."""
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [one.value for one in Code if f"| `{one.value}` |" not in text] == []


def test_every_member_is_specified_and_told_in_the_readme(held):
    """The specification and README.txt name each member of a file."""
    specified = (DOCS / "specs" / "proof.md").read_text(encoding="utf-8")
    told = held[members.README].decode()
    for name in members.MEMBERS:
        assert f"`{name}`" in specified
        assert name in told or name == members.README
