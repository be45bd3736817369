"""How the HTML report looks: A4 on paper, narrow on a phone, legible in black and white."""

from __future__ import annotations

from typing import Final

from agent.proof.report.blocks import Shade

SHADES: Final = {Shade.DARK: "#1b3a5c", Shade.MIDDLE: "#6f8fb3", Shade.LIGHT: "#c9d6e5"}
"""Fill of each shade."""

STYLE: Final = """\
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #16202b; font: 14px/1.55 "Noto Sans CJK SC",
  "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei",
  system-ui, sans-serif; }
main, footer { max-width: 900px; margin: 0 auto; padding: 0 16px; }
h1 { font-size: 25px; margin: 26px 0 0; text-align: center; letter-spacing: .04em; }
.below { margin: 2px 0 18px; text-align: center; font-size: 16px; }
h2 { font-size: 17px; margin: 30px 0 8px; padding-bottom: 4px; border-bottom: 2px solid #1b3a5c;
  color: #1b3a5c; break-after: avoid; }
p { margin: 6px 0; }
.small { font-size: 12.5px; color: #43505e; }
dl { display: grid; grid-template-columns: 1fr 1fr; margin: 0; border-top: 1px solid #b8c2cd; }
dl div { display: flex; border-bottom: 1px solid #dde3e9; padding: 4px 6px; }
dt { flex: 0 0 9.5em; color: #43505e; }
dd { margin: 0; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(5, 1fr); gap: 8px; margin: 16px 0 10px; }
.figures div { border: 1px solid #1b3a5c; border-radius: 4px; padding: 8px 4px;
  text-align: center; }
.figures span, .figures b, .figures i, .figures em { display: block; font-style: normal; }
.figures span { font-size: 13px; color: #43505e; }
.figures b { font-size: 21px; color: #1b3a5c; line-height: 1.3; white-space: nowrap; }
.figures i { font-size: 13px; }
.figures em { font-size: 12px; color: #43505e; }
.wide { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 560px; font-family: inherit; }
svg text { fill: #16202b; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; line-height: 1.4; }
th { background: #1b3a5c; color: #fff; text-align: left; font-weight: 600; }
th, td { padding: 5px 6px; vertical-align: top; border-bottom: 1px solid #c4ccd5;
  overflow-wrap: anywhere; }
.bold { font-weight: 700; }
.signatures { display: grid; grid-template-columns: 1fr 1fr; gap: 14px; margin: 18px 0;
  break-inside: avoid; }
.signatures div { border: 1px solid #6b7682; border-radius: 4px; padding: 8px 12px;
  min-height: 190px; display: flex; flex-direction: column; }
.signatures b { margin-bottom: auto; }
.signatures p { margin: 4px 0; white-space: pre-wrap; }
footer { display: flex; gap: 14px; align-items: center; margin-top: 26px; padding-top: 10px;
  padding-bottom: 24px; border-top: 1px solid #b8c2cd; font-size: 12px; overflow-wrap: anywhere; }
svg.code { width: 92px; min-width: 92px; flex: none; }
@media (max-width: 640px) {
  h1 { font-size: 21px; }
  dl { grid-template-columns: 1fr; }
  .figures { grid-template-columns: 1fr 1fr; }
  .figures div:first-child { grid-column: 1 / -1; }
  .signatures { grid-template-columns: 1fr; }
  table, tbody, tr, td { display: block; width: auto; }
  colgroup, thead { display: none; }
  tr { border: 1px solid #b8c2cd; border-radius: 4px; margin: 0 0 8px; padding: 4px 8px; }
  td { border: 0; padding: 2px 0; text-align: left !important; display: flex; }
  td::before { content: attr(data-title); flex: 0 0 7.5em; color: #43505e; font-weight: 400; }
}
"""

_PRINT = """\
@page {{ size: A4; margin: 14mm 16mm 17mm;
  @bottom-left {{ content: {foot}; font: 6.5pt sans-serif; white-space: nowrap; }}
  @bottom-right {{ content: {pages}; font: 6.5pt sans-serif; }} }}
@media print {{
  body {{ font-size: 9.5pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
  main, footer {{ max-width: none; padding-left: 0; padding-right: 0; }}
  h1 {{ margin-top: 0; }}
  .page {{ break-before: page; margin-top: 0; }}
  .wide {{ overflow: visible; }}
  svg {{ min-width: 0; break-inside: avoid; }}
  table {{ font-size: 7.5pt; }}
  tr {{ break-inside: avoid; }}
  th, td {{ padding: 3px 4px; }}
  .small {{ font-size: 8.2pt; break-after: avoid; }}
}}
"""


def print_style(foot: str, page_words: str) -> str:
    """Give the rules for paper; foot and page number stand in the margin of every page."""
    before, rest = page_words.split("{page}")
    between, after = rest.split("{pages}")
    pages = f"{_text(before)} counter(page) {_text(between)} counter(pages) {_text(after)}"
    return _PRINT.format(foot=_text(foot), pages=pages)


def _text(text: str) -> str:
    """Give a text as a CSS string; what could end string or style sheet is written as its code."""
    safe = (c if c.isalnum() or c in " .,:-_：，。" else f"\\{ord(c):x} " for c in text)
    return f'"{"".join(safe)}"'
