"""Reads a ledger's spreadsheet, a workbook or CSV files, to nodes that know sheet, row and column.

Guarantees: any bytes give nodes and problems, never an exception; a cell that cannot be read is a
problem at that cell, never a default; a formula is refused, never computed; size is bounded. A
sheet that is not there, or has no row, says nothing about its records: they stay as they are. (A
sheet of details without a row says that there are none, if the sheet of its records has rows.)
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.config.document import Node
from agent.config.points import csv_rows, decoded
from agent.config.problems import Place, problem
from agent.config.reading import read_bounded, why
from agent.config.sheet import Cell, Unreadable
from agent.config.translate import near
from agent.ledger.records import RecordKind
from agent.ledger.sheets import (
    SHEETS,
    YES_NO_WORDS,
    Column,
    Kind,
    Sheet,
    choice,
    find_column,
    find_sheet,
)
from agent.ledger.writing import GUARDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from agent.config.problems import Problem
    from agent.config.sheet import Row

MAX_BYTES = 8_000_000
"""Largest file."""
MAX_ROWS = 5000
"""Most rows of a sheet: a small factory has some hundred machines."""

_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]00:00:00)?")
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")


@dataclass(slots=True)
class Tables:
    """What a spreadsheet says."""

    rows: dict[str, list[Node]] = field(default_factory=dict)
    """Sheet key -> a node per row; only the sheets that were there."""
    problems: list[Problem] = field(default_factory=list)


def read_tables(path: Path) -> Tables:
    """Read `ledger.xlsx`, or `ledger.csv`, which stands for `ledger.<sheet>.csv`, one per sheet."""
    tables = Tables()
    try:
        for sheet, rows in _sources(path):
            tables.rows[sheet.key] = _records(sheet, rows, Place(str(path)), tables.problems)
    except Unreadable as error:
        tables.problems.append(error.problem)
    except OSError as error:
        tables.problems.append(problem("E1709", Place(str(path)), why=why(error)))
    if not tables.rows and not tables.problems:
        known = ", ".join(f"{one.title_zh} ({one.key})" for one in SHEETS)
        tables.problems.append(problem("E1705", Place(str(path)), known=known))
    return tables


def csv_file(path: Path, sheet: Sheet) -> Path:
    """Give the CSV file of one sheet: `ledger.csv` -> `ledger.equipment.csv`."""
    return path.with_name(f"{path.stem}.{sheet.key}.csv")


def merged(tables: Tables, current: Mapping[str, Node]) -> dict[str, Node]:
    """Give the ledger's sections as a spreadsheet has them; sections it does not have as they are.

    `current` holds the sections of the configuration file. Details without their own sheet stay.
    """
    sections = {key: node for key, node in current.items() if node.value is not None}
    for sheet in SHEETS:
        rows = tables.rows.get(sheet.key)
        if not rows or sheet.inside:
            continue
        old = sections.get(sheet.record.section)
        if sheet.record is RecordKind.ENTERPRISE:
            if len(rows) > 1:
                found = problem("E1707", rows[1].place, where=sheet.title_zh, seen=len(rows))
                tables.problems.append(found)
            sections["enterprise"] = _keeping(rows[0], old, tables)
        else:
            known = {one.text("id"): one for one in (old.items if old else [])}
            items = [_keeping(row, known.get(row.text("id")), tables) for row in rows]
            sections[sheet.record.section] = Node(items, items[0].place)
    for sheet in SHEETS:
        if sheet.inside and _speaks(sheet, tables):
            _attach(sheet, tables, sections)
    return sections


def _speaks(sheet: Sheet, tables: Tables) -> bool:
    """Tell whether a sheet of details says something: without a row only beside its records."""
    rows = tables.rows.get(sheet.key)
    return bool(rows) or (rows is not None and bool(tables.rows.get(sheet.record.section)))


def _keeping(row: Node, old: Node | None, tables: Tables) -> Node:
    """Give a row with the details of its record that the spreadsheet has no sheet for."""
    entries, keys = dict(row.entries), dict(row.keys)
    for sheet in SHEETS:
        kept = old.entries.get(sheet.inside) if old is not None and sheet.inside else None
        if kept is not None and sheet.key not in tables.rows:
            entries[sheet.inside] = kept
            keys[sheet.inside] = kept.place
    return Node(entries, row.place, keys)


def _attach(sheet: Sheet, tables: Tables, sections: dict[str, Node]) -> None:
    """Put the rows of a sheet of details into the records they belong to."""
    section = sections.get(sheet.record.section)
    owners: dict[str, Node] = {}
    if section is not None:
        items = [section] if sheet.owner is None else section.items
        owners = {one.text("id") if sheet.owner else "": one for one in items}
    for owner in owners.values():
        owner.entries.pop(sheet.inside, None)
    for row in tables.rows[sheet.key]:
        name = row.text("equipment") if sheet.owner else ""
        owner_ = owners.get(name)
        if owner_ is None:
            place = row.keys.get("equipment", row.place)
            tables.problems.append(
                problem("E1702", place, where=sheet.title_zh, seen=name, near=near(name, owners))
            )
            continue
        listed = owner_.entries.setdefault(sheet.inside, Node([], row.place))
        owner_.keys.setdefault(sheet.inside, row.place)
        listed.items.append(row.without("equipment"))


def _sources(path: Path) -> Iterator[tuple[Sheet, list[Row]]]:
    here = Place(str(path))
    if path.suffix.lower() == ".xlsx":
        yield from _workbook(_bytes(path), here)
        return
    if path.suffix.lower() != ".csv":
        raise Unreadable(problem("E1713", here, seen=path.name))
    for sheet in SHEETS:
        file = csv_file(path, sheet)
        if file.exists():
            yield sheet, _csv(_bytes(file), Place(str(file)))


def _bytes(path: Path) -> bytes:
    data = read_bounded(path, limit_bytes=MAX_BYTES)
    if len(data) > MAX_BYTES:
        limit = f"{MAX_BYTES // 1_000_000} MB"
        raise Unreadable(problem("E1712", Place(str(path)), limit=limit))
    return data


def _csv(data: bytes, here: Place) -> list[Row]:
    try:
        rows = list(csv_rows(decoded(data, here), here))
        return [[_unguarded(cell) for cell in row] for row in rows]
    except Unreadable as error:  # the point tables' reader speaks of point tables
        found = error.problem
        place = Place(found.file, found.line)
        raise Unreadable(problem("E1709", place, why=found.message)) from None


def _unguarded(cell: Cell) -> Cell:
    """Take off the apostrophe that kept a text from being computed."""
    text = cell.value
    guarded = isinstance(text, str) and text[:1] == "'" and text[1:].startswith(GUARDED)
    return Cell(text[1:], cell.place) if guarded and isinstance(text, str) else cell


def _workbook(data: bytes, here: Place) -> list[tuple[Sheet, list[Row]]]:
    from openpyxl import load_workbook

    from agent.config.workbook import BROKEN, refuse_bomb, sheet_rows

    try:
        refuse_bomb(data, here)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of drop-downs and styles it does not keep
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=False)
            try:
                return [
                    (sheet, list(sheet_rows(page, here, max_rows=MAX_ROWS)))
                    for page in book.worksheets
                    if (sheet := find_sheet(page.title)) is not None
                ]
            finally:
                book.close()
    except BROKEN as error:
        raise Unreadable(problem("E1709", here, why=type(error).__name__)) from None


def _records(sheet: Sheet, rows: Sequence[Row], here: Place, problems: list[Problem]) -> list[Node]:
    filled = [row for row in rows if any(cell.value not in {None, ""} for cell in row)]
    if len(filled) > MAX_ROWS:
        raise Unreadable(problem("E1712", here, where=sheet.title_zh, limit=str(MAX_ROWS)))
    if not filled:
        return []
    columns = _heading(sheet, filled[0], problems)
    for row in filled[1:]:
        for at, cell in enumerate(row):
            heading = filled[0][at].value if at < len(filled[0]) else None
            if heading is None and cell.value is not None:
                problems.append(problem("E1715", cell.place, where=sheet.title_zh, seen=cell.value))
    return [_record(row, columns, problems) for row in filled[1:]]


def _heading(sheet: Sheet, row: Row, problems: list[Problem]) -> list[Column | None]:
    columns: list[Column | None] = []
    for cell in row:
        title = "" if cell.value is None else str(cell.value)
        column = find_column(sheet, title)
        if title and column is None:
            names = [name for one in sheet.columns for name in (one.title_zh, one.key)]
            known = ", ".join(f"{one.title_zh} ({one.key})" for one in sheet.columns)
            problems.append(problem("E1710", cell.place, where=sheet.title_zh, seen=title,
                                    near=near(title, names), known=known))  # fmt: skip
        elif column is not None and column in columns:
            problems.append(problem("E1711", cell.place, where=sheet.title_zh, seen=title))
        columns.append(column)
    return columns


def _record(row: Row, columns: Sequence[Column | None], problems: list[Problem]) -> Node:
    node = Node({}, row[0].place)
    for cell, column in zip(row, columns, strict=False):
        if cell.value is None or column is None:
            continue
        value = _value(cell, column, problems)
        target, key = node, column.key
        if "." in key:
            outer, _, key = key.partition(".")
            target = node.entries.setdefault(outer, Node({}, cell.place))
            node.keys.setdefault(outer, cell.place)
        target.entries[key] = value
        target.keys[key] = cell.place
    return node


def _value(cell: Cell, column: Column, problems: list[Problem]) -> Node:
    from agent.config.workbook import is_formula

    value: Any = cell.value
    if is_formula(cell):
        problems.append(problem("E1704", cell.place, where=column.title_zh, seen=value))
        return Node("", cell.place)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a spreadsheet keeps 40001 as 40001.0
    if column.kind is Kind.NUMBER:
        return Node(value, cell.place, raw=str(value))
    text = str(value).strip()
    if column.kind is Kind.IDS:
        ids = [one.strip() for one in re.split(r"[;；,，、\s]+", text) if one.strip()]
        return Node([Node(one, cell.place) for one in ids], cell.place)
    if column.kind is Kind.DATE:
        return Node(_date(text), cell.place)
    if column.kind is Kind.YES_NO:
        return _yes_no(text, cell, column, problems)
    return Node(choice(column, text) if column.choices else text, cell.place)


def _date(text: str) -> str:
    """Write a date as people and spreadsheets do the one way; what is none is left, to be told."""
    found = _DATE.fullmatch(text) or _DIGITS.fullmatch(text)
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else text


def _yes_no(text: str, cell: Cell, column: Column, problems: list[Problem]) -> Node:
    word = YES_NO_WORDS.get(text.lower())
    if word is None:
        problems.append(problem("E1706", cell.place, where=column.title_zh, seen=text))
    return Node(bool(word), cell.place, raw=str(bool(word)).lower())
