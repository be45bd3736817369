"""Reads the sheet of an .xlsx file that holds a point table; the only reader that uses openpyxl.

Guarantees: any bytes give rows or `Unreadable`; what the file unpacks to is bounded; a formula
whose result was never stored is told, not read as blank.
"""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from agent.config.problems import Place, problem
from agent.config.sheet import Cell, Row, Unreadable, column_letter

if TYPE_CHECKING:
    from collections.abc import Iterator

SHEETS = ("点表", "points")
"""Names of the sheet that is read; without one the first is."""

_MAX_UNPACKED_BYTES = 100_000_000
"""A point table of 20 000 rows unpacks to some 20 MB."""
_MAX_COLUMNS = 64
BROKEN = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError,
    SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
)  # fmt: skip
"""What openpyxl lets out on a damaged file (SyntaxError: XML; RuntimeError: encrypted)."""


def read_workbook(data: bytes, here: Place, *, max_rows: int) -> list[Row]:
    """Give the rows of the table's sheet, blank ones included.

    Raises:
        Unreadable: it is no workbook, or too large.
    """
    try:
        refuse_bomb(data, here)
        formulas = _chosen_rows(data, here, max_rows=max_rows, data_only=False)
        if not any(is_formula(cell) for row in formulas for cell in row):
            return formulas
        results = _chosen_rows(data, here, max_rows=max_rows, data_only=True)
    except BROKEN as error:
        raise Unreadable(problem("E1411", here, why=f"{type(error).__name__}")) from None
    for formula, result in _pairs(formulas, results):
        if is_formula(formula) and result.value is None:
            raise Unreadable(problem("E1419", formula.place, seen=formula.value))
    return results


def refuse_bomb(data: bytes, here: Place) -> None:
    """Raise `Unreadable` where the file would unpack to far more than a table holds."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        total = sum(member.file_size for member in archive.infolist())
    if total > _MAX_UNPACKED_BYTES:
        limit = f"{_MAX_UNPACKED_BYTES // 1_000_000} MB"
        raise Unreadable(problem("E1417", here, limit=limit))


def _chosen_rows(data: bytes, here: Place, *, max_rows: int, data_only: bool) -> list[Row]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of drop-downs and styles it does not keep
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=data_only)
        try:
            sheet = _sheet(book)
            rows = list(sheet_rows(sheet, here, max_rows=max_rows))
        finally:
            book.close()
    if len(rows) > max_rows:
        raise Unreadable(problem("E1417", here, limit=str(max_rows)))
    return rows


def _sheet(book: Any) -> Any:
    named = [one for one in book.worksheets if one.title.strip().lower() in SHEETS]
    return (named or book.worksheets)[0]


def sheet_rows(sheet: Any, here: Place, *, max_rows: int) -> Iterator[Row]:
    """Give an open sheet's rows, one more than `max_rows` at most."""
    blank = 0
    cells = sheet.iter_rows(max_row=max_rows + 1, max_col=_MAX_COLUMNS)
    for number, row in enumerate(cells, start=1):
        found = [
            Cell(
                _plain(cell),
                Place(here.file, number, i, f"{sheet.title}!{column_letter(i)}{number}"),
            )
            for i, cell in enumerate(row, start=1)
        ]
        # rows that are only formatted do not count towards the limit
        blank = 0 if any(cell.value is not None for cell in found) else blank + 1
        if not blank or number <= max_rows:
            yield found


def _plain(cell: Any) -> str | int | float | bool | None:
    value = cell.value
    if cell.data_type == "f":
        return _Formula(value if isinstance(value, str) else "=…")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value).strip() or None


class _Formula(str):
    """The text of a formula, told from a text that begins with an equals sign."""

    __slots__ = ()


def is_formula(cell: Cell) -> bool:
    """Tell a formula from a text that begins with an equals sign."""
    return isinstance(cell.value, _Formula)


def _pairs(left: list[Row], right: list[Row]) -> Iterator[tuple[Cell, Cell]]:
    for one, other in zip(left, right, strict=True):
        yield from zip(one, other, strict=True)
