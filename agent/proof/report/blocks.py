"""What a page is made of, whatever the medium: texts, tables, figures, drawings in millimetres."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH_MM = 178.0
"""Width that blocks may take: A4 less margins."""


class Shade(StrEnum):
    """Fills that differ in lightness, so that they differ in black and white too."""

    DARK = "dark"
    MIDDLE = "middle"
    LIGHT = "light"


class Align(StrEnum):
    """Where a text stands in its cell, or relative to its point in a drawing."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Title:
    """The first line of the report, and a line below it."""

    text: str
    below: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a section."""

    text: str
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text; small for what explains, normal for what says something."""

    text: str
    small: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values, two pairs a row."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure that is read first."""

    label: str
    value: str
    fraction: str
    remark: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures side by side."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; the widths of all add up to `WIDTH_MM`."""

    title: str
    width_mm: float
    align: Align = Align.LEFT


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts; the header is repeated on every page."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    bold_columns: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Rect:
    """A filled rectangle; y grows downwards."""

    x: float
    y: float
    width: float
    height: float
    shade: Shade


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    shade: Shade = Shade.DARK
    dashed: bool = False
    width_mm: float = 0.2


@dataclass(frozen=True, slots=True)
class Label:
    """A text whose baseline begins, is centred or ends at a point."""

    x: float
    y: float
    text: str
    align: Align = Align.LEFT
    size_pt: float = 8
    bold: bool = False


Shape: TypeAlias = Rect | Path | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a field of `WIDTH_MM`, with what they show in words."""

    height_mm: float
    shapes: tuple[Shape, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Signatures:
    """Places for seals and signatures."""

    places: tuple[tuple[str, tuple[str, ...]], ...]
    """(Who, lines to fill in)."""


Block: TypeAlias = Title | Heading | Paragraph | Pairs | Figures | Table | Drawing | Signatures


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report in one language."""

    lang: str
    title: str
    foot: str
    """Stands at the foot of every page, with the page's number."""
    code: str
    """Content of the QR code at the foot."""
    page_words: str
    """How a page is numbered: has {page} and {pages}."""
    blocks: tuple[Block, ...]


def texts(report: Report) -> Iterator[str]:
    """Give every text that is set, in any order."""
    yield from (report.foot, report.page_words)
    for block in report.blocks:
        yield from _strings(block)


def _strings(part: object) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from _strings(one)
    elif is_dataclass(part):
        for field in fields(part):
            yield from _strings(getattr(part, field.name))
