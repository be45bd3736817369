"""The whole report in one language, as blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.proof.report.annex import annex
from agent.proof.report.blocks import Report
from agent.proof.report.first_page import TITLE, first_page
from agent.proof.report.papers import grouped
from agent.proof.report.remarks import remarks
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from agent.proof.report.papers import Papers

_FOOT = Message(en="{name}, as of {day}. Data {mark}", zh="{name}　统计日 {day}　数据指纹 {mark}")
_PAGES = Message(en="page {page} of {pages}", zh="第 {page} 页，共 {pages} 页")


def contents(papers: Papers, lang: str) -> Report:
    """Say what stands in the report."""
    name = papers.header["enterprise"]["name"]
    mark, day = papers.header["data_sha256"], papers.result["as_of"]
    return Report(
        lang=lang,
        title=f"{TITLE.text(lang)} {name} {day}",
        foot=_FOOT.text(lang).format(name=name, day=day, mark=grouped(mark)),
        code=f"chulian-proof:{papers.header['version']}:{papers.header['gateway']['id']}:{day}:{mark}",
        page_words=_PAGES.text(lang),
        blocks=(*first_page(papers, lang), *annex(papers, lang), *remarks(papers, lang)),
    )
