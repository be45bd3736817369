"""Sets a report as PDF: A4, fonts embedded as subsets; equal reports give equal bytes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, assert_never

from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

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
    Shade,
    Signatures,
    Table,
    Title,
)
from agent.proof.report.sheet import COLOURS, GREY, INK, LEFT_MM, RULE, WHITE, Sheet

if TYPE_CHECKING:
    from fpdf.table import Table as FpdfTable

    from agent.proof.report.blocks import Block, Figure, Report, Shape
    from agent.proof.report.fonts import Fallback

_MM_PT: Final = 25.4 / 72
_GAP_MM: Final = 3.0
_PAIR_MM: Final = 5.4
_NAME_MM: Final = 32.0
_CELL_PT: Final = 7.6
_PLACE_MM: Final = 50.0
"""A seal is 40 to 45 mm wide."""
_PADDING_MM: Final = 1.2
_HEADING_MM: Final = 16.0
_PARAGRAPH_MM: Final = 7.0
_FIGURE_MM: Final = 24.0


def to_pdf(report: Report, fallback: Fallback | None) -> bytes:
    """Give the file; `fallback` has glyphs of rare characters, as far as the system has any."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it reports every subset it makes
    sheet = Sheet(report, fallback)
    sheet.add_page()
    for at, block in enumerate(report.blocks):
        if isinstance(block, Heading) and not block.new_page:
            sheet.room(_together(report.blocks[at + 1 :]))
        _put(sheet, block)
    return bytes(sheet.output())


def _together(blocks: tuple[Block, ...]) -> float:
    """Give the room a heading needs, so that it does not stand alone at the foot of a page."""
    needed = _HEADING_MM
    for block in blocks:
        if not isinstance(block, Paragraph):
            return needed + (block.height_mm if isinstance(block, Drawing) else _HEADING_MM)
        needed += _PARAGRAPH_MM
    return needed


def _put(sheet: Sheet, block: Block) -> None:
    match block:
        case Title():
            _title(sheet, block)
        case Heading():
            _heading(sheet, block)
        case Paragraph():
            _paragraph(sheet, block)
        case Pairs():
            _pairs(sheet, block)
        case Figures():
            _figures(sheet, block)
        case Table():
            _table(sheet, block)
        case Drawing():
            _drawing(sheet, block)
        case Signatures():
            _signatures(sheet, block)
        case _:
            assert_never(block)


def _title(sheet: Sheet, block: Title) -> None:
    sheet.use(19, bold=True, colour=COLOURS[Shade.DARK])
    below = sheet.write_at(
        LEFT_MM, sheet.get_y(), block.text, width=WIDTH_MM, align=Align.CENTER, line_mm=9
    )
    sheet.use(12)
    end = sheet.write_at(LEFT_MM, below, block.below, width=WIDTH_MM, align=Align.CENTER, line_mm=6)
    sheet.set_y(end + _GAP_MM)


def _heading(sheet: Sheet, block: Heading) -> None:
    if block.new_page:
        sheet.add_page()
    else:
        sheet.set_y(sheet.get_y() + _GAP_MM)
    sheet.use(12, bold=True, colour=COLOURS[Shade.DARK])
    y = sheet.write_at(LEFT_MM, sheet.get_y(), block.text, width=WIDTH_MM, line_mm=6.5)
    sheet.rule(y, COLOURS[Shade.DARK], width_mm=0.5)
    sheet.set_y(y + 2)


def _paragraph(sheet: Sheet, block: Paragraph) -> None:
    size_pt, line_mm, colour = (8.2, 4.1, GREY) if block.small else (9.5, 5.0, INK)
    sheet.use(size_pt, colour=colour)
    y = sheet.write_at(LEFT_MM, sheet.get_y(), block.text, width=WIDTH_MM, line_mm=line_mm)
    sheet.set_y(y + 1.5)


def _pairs(sheet: Sheet, block: Pairs) -> None:
    y = sheet.get_y()
    half = WIDTH_MM / 2
    for at in range(0, len(block.rows), 2):
        sheet.rule(y, RULE)
        ends = []
        for side, (name, value) in enumerate(block.rows[at : at + 2]):
            x = LEFT_MM + side * half
            sheet.use(8.5, colour=GREY)
            ends.append(sheet.write_at(x, y + 0.6, name, width=_NAME_MM, line_mm=4.2))
            sheet.use(9)
            width = half - _NAME_MM - 2
            ends.append(sheet.write_at(x + _NAME_MM, y + 0.6, value, width=width, line_mm=4.2))
        y = max(*ends, y + _PAIR_MM - 0.6) + 0.6
    sheet.rule(y, RULE)
    sheet.set_y(y + _GAP_MM)


def _figures(sheet: Sheet, block: Figures) -> None:
    gap, top = 3.0, sheet.get_y()
    width = (WIDTH_MM - gap * (len(block.figures) - 1)) / len(block.figures)
    for at, one in enumerate(block.figures):
        _figure(sheet, one, LEFT_MM + at * (width + gap), top, width)
    sheet.set_y(top + _FIGURE_MM + _GAP_MM)


