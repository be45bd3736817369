"""The report: every machine with number, status, reason and last seen; nothing foreign inside."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pypdfium2
import pytest

from agent.proof import members
from agent.proof.build import data_members, header_document
from agent.proof.report import fonts
from agent.proof.report.blocks import texts
from agent.proof.report.breaking import broken
from agent.proof.report.contents import contents
from agent.proof.report.papers import Papers
from agent.proof.report.render import render

LANGUAGES = ("en", "zh")


def pdf_text(raw):
    """Give the text of a PDF without blanks, page by page."""
    document = pypdfium2.PdfDocument(raw)
    try:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()
    return [re.sub(r"\s", "", page) for page in pages]


def rendered(material):
    """Give the reports of other material."""
    data = data_members(material)
    return render(Papers.of(header_document(material, data, key_sha256="0" * 64), data)).members


class Tags(HTMLParser):
    """Collects tags and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("form", ["html", "pdf"])
def test_each_machine_is_there_with_what_an_assessor_asks_for(held, form, lang):
    """Number, status, reason and last seen of every machine stand in its row."""
    raw = held[f"report.{lang}.{form}"]
    text = "".join(pdf_text(raw)) if form == "pdf" else re.sub(r"<[^>]*>|\s", "", raw.decode())
    words = {
        "en": ("●verified", "○notverified", "–notclaimed", "thesourceofdata"),
        "zh": ("●已验证", "○待验证", "–未申报", "台账中未登记采集设备"),
    }[lang]
    assert all(word in text for word in words[:3])
    assert "2026-07-3117:00" in text
    assert text.count("40/15") == 0
    assert "30/15" in text
    if lang == "zh":
        assert words[3] in text


def test_the_pages_of_the_pdf_bear_the_fingerprint_and_their_number(held):
    """Every page says of which data it is, so that pages cannot be exchanged."""
    mark = json.loads(held[members.MANIFEST])["data_sha256"]
    pages = pdf_text(held["report.zh.pdf"])
    assert len(pages) >= 3
    for number, page in enumerate(pages, 1):
        assert mark in page
        assert f"第{number}页，共{len(pages)}页" in page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_html_asks_for_nothing_and_runs_nothing(held, lang):
    """No script, no link, no address; what the ledger says is text, never markup."""
    page = held[f"report.{lang}.html"].decode()
    tags = Tags(page).found
    assert not {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "object", "a"}
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
    assert "url(" not in page
    assert "http:" not in page and "https:" not in page  # noqa: PT018 - one claim
    assert "车床 &lt;b&gt;&amp;" in page


def test_names_from_the_ledger_cannot_leave_their_place(material):
    """Quotes, tags, braces and style ends in a name stay text in HTML, CSS and SVG."""
    hostile = '"></style><script>1</script>{x}\\'
    config = material.config.model_copy(
        update={
            "enterprise": material.config.enterprise.model_copy(update={"name": hostile}),
            "gateway": material.config.gateway.model_copy(update={"name": hostile}),
        }
    )
    held = rendered(replace(material, config=config))
    for lang in LANGUAGES:
        page = held[f"report.{lang}.html"].decode()
        assert "<script" not in page
        assert page.count("</style") == 1
        assert "{x}" not in page.split("</style>")[0].split("<style>")[1]


def test_a_rare_character_is_no_empty_box(material):
    """A name outside GB 2312 is set with a font of the system, else as its code."""
    rare = material.config.enterprise.model_copy(update={"name": "堃喆精密\U0003ffff"})
    config = material.config.model_copy(update={"enterprise": rare})
    held = {"堃", "喆", "\U0003ffff"} - fonts.own_characters()
    assert held == {"堃", "喆", "\U0003ffff"}
    text = "".join(pdf_text(rendered(replace(material, config=config))["report.zh.pdf"]))
    assert "[U+3FFFF]" in text
    assert "堃喆精密" in text or "[U+5803][U+5586]精密" in text


def test_every_fixed_text_is_in_our_own_font(held):
    """The report's own words need no font of any system."""
    papers = Papers.of(json.loads(held[members.MANIFEST]), held)
    for lang in LANGUAGES:
        assert fonts.missing("".join(texts(contents(papers, lang)))) == frozenset()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("近三十天有数据", ["近三十天", "有数据"]),
        ("有数据，请继续", ["有数", "据，请", "继续"]),
        ("see why days", ["see why", "days"]),
        ("（一）二三四", ["（一）", "二三四"]),
        ("", [""]),
    ],
)
def test_lines_break_as_people_write(text, lines):
    """Chinese breaks between characters, English between words, no line begins with a comma."""
    width = 4 if text.startswith("近") else 7 if text.startswith("see") else 3
    assert broken(text, width, len).split("\n") == lines
