"""Makes every form of the report, and says with what it was made."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from agent.proof.report import fonts
from agent.proof.report.blocks import texts
from agent.proof.report.contents import contents
from agent.proof.report.html import to_html
from agent.proof.report.pdf import to_pdf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.proof.report.papers import Papers

_MADE_WITH = ("chulian", "fpdf2", "fonttools", "segno")
"""What decides the bytes of a report beside its documents."""
_LAYOUT = 2
"""Rises whenever this program sets equal documents otherwise."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The reports, and what one must know to make the same bytes again."""

    members: Mapping[str, bytes]
    made_with: Mapping[str, Any]


def render(papers: Papers) -> Rendered:
    """Make the report in every language and form."""
    members: dict[str, bytes] = {}
    rare: set[str] = set()
    for lang in ("en", "zh"):
        report = contents(papers, lang)
        lacking = fonts.missing("".join(texts(report)))
        fallback = fonts.fallback_for(lacking, fonts.SYSTEM_FONTS) if lacking else None
        if fallback is not None:
            rare.add(fallback.path.name)
        members[f"report.{lang}.html"] = to_html(report)
        members[f"report.{lang}.pdf"] = to_pdf(report, fallback)
    return Rendered(members, made_with(rare))


def made_with(rare: set[str] | None = None) -> dict[str, Any]:
    """Give the versions of what makes a report, and the fonts of the system that were needed."""
    versions = {name: version(name) for name in _MADE_WITH}
    return {**versions, "layout": _LAYOUT, "system_fonts": sorted(rare or ())}