def _figure(sheet: Sheet, one: Figure, x: float, y: float, width: float) -> None:
    sheet.set_draw_color(*COLOURS[Shade.DARK])
    sheet.set_line_width(0.35)
    sheet.rect(x, y, width, _FIGURE_MM)
    lines = (
        (one.label, 8.5, 2.0, False, GREY),
        (one.value, 14.0, 6.8, True, COLOURS[Shade.DARK]),
        (one.fraction, 9.0, 14.4, False, GREY),
        (one.remark, 7.2, 19.0, False, GREY),
    )
    for text, size_pt, down, bold, colour in lines:
        sheet.use(_fitting(sheet, text, size_pt, width, bold=bold), bold=bold, colour=colour)
        sheet.write_at(
            x, y + down, text, width=width, align=Align.CENTER, line_mm=size_pt * _MM_PT * 1.25
        )


def _fitting(sheet: Sheet, text: str, size_pt: float, width: float, *, bold: bool) -> float:
    """Give the size at which a short text takes one line; texts that may wrap keep theirs."""
    sheet.use(size_pt, bold=bold)
    taken = sheet.get_string_width(sheet.text_of(text))
    return size_pt * (width - 3) / taken if bold and taken > width - 3 else size_pt


def _table(sheet: Sheet, block: Table) -> None:
    sheet.use(_CELL_PT)
    sheet.set_draw_color(*RULE)
    sheet.set_line_width(0.2)
    sheet.set_fill_color(*WHITE)
    sheet.set_x(LEFT_MM)
    with sheet.table(
        col_widths=tuple(column.width_mm for column in block.columns),
        width=WIDTH_MM,
        align="LEFT",
        text_align=tuple(column.align.value.upper() for column in block.columns),
        v_align="TOP",
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=WHITE, fill_color=COLOURS[Shade.DARK]),
        line_height=3.9,
        padding=_PADDING_MM,
    ) as table:
        _row(sheet, table, block, tuple(c.title for c in block.columns), bold=_every(block))
        for row in block.rows:
            _row(sheet, table, block, row, bold=block.bold_columns)
    sheet.set_y(sheet.get_y() + 2)


def _every(block: Table) -> frozenset[int]:
    return frozenset(range(len(block.columns)))


def _row(
    sheet: Sheet, table: FpdfTable, block: Table, row: tuple[str, ...], *, bold: frozenset[int]
) -> None:
    cells = table.row()
    for at, (text, column) in enumerate(zip(row, block.columns, strict=True)):
        sheet.use(_CELL_PT, bold=at in bold)
        said = sheet.broken(text, column.width_mm - 2 * _PADDING_MM)
        cells.cell(said, style=FontFace(emphasis="BOLD") if at in bold else None)
    sheet.use(_CELL_PT)


def _drawing(sheet: Sheet, block: Drawing) -> None:
    sheet.room(block.height_mm)
    top = sheet.get_y()
    for shape in block.shapes:
        _shape(sheet, shape, top)
    sheet.set_y(top + block.height_mm + 1)


def _shape(sheet: Sheet, shape: Shape, top: float) -> None:
    match shape:
        case Rect(x, y, width, height, shade):
            sheet.set_fill_color(*COLOURS[shade])
            sheet.rect(LEFT_MM + x, top + y, width, height, "F")
        case Path(points, shade, dashed, width):
            sheet.set_draw_color(*COLOURS[shade])
            sheet.set_line_width(width)
            sheet.set_dash_pattern(*((1.2, 0.8) if dashed else (0, 0)))
            sheet.polyline([(LEFT_MM + x, top + y) for x, y in points])
            sheet.set_dash_pattern()
        case Label(x, y, text, align, size_pt, bold):
            sheet.use(size_pt, bold=bold)
            said = sheet.text_of(text)
            share = {Align.LEFT: 0.0, Align.CENTER: 0.5, Align.RIGHT: 1.0}[align]
            sheet.write_on(LEFT_MM + x - share * sheet.get_string_width(said), top + y, said)
        case _:
            assert_never(shape)


def _signatures(sheet: Sheet, block: Signatures) -> None:
    sheet.room(_PLACE_MM)
    gap, top = 4.0, sheet.get_y() + 1
    width = (WIDTH_MM - gap * (len(block.places) - 1)) / len(block.places)
    for at, (who, lines) in enumerate(block.places):
        x = LEFT_MM + at * (width + gap)
        sheet.set_draw_color(*GREY)
        sheet.set_line_width(0.25)
        sheet.rect(x, top, width, _PLACE_MM)
        sheet.use(9, bold=True)
        sheet.write_at(x + 2, top + 2, who, width=width - 4)
        sheet.use(8.5)
        for line, text in enumerate(reversed(lines), 1):
            sheet.write_at(x + 2, top + _PLACE_MM - 1 - 5.5 * line, text, width=width - 4)
    sheet.set_y(top + _PLACE_MM + _GAP_MM)
