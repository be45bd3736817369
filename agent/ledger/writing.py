"""Writes a ledger as a workbook or as CSV files, so that `agent.ledger.reading` gives it back.

Guarantees: nothing is lost on the way and back; no text can become a formula (in a workbook it is
marked as text, in CSV it gets an apostrophe in front, which reading takes off again). Never writes
a file: gives bytes.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from agent.ledger.naming import meaning
from agent.ledger.records import RecordKind, written_of
from agent.ledger.sheets import SHEETS, YES_NO, Column, Kind, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.ledger.records import Declared, Record

GUARDED = ("=", "+", "-", "@", "\t", "'")
"""What a CSV text may not begin with, lest a spreadsheet program compute it; Source: OWASP."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_LONGEST = 32_767
"""Characters a spreadsheet's cell can hold."""
_SPARE_ROWS = 500
"""Rows below the last record that still offer the drop-downs."""


class Unwritable(ValueError):  # noqa: N818 - names the text's state
    """A text cannot be kept by a spreadsheet; names sheet, record and column."""


def write_workbook(declared: Declared | None, *, lang: str) -> bytes:
    """Give a ledger as .xlsx, one sheet per kind of record; without one it is the empty template.

    Raises:
        Unwritable: a text cannot be kept.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet in SHEETS:
        page: Any = book.create_sheet(sheet.title_zh if lang == "zh" else sheet.key)
        page.freeze_panes = "B2"
        rows = list(rows_of(sheet, declared, lang=lang))
        _write_headings(page, sheet, last=len(rows) + 1 + _SPARE_ROWS, lang=lang)
        for number, row in enumerate(rows, start=2):
            _write_row(page, number, row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def write_csv(declared: Declared | None, *, lang: str) -> dict[str, bytes]:
    """Give a ledger as CSV, UTF-8 with a BOM: sheet key -> content; all of them, also empty ones.

    Raises:
        Unwritable: a text cannot be kept.
    """
    files = {}
    for sheet in SHEETS:
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(_headings(sheet, lang))
        for row in rows_of(sheet, declared, lang=lang):
            writer.writerow([_csv_text(cell) for cell in row])
        files[sheet.key] = out.getvalue().encode("utf-8-sig")
    return files


def rows_of(
    sheet: Sheet, declared: Declared | None, *, lang: str
) -> Iterator[list[str | float | None]]:
    """Give a sheet's rows, in the ledger's order; what a record does not state is None."""
    if declared is None:
        return
    for record in _records(sheet.record, declared):
        parts = record.get(sheet.inside, ()) if sheet.inside else (record,)
        for part in parts:
            whole = {"equipment": record["id"], **part} if sheet.owner else part
            row = [_cell(one, whole, default=_default(sheet, one), lang=lang)
                   for one in sheet.columns]  # fmt: skip
            _refuse_unwritable(sheet, row)
            yield row


def _records(kind: RecordKind, declared: Declared) -> list[Record]:
    if kind is RecordKind.ENTERPRISE:
        return [written_of(declared.enterprise)]
    if kind is RecordKind.LOCATION:
        return [written_of(one) for one in declared.locations]
    if kind is RecordKind.PROCESS:
        return [written_of(one) for one in declared.processes]
    return [written_of(one) for one in declared.equipment]


def _default(sheet: Sheet, column: Column) -> Any:
    """Give what a blank would mean where people should see it: yes or no, and choices."""
    field = None if sheet.inside else sheet.record.model.model_fields.get(column.key)
    shown = column.kind in {Kind.YES_NO, Kind.CHOICE} and field is not None
    return field.default if shown and field is not None and not field.is_required() else None


def _cell(column: Column, record: Record, *, default: Any, lang: str) -> str | float | None:
    value: Any = record
    for key in column.key.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        value = default
    if value is None:
        return None
    if column.kind is Kind.YES_NO:
        return YES_NO[value] if lang == "zh" else ("yes" if value else "no")
    if column.kind is Kind.IDS:
        return ";".join(value)
    if column.kind is Kind.NUMBER:
        return float(value)
    if column.choices is not None and lang == "zh":
        return column.choices.get(value, str(value))
    return str(value)


def _refuse_unwritable(sheet: Sheet, row: Sequence[str | float | None]) -> None:
    for cell, column in zip(row, sheet.columns, strict=True):
        if isinstance(cell, str) and (_CONTROL.search(cell) or len(cell) > _LONGEST):
            raise Unwritable(f"{sheet.key} {row[0]}: {column.key}")


def _csv_text(cell: str | float | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return _number(cell)
    return f"'{cell}" if cell.startswith(GUARDED) else cell


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _headings(sheet: Sheet, lang: str) -> list[str]:
    return [one.title_zh if lang == "zh" else one.key for one in sheet.columns]


def _write_row(page: Any, number: int, row: Sequence[str | float | None]) -> None:
    for at, cell in enumerate(row, start=1):
        if cell is None:
            continue
        as_number = isinstance(cell, float) and float(f"{cell:.15g}") == cell
        written = page.cell(number, at, cell if as_number else _text(cell))
        if not as_number:
            written.data_type = "s"  # even where it begins with an equals sign
            written.number_format = "@"


def _text(cell: str | float) -> str:
    return repr(cell) if isinstance(cell, float) else cell


def _write_headings(page: Any, sheet: Sheet, *, last: int, lang: str) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for at, (column, heading) in enumerate(
        zip(sheet.columns, _headings(sheet, lang), strict=True), start=1
    ):
        cell = page.cell(1, at, heading)
        cell.font = Font(bold=True)
        note = meaning(sheet, column, lang)
        if note:
            cell.comment = Comment(note, "chulian", width=260, height=90)
        letter = get_column_letter(at)
        page.column_dimensions[letter].width = column.width
        if column.kind is not Kind.NUMBER:
            page.column_dimensions[letter].number_format = "@"  # 0123 keeps its zero
        words = _words(column, lang)
        if words:
            _offer(page, f"{letter}2:{letter}{last}", words)


def _words(column: Column, lang: str) -> list[str]:
    if column.kind is Kind.YES_NO:
        return list(YES_NO.values()) if lang == "zh" else ["yes", "no"]
    choices = column.choices or {}
    return list(choices.values()) if lang == "zh" else list(choices)


def _offer(page: Any, cells: str, words: Sequence[str]) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    rule = DataValidation(type="list", formula1=f'"{",".join(words)}"', allow_blank=True,
                          showErrorMessage=False)  # fmt: skip
    rule.add(cells)
    page.add_data_validation(rule)
