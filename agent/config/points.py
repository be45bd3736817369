"""Reads a point table (点表), .csv or .xlsx, to tags that know their sheet, row and column.

Guarantees: any bytes give rows and problems, never an exception; a cell that cannot be read is a
problem at that cell, never a default; size and number of rows are bounded. CSV may be UTF-8 (with
or without BOM), GB18030 or UTF-16, separated by comma, semicolon or tab; titles may be English or
Chinese. openpyxl is imported only for an .xlsx file.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from agent.config.columns import (
    COLUMNS,
    NUMBERING,
    REQUIRED,
    STATE_WORDS,
    Column,
    Kind,
    find_column,
    parse_states,
    parse_write,
)
from agent.config.document import Node
from agent.config.problems import Place, Problem, problem
from agent.config.reading import read_bounded, why
from agent.config.sheet import Cell, Row, Unreadable, column_letter
from agent.config.translate import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_BYTES = 8_000_000
"""Largest table: 20 000 points of 400 bytes each."""
MAX_ROWS = 20_000
"""Most rows; a device of a small factory has some hundred points."""

_DELIMITERS = ",;\t"


def read_points(
    path: Path, *, named_at: Place | None = None, where: str = ""
) -> tuple[list[Node], list[Problem]]:
    """Give a table's rows as tag nodes, and every problem; a missing file is told at `named_at`."""
    here = Place(str(path))
    try:
        rows = _rows(path)
        return _tags(rows, here)
    except OSError as error:
        place = named_at or here
        return [], [problem("E1411", place, where=where and f"{where}.points", why=why(error))]
    except Unreadable as error:
        return [], [error.problem]


def _rows(path: Path) -> list[Row]:
    suffix = path.suffix.lower()
    here = Place(str(path))
    if suffix not in {".csv", ".txt", ".tsv", ".xlsx"}:
        raise Unreadable(problem("E1412", here, seen=path.name))
    data = read_bounded(path, limit_bytes=MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise Unreadable(problem("E1417", here, limit=f"{MAX_BYTES // 1_000_000} MB"))
    if suffix == ".xlsx":
        from agent.config.workbook import read_workbook

        return read_workbook(data, here, max_rows=MAX_ROWS)
    return list(csv_rows(decoded(data, here), here))


def decoded(data: bytes, here: Place) -> str:
    """Give a text file's text, whichever of the known encodings it has; raises `Unreadable`."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            last = error
    reason = f"{last.reason}, {last.encoding}"
    raise Unreadable(problem("E1411", here, why=reason))


def csv_rows(text: str, here: Place) -> Iterator[Row]:
    """Give a CSV text's rows, cells stripped of blanks; raises `Unreadable`."""
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    skip = 0
    if first.lower().startswith("sep="):  # what spreadsheets write to announce the separator
        delimiter, skip = first[4:5] if first[4:5] in _DELIMITERS else ",", 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for number, record in enumerate(reader, start=1):
            if number > MAX_ROWS:
                raise Unreadable(problem("E1417", here, limit=str(MAX_ROWS)))
            cells = [
                Cell(
                    value.strip() or None, Place(here.file, line, i, f"{column_letter(i)}{number}")
                )
                for i, value in enumerate(record, start=1)
            ]
            line = reader.line_num + 1
            if number > skip:
                yield cells
    except csv.Error as error:
        raise Unreadable(problem("E1411", Place(here.file, line), why=str(error))) from None


def _tags(rows: Sequence[Row], here: Place) -> tuple[list[Node], list[Problem]]:
    filled = [row for row in rows if any(cell.value is not None for cell in row)]
    if not filled:
        return [], [problem("E1414", here, key=key) for key in REQUIRED]
    columns, problems = _heading(filled[0], here)
    if problems:
        return [], problems
    nodes = []
    for row in filled[1:]:
        first = next(cell.value for cell in row if cell.value is not None)
        if not str(first).startswith("#"):  # a comment
            nodes.append(_tag(row, columns, problems))
    return nodes, problems


def _heading(row: Row, here: Place) -> tuple[list[Column | None], list[Problem]]:
    columns: list[Column | None] = []
    problems = []
    for cell in row:
        title = "" if cell.value is None else str(cell.value)
        column = find_column(title)
        if column is None and title and title.strip().lower() not in NUMBERING:
            names = [name for one in COLUMNS for name in (one.key, one.title_zh)]
            known = ", ".join(f"{one.key} ({one.title_zh})" for one in COLUMNS)
            problems.append(
                problem("E1413", cell.place, seen=title, near=near(title, names), known=known)
            )
        elif column is not None and column in columns:
            problems.append(problem("E1415", cell.place, seen=title))
        columns.append(column)
    present = {column.key for column in columns if column is not None}
    for column in COLUMNS:
        if column.key in REQUIRED and column.key not in present:
            place = row[0].place if row else here
            key = f"{column.title_zh} ({column.key})"
            problems.append(problem("E1414", place, key=key))
    return columns, problems


def _tag(row: Row, columns: Sequence[Column | None], problems: list[Problem]) -> Node:
    node = Node({}, row[0].place)
    for cell, column in zip(row, columns, strict=False):
        if cell.value is None or column is None:
            continue
        value = _value(cell, column, problems)
        node.entries[column.key] = value
        node.keys[column.key] = cell.place
    for cell in row[len(columns) :]:
        if cell.value is not None:
            problems.append(problem("E1418", cell.place, seen=cell.value))
            break
    return node


def _value(cell: Cell, column: Column, problems: list[Problem]) -> Node:
    value = cell.value
    if column.kind is Kind.NUMBER:
        return Node(value, cell.place, raw=str(value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a spreadsheet keeps 40001 as 40001.0
    text = str(value).strip()
    if column.kind is Kind.CHOICE:
        return Node(text.lower(), cell.place)
    if column.kind is Kind.TEXT:
        return Node(text, cell.place)
    if column.kind is Kind.WRITE:
        return _leave(text, cell, problems)
    states = parse_states(text)
    if states is None:
        known = ", ".join(dict.fromkeys(state.value for state in STATE_WORDS.values()))
        problems.append(problem("E1416", cell.place, where="states", seen=text, known=known))
        states = {}
    entries = {raw: Node(state, cell.place) for raw, state in states.items()}
    return Node(entries, cell.place, dict.fromkeys(entries, cell.place))


def _leave(text: str, cell: Cell, problems: list[Problem]) -> Node:
    """Read leave to write; what cannot be read is told, and gives none."""
    found = parse_write(text)
    if found is None:
        problems.append(problem("E1420", cell.place, where="write", seen=text))
    if not found:
        return Node(None, cell.place)
    entries = (
        {key: Node(value, cell.place) for key, value in found.items()} if found is not True else {}
    )
    return Node(entries, cell.place, dict.fromkeys(entries, cell.place))
