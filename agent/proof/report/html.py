"""Sets a report as one HTML file: no script, no request to anywhere, every text escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, assert_never

from agent.proof.report.blocks import (
    WIDTH_MM,
    Align,
    Drawing,
    Figures,
    Heading,
    Label,
    Pairs,
    Paragraph,
    Path,
    Rect,
    Signatures,
    Table,
    Title,
)
from agent.proof.report.qr import code
from agent.proof.report.style import SHADES, STYLE, print_style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.proof.report.blocks import Block, Report, Shape

_PT_MM = 25.4 / 72
_ANCHORS = {Align.LEFT: "start", Align.CENTER: "middle", Align.RIGHT: "end"}
_LANGUAGES = {"zh": "zh-CN", "en": "en"}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def to_html(report: Report) -> bytes:
    """Give the file."""
    body = "\n".join(map(_block, report.blocks))
    return f"""<!DOCTYPE html>
<html lang="{_LANGUAGES[report.lang]}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(report.title)}</title>
<style>
{STYLE}{print_style(report.foot, report.page_words)}</style>
</head>
<body>
<main>
{body}
</main>
<footer>
{_qr(report.code)}<p>{escape(report.foot)}</p>
</footer>
</body>
</html>
""".encode()


def _block(block: Block) -> str:  # noqa: PLR0911 - one kind of block each
    match block:
        case Title(text, below):
            return f"<h1>{escape(text)}</h1>\n<p class=below>{escape(below)}</p>"
        case Heading(text, new_page):
            mark = " class=page" if new_page else ""
            return f"<h2{mark}>{escape(text)}</h2>"
        case Paragraph(text, small):
            mark = " class=small" if small else ""
            return f"<p{mark}>{_lines(text)}</p>"
        case Pairs(rows):
            return f"<dl>{''.join(map(_pair, rows))}</dl>"
        case Figures():
            return _figures(block)
        case Table():
            return _table(block)
        case Drawing():
            return _drawing(block)
        case Signatures():
            return _signatures(block)
        case _:
            assert_never(block)


def _pair(row: tuple[str, str]) -> str:
    name, value = map(escape, row)
    return f"<div><dt>{name}</dt><dd>{value}</dd></div>"


def _figures(block: Figures) -> str:
    cells = (
        f"<div><span>{escape(one.label)}</span><b>{escape(one.value)}</b>"
        f"<i>{escape(one.fraction)}</i><em>{escape(one.remark)}</em></div>"
        for one in block.figures
    )
    return f"<div class=figures>{''.join(cells)}</div>"


def _table(block: Table) -> str:
    head = "".join(f"<th{_side(c.align)}>{escape(c.title)}</th>" for c in block.columns)
    widths = "".join(f'<col style="width:{c.width_mm / WIDTH_MM:.2%}">' for c in block.columns)
    rows = "\n".join(f"<tr>{_cells(block, row)}</tr>" for row in block.rows)
    return (
        f"<div class=wide><table><colgroup>{widths}</colgroup><thead><tr>{head}</tr></thead>"
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _cells(block: Table, row: Iterable[str]) -> str:
    cells = []
    for at, (text, column) in enumerate(zip(row, block.columns, strict=True)):
        bold = " class=bold" if at in block.bold_columns else ""
        title = escape(column.title, quote=True)
        cells.append(f'<td{bold}{_side(column.align)} data-title="{title}">{_lines(text)}</td>')
    return "".join(cells)


def _side(align: Align) -> str:
    return "" if align is Align.LEFT else f' style="text-align:{align.value}"'


def _drawing(block: Drawing) -> str:
    shapes = "".join(map(_shape, block.shapes))
    words = escape(block.words, quote=True)
    box = f"0 0 {WIDTH_MM:g} {block.height_mm:g}"
    return (
        f'<div class=wide><svg viewBox="{box}" role="img" aria-label="{words}">{shapes}</svg></div>'
    )


def _shape(shape: Shape) -> str:
    match shape:
        case Rect(x, y, width, height, shade):
            return (
                f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" '
                f'fill="{SHADES[shade]}"/>'
            )
        case Path(points, shade, dashed, width):
            dash = ' stroke-dasharray="1.2 0.8"' if dashed else ""
            joined = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
            return (
                f'<polyline points="{joined}" fill="none" stroke="{SHADES[shade]}" '
                f'stroke-width="{width:g}"{dash}/>'
            )
        case Label(x, y, text, align, size_pt, bold):
            weight = ' font-weight="700"' if bold else ""
            return (
                f'<text x="{x:.2f}" y="{y:.2f}" text-anchor="{_ANCHORS[align]}" '
                f'font-size="{size_pt * _PT_MM:.2f}"{weight}>{escape(text)}</text>'
            )
        case _:
            assert_never(shape)


def _signatures(block: Signatures) -> str:
    places = []
    for who, lines in block.places:
        written = "".join(f"<p>{escape(line)}</p>" for line in lines)
        places.append(f"<div><b>{escape(who)}</b>{written}</div>")
    return f"<div class=signatures>{''.join(places)}</div>"


def _qr(text: str) -> str:
    made = code(text)
    runs = "".join(f"M{x + 4} {y + 4}h{length}v1h-{length}z" for x, y, length in made.runs)
    side = made.size + 8
    return (
        f'<svg class=code viewBox="0 0 {side} {side}" role="img" aria-label="{escape(text)}" '
        f'shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/>'
        f'<path d="{runs}"/></svg>'
    )


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
