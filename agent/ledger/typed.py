"""One record of the ledger as a person typed it into a form: what it changes, or what is wrong.

Guarantees: whatever was typed gives an edit or problems, never an exception of another kind; a
problem that is of a field names that field. Field names are the keys of the record's sheet:
`control_type`, `size.staff`, and `links.0.process` for the first row of a list. A blank field
states nothing, a row of blank fields is no row. Reads the file it is given; writes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from agent.config.document import Node
from agent.config.problems import ConfigError, Place
from agent.ledger.edit import prepare, understood
from agent.ledger.naming import title
from agent.ledger.printable import LONGEST_TEXT, unseen
from agent.ledger.records import Declared, RecordKind
from agent.ledger.sheets import SHEETS, YES_NO_WORDS, Kind
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.config.problems import Problem
    from agent.ledger.edit import Current, Edit
    from agent.ledger.records import Key, Record
    from agent.ledger.sheets import Column, Sheet

Typed: TypeAlias = "Mapping[str, Sequence[str]]"
"""Field name -> what was typed; several texts where several were chosen."""

MOST_ROWS: Final = 100
"""Most rows of a list, as the ledger's shape has it."""
FORM: Final = "form"
"""File that places in a form bear; no configuration file is named so short."""

_BY_KEY: Final = {c.key: c for sheet in SHEETS for c in sheet.columns if "_" in c.key}
_KEYS: Final = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, _BY_KEY))})(?![\w.])")
"""Keys that are no words of either language."""
_CONTROL: Final = Message(
    en="This text holds a character that cannot be seen. Type it again.",
    zh="内容含有看不见的控制字符，请重新输入。",
)
_NOTHING: Final = Message("", "")
_LONG: Final = Message(
    en=f"This text is too long: {LONGEST_TEXT} characters at most.",
    zh=f"内容过长：最多 {LONGEST_TEXT} 个字。",
)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with a field, or, without a name, with the whole."""

    name: str
    message: Message
    hint: Message = _NOTHING
    is_error: bool = True


class Refused(Exception):  # noqa: N818 - names what became of the form
    """Nothing can be made of what was typed; holds every problem."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(problems[0].message.en)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Tried:
    """An edit that can be made, and what is doubtful about its fields."""

    edit: Edit
    doubts: tuple[FieldProblem, ...]


def try_record(current: Current, key: Key, typed: Typed) -> Tried:
    """Try to put what was typed in place of a record, or, where its id is empty, beside the others.

    Raises:
        Refused: something is wrong with it, or with the file.
    """
    kind, id_ = key
    form = _Form()
    node = form.record(kind, typed)
    if form.problems:
        raise Refused(form.problems)
    return _tried(current, _with(current.root, kind, id_, node), form)


def try_removal(current: Current, key: Key) -> Tried:
    """Try to take a record away.

    Raises:
        Refused: something still names it, or something is wrong with the file.
    """
    return _tried(current, _with(current.root, key[0], key[1], None), _Form())


def typed_of(kind: RecordKind, record: Record) -> dict[str, list[str]]:
    """Give a record as a person would type it: the same typed again is the same record."""
    found: dict[str, list[str]] = {}
    for sheet in sheets_of(kind):
        if sheet.inside:
            for at, row in enumerate(record.get(sheet.inside, ())):
                found |= {
                    f"{sheet.inside}.{at}.{name}": texts
                    for name, texts in _texts(detail_columns(sheet), row)
                }
        else:
            found |= dict(_texts(sheet.columns, record))
    return found


def sheets_of(kind: RecordKind) -> list[Sheet]:
    """Give the sheets that hold a record of a kind: its own first, then those of its lists."""
    return [one for one in SHEETS if one.record is kind]


def detail_columns(sheet: Sheet) -> tuple[Column, ...]:
    """Give the columns of a list's rows, without the one that names the record."""
    return sheet.columns if sheet.owner is None else sheet.columns[1:]


def rows_of(sheet: Sheet, typed: Typed) -> int:
    """Count the rows of a list, blank ones included."""
    head = f"{sheet.inside}."
    numbers = [name.removeprefix(head).partition(".")[0] for name in typed if name.startswith(head)]
    return max((int(one) + 1 for one in numbers if one.isdecimal() and len(one) < 4), default=0)


def _texts(columns: Sequence[Column], record: Record) -> list[tuple[str, list[str]]]:
    found = []
    for column in columns:
        value: Any = record
        for step in column.key.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            found.append((column.key, _text(value)))
    return found


def _text(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, float) and value.is_integer():
        return [str(int(value))]
    return [str(value)]


