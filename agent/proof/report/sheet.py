"""An A4 page with our fonts: what every block of the PDF is set with.

Foot and QR code stand on every page. The clock and the machine leave no trace in the bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import as_file
from typing import TYPE_CHECKING, Final

from fpdf import FPDF

from agent.proof.report import fonts
from agent.proof.report.blocks import WIDTH_MM, Align, Shade
from agent.proof.report.breaking import broken
from agent.proof.report.qr import code

if TYPE_CHECKING:
    from agent.proof.report.blocks import Report
    from agent.proof.report.fonts import Fallback

LEFT_MM: Final = 16.0
"""Left margin."""
COLOURS: Final = {
    Shade.DARK: (27, 58, 92),
    Shade.MIDDLE: (111, 143, 179),
    Shade.LIGHT: (201, 214, 229),
}
"""Colour of each shade."""
INK: Final = (22, 32, 43)
GREY: Final = (67, 80, 94)
RULE: Final = (184, 194, 205)
WHITE: Final = (255, 255, 255)
_FAMILY: Final = "report"
_RARE: Final = "rare"
_TOP_MM: Final = 14.0
_BOTTOM_MM: Final = 24.0
_CODE_MM: Final = 14.0
_TOLERANCE_MM: Final = 0.2
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Sheet(FPDF):
    """The document being set; millimetres."""

    def __init__(self, report: Report, fallback: Fallback | None) -> None:
        super().__init__(unit="mm", format="A4")
        self._report = report
        self._code = code(report.code)
        has = fallback.characters if fallback is not None else frozenset()
        self._has = fonts.own_characters() | has | {"\n"}
        self._take_fonts(fallback)
        self.set_margins(LEFT_MM, _TOP_MM)
        self.c_margin = 0
        self.set_auto_page_break(auto=True, margin=_BOTTOM_MM)
        self.set_creation_date(_EPOCH)
        self.set_title(report.title)
        self.set_lang({"zh": "zh-CN", "en": "en"}[report.lang])
        self.set_producer("chulian")
        self.str_alias_nb_pages = "{nb}"

    def _take_fonts(self, fallback: Fallback | None) -> None:
        for style, name in (("", fonts.REGULAR), ("B", fonts.BOLD)):
            with as_file(fonts.font_file(name)) as path:
                self.add_font(_FAMILY, style, path)
        if fallback is not None:
            self.add_font(_RARE, "", fallback.path, collection_font_number=0)
            self.set_fallback_fonts([_RARE], exact_match=False)

    def text_of(self, text: str) -> str:
        """Give a text with nothing in it that would become an empty box."""
        return fonts.spelled(text, frozenset(text) - self._has)

    def broken(self, text: str, width: float) -> str:
        """Give a text in lines of a width, in the font in use."""
        return broken(self.text_of(text), width - _TOLERANCE_MM, self.get_string_width)

    def use(
        self, size_pt: float, *, bold: bool = False, colour: tuple[int, int, int] = INK
    ) -> None:
        """Choose font and colour of what is written next."""
        self.set_font(_FAMILY, "B" if bold else "", size_pt)
        self.set_text_color(*colour)

    def write_at(
        self, x: float, y: float, text: str, *, width: float, align: Align = Align.LEFT,
        line_mm: float = 4.0,
    ) -> float:  # fmt: skip
        """Write a text into a column; give the y below it."""
        self.set_xy(x, y)
        self.multi_cell(
            width, line_mm, self.broken(text, width), align=align.value[0].upper(), padding=0,
            new_x="LEFT", new_y="NEXT",
        )  # fmt: skip
        return float(self.get_y())

    def footer(self) -> None:
        """Set the foot of a page: QR code, what the report is of, the page's number."""
        report = self._report
        top = self.h - _BOTTOM_MM + 4
        self.rule(top, RULE)
        self._draw_code(LEFT_MM, top + 1.5)
        self.use(6.5, colour=GREY)
        self.write_at(LEFT_MM + _CODE_MM + 3, top + 3, report.foot, width=118, line_mm=3.4)
        numbered = report.page_words.format(page=self.page_no(), pages="{nb}")
        self.write_at(
            LEFT_MM + 136, top + 3, numbered, width=WIDTH_MM - 136, align=Align.RIGHT, line_mm=3.4
        )

    def _draw_code(self, x: float, y: float) -> None:
        module = _CODE_MM / self._code.size
        self.set_fill_color(0, 0, 0)
        for run in self._code.runs:
            self.rect(x + run.x * module, y + run.y * module, run.length * module, module, "F")

    def room(self, height_mm: float) -> None:
        """Begin a new page unless so much of this one is left."""
        if self.get_y() + height_mm > self.h - _BOTTOM_MM:
            self.add_page()

    def rule(self, y: float, colour: tuple[int, int, int], *, width_mm: float = 0.2) -> None:
        """Draw a line across the page."""
        self.set_draw_color(*colour)
        self.set_line_width(width_mm)
        self.line(LEFT_MM, y, LEFT_MM + WIDTH_MM, y)

    def write_on(self, x: float, y: float, text: str) -> None:
        """Write a text whose baseline begins at a point, rare characters included."""
        self.set_xy(x, y - self.font_size * 0.8)
        self.cell(0, self.font_size, text)
