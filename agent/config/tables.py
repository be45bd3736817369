"""Writes point tables, .csv or .xlsx, so that `agent.config.points` gives the same tags back.

What a tag does not state stays blank. The workbook has a frozen heading with a note on every
column, and drop-downs for type and group. Never writes a file: gives bytes.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from agent.config.columns import COLUMNS, Column, cell_of, titles
from agent.config.fields import CHINESE
from agent.config.model import MachineState, TagEntry
from drivers.api import DataType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_SPARE_ROWS = 2000
"""Rows below the last point that still offer the drop-downs."""


class Unwritable(ValueError):  # noqa: N818 - names the tag's state
    """A text holds a character no spreadsheet can keep; names tag and column."""


def write_csv(tags: Iterable[TagEntry], *, lang: str) -> bytes:
    """Give a table as CSV: UTF-8 with a BOM, so that spreadsheet programs read the Chinese.

    Raises:
        Unwritable: a text cannot be kept.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(titles(lang))
    for tag in tags:
        writer.writerow(["" if cell is None else _csv_text(cell) for cell in _cells(tag)])
    return out.getvalue().encode("utf-8-sig")


def write_workbook(tags: Sequence[TagEntry], *, lang: str, groups: Sequence[str] = ()) -> bytes:
    """Give a table as .xlsx; without tags it is the empty template.

    Raises:
        Unwritable: a text cannot be kept.
    """
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    sheet.title = "点表" if lang == "zh" else "points"
    sheet.freeze_panes = "B2"
    for number, column in enumerate(COLUMNS, start=1):
        _write_heading(sheet, number, column, lang=lang)
    for row, tag in enumerate(tags, start=2):
        for number, cell in enumerate(_cells(tag), start=1):
            if cell is None:
                continue
            text = isinstance(cell, str) or not _is_exact(cell)
            written = sheet.cell(row, number, str(cell) if text else cell)
            if text:
                written.data_type = "s"  # even where it begins with an equals sign
    last = len(tags) + 1 + _SPARE_ROWS
    _add_choice(sheet, "type", [one.value for one in DataType], last=last)
    _add_choice(sheet, "group", list(dict.fromkeys(["default", *groups])), last=last, strict=False)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cells(tag: TagEntry) -> list[str | float | None]:
    cells = [cell_of(tag, column) for column in COLUMNS]
    for cell, column in zip(cells, COLUMNS, strict=True):
        if isinstance(cell, str) and _CONTROL.search(cell):
            raise Unwritable(f"{tag.name}: {column.key}")
    return cells


def _is_exact(number: float) -> bool:
    """Tell whether a spreadsheet's 15 digits keep a number; one of more is written as text."""
    return float(f"{number:.15g}") == number


def _csv_text(cell: str | float) -> str:
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return cell


def _write_heading(sheet: Any, number: int, column: Column, *, lang: str) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    cell = sheet.cell(1, number, column.title_zh if lang == "zh" else column.key)
    cell.font = Font(bold=True)
    cell.comment = Comment(_note(column, lang=lang), "chulian", width=260, height=90)
    sheet.column_dimensions[get_column_letter(number)].width = column.width


def _note(column: Column, *, lang: str) -> str:
    english = TagEntry.model_fields[column.key].description or ""
    text = CHINESE.get(f"TagEntry.{column.key}", english) if lang == "zh" else english
    if column.key == "states":
        text += f"\n0=idle;1=running\n({', '.join(one.value for one in MachineState)})"
    if column.key == "write":
        text += "\nmin=0;max=100;step=1"
    return text


def _add_choice(
    sheet: Any, key: str, choices: list[str], *, last: int, strict: bool = True
) -> None:
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    number = next(i for i, column in enumerate(COLUMNS, start=1) if column.key == key)
    rule = DataValidation(
        type="list", formula1=f'"{",".join(choices)}"', allow_blank=True,
        showErrorMessage=strict,
    )  # fmt: skip
    letter = get_column_letter(number)
    rule.add(f"{letter}2:{letter}{last}")
    sheet.add_data_validation(rule)