@dataclass(slots=True)
class _Form:
    """Turns texts into nodes that know their fields: the number of a field stands for its line."""

    names: list[str] = field(default_factory=list)
    problems: list[FieldProblem] = field(default_factory=list)

    def record(self, kind: RecordKind, typed: Typed) -> Node:
        """Give the node of a record."""
        own, *lists = sheets_of(kind)
        node = self._mapping(own.columns, typed, "")
        for sheet in lists:
            count = rows_of(sheet, typed)
            if count > MOST_ROWS:
                self.problems.append(_too_many(sheet))
                continue
            heads = [f"{sheet.inside}.{at}." for at in range(count)]
            rows = [self._mapping(detail_columns(sheet), typed, head) for head in heads]
            rows = [row for row in rows if row.entries]
            if rows:
                node.entries[sheet.inside] = Node(list(rows), Place(FORM))
        return node

    def _mapping(self, columns: Sequence[Column], typed: Typed, head: str) -> Node:
        node = Node({}, Place(FORM))
        inner: dict[str, Node] = {}
        for column in columns:
            place = self._place(head + column.key)
            value = self._value(column, typed.get(head + column.key, ()), place)
            target, key = node, column.key
            if "." in key:
                outer, _, key = key.partition(".")
                target = inner.setdefault(outer, Node({}, place))
                if value is not None:
                    node.entries[outer] = target
                node.keys.setdefault(outer, place)
            target.keys[key] = place  # a field that is missing is told where it should stand
            if value is not None:
                target.entries[key] = value
        return node

    def _place(self, name: str) -> Place:
        self.names.append(name)
        return Place(FORM, line=len(self.names))

    def _value(self, column: Column, texts: Sequence[str], place: Place) -> Node | None:
        given = [text.replace("\r\n", "\n").strip() for text in texts if text.strip()]
        for text in given:
            line = text.replace("\n", "") if column.kind is Kind.TEXT else text
            wrong = _CONTROL if unseen(line) else _LONG if len(text) > LONGEST_TEXT else None
            if wrong is not None:
                self.problems.append(FieldProblem(self.names[place.line - 1], wrong))
                return None
        if not given:
            return None
        if column.kind is Kind.IDS:
            return Node([Node(one, place) for one in dict.fromkeys(given)], place)
        if column.kind is Kind.YES_NO:
            truth = YES_NO_WORDS.get(given[0].lower())
            return Node(given[0] if truth is None else truth, place, raw=str(truth).lower())
        if column.kind is Kind.NUMBER:
            return Node(unicodedata.normalize("NFKC", given[0]), place)
        return Node(given[0], place)

    def field_of(self, one: Problem) -> str:
        """Give the field a problem is about; empty where it is about none of them."""
        if one.file != FORM:
            return ""
        if one.line:
            return self.names[one.line - 1]
        step = one.where.rpartition(".")[2].partition("[")[0]
        return step if step.isidentifier() else ""


def _too_many(sheet: Sheet) -> FieldProblem:
    said = Message(en=f"Too many rows: {MOST_ROWS} at most.", zh=f"行数过多：最多 {MOST_ROWS} 行。")
    return FieldProblem(sheet.inside, said)


def _with(root: Node, kind: RecordKind, id_: str, node: Node | None) -> Node:
    """Give a file's nodes with one record put in, in place of the one of this id, or taken out."""
    section = root.entries.get(kind.section)
    if kind is RecordKind.ENTERPRISE:
        return replace(root, value={**root.entries, kind.section: node or Node({}, Place(FORM))})
    items = list(section.items) if section is not None else []
    at = next((n for n, one in enumerate(items) if id_ and one.text("id") == id_), len(items))
    items[at : at + 1] = [node] if node is not None else []
    place = section.place if section is not None else Place(FORM)
    return replace(root, value={**root.entries, kind.section: Node(list(items), place)})


def _tried(current: Current, root: Node, form: _Form) -> Tried:
    try:
        wanted, warnings = understood(root)
        edit = prepare(current, Declared.of(wanted).written())
    except ConfigError as error:
        raise Refused([_told(one, form) for one in error.problems if one.is_error]) from error
    doubts = tuple(_told(one, form) for one in warnings if one.file == FORM)
    return Tried(edit, doubts)


def _told(one: Problem, form: _Form) -> FieldProblem:
    """Give a problem at its field, and at its line where it is of the file."""
    message, hint = one.message, one.hint
    if one.file == FORM:
        message, hint = _in_titles(message), _in_titles(hint)
    else:
        head = f"{one.location} {one.where}".rstrip()
        message = Message(en=f"{head}: {message.en}", zh=f"{head}：{message.zh}")
    return FieldProblem(form.field_of(one), message, hint, is_error=one.is_error)


def _in_titles(text: Message) -> Message:
    """Call the fields by what stands above them, not by their keys in the file."""
    return Message(en=_named(text.en, "en"), zh=_named(text.zh, "zh"))


def _named(text: str, lang: str) -> str:
    quoted = "“{}”" if lang == "zh" else "'{}'"
    return _KEYS.sub(lambda key: quoted.format(title(_BY_KEY[key[0]], lang)), text)
