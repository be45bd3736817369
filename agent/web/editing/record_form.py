"""The form of one record, made from the columns of its spreadsheet: fields, help, what is wrong.

Every text in it is escaped by `tag`; what was typed is shown again as it was typed. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from agent.config.codes.cluster import cluster_table
from agent.config.codes.hubei import COUNTIES
from agent.config.codes.industry import EDITIONS
from agent.ledger.naming import meaning, title, word
from agent.ledger.records import RecordKind
from agent.ledger.sheets import Kind
from agent.ledger.typed import FieldProblem, detail_columns, rows_of, sheets_of
from agent.web.editing import words
from agent.web.editing.form import FIELD
from agent.web.markup import Markup, join, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.ledger.sheets import Column, Sheet
    from agent.ledger.typed import Typed
    from agent.web.editing.work import Look
    from agent.web.view import View

_REFERS: Final = {
    "location": RecordKind.LOCATION,
    "inside": RecordKind.LOCATION,
    "part_of": RecordKind.EQUIPMENT,
    "process": RecordKind.PROCESS,
    "processes": RecordKind.PROCESS,
}
"""Key -> kind of record whose ids may stand there."""
_REQUIRED: Final = frozenset(
    {(RecordKind.LOCATION, "kind"), (RecordKind.EQUIPMENT, "control_type")}
)


@dataclass(frozen=True, slots=True)
class Sheetful:
    """A form: what it is about, what stands in it, what is wrong with it."""

    kind: RecordKind
    id: str
    """Empty for a new record."""
    typed: Typed
    problems: Sequence[FieldProblem] = ()
    now: Mapping[str, Sequence[str]] | None = None
    """What the file says now, where somebody changed it meanwhile."""


def fields(sheet: Sheetful, seen: Look, view: View) -> Markup:
    """Give every field of a record, its lists last."""
    own, *lists = sheets_of(sheet.kind)
    made = _Maker(sheet, seen, view)
    return join(
        (
            tag("div", *(made.field(own, one, "") for one in own.columns), class_="fields"),
            *(made.rows(one) for one in lists),
            *made.suggestions(),
        )
    )


def problem_list(problems: Iterable[FieldProblem], view: View) -> Markup | None:
    """List problems; None for none."""
    items = [
        tag("li", icon("warn"), view.say(one.message), " ", tag("small", view.say(one.hint)))
        for one in problems
    ]
    return tag("ul", *items, class_="notes") if items else None


class _Maker:
    """Makes the fields of one form."""

    def __init__(self, sheet: Sheetful, seen: Look, view: View) -> None:
        self._sheet, self._seen, self._view = sheet, seen, view
        self._lists: dict[str, Mapping[str, str]] = {}

    def rows(self, sheet: Sheet) -> Markup:
        """Give a list of details: its rows, and how to come by more."""
        now = self._sheet.now or {}  # rows of others are shown too, lest they go unseen
        count = max(1, rows_of(sheet, self._sheet.typed), rows_of(sheet, now))
        columns = detail_columns(sheet)
        rows = [
            tag(
                "fieldset",
                tag("legend", self._view.say(words.ROW, n=at + 1)),
                tag("div", *(self.field(sheet, one, f"{sheet.inside}.{at}.") for one in columns),
                    class_="fields"),
            )
            for at in range(count)
        ]  # fmt: skip
        head = f"{sheet.inside}."
        used = any(
            name.startswith(head) and any(texts) for name, texts in self._sheet.typed.items()
        )
        wrong = any(one.name.startswith(sheet.inside) for one in self._sheet.problems)
        name = sheet.title_zh if self._view.language == "zh" else sheet.key.capitalize()
        more = tag("button", self._view.say(words.MORE_ROWS), type="submit", name="step",
                   value=f"more.{sheet.inside}", class_="quiet")  # fmt: skip
        return tag(
            "details",
            tag("summary", name),
            self._wrong(sheet.inside),
            *rows,
            tag("p", self._view.say(words.CLEAR_ROW), " ", more, class_="small"),
            open=used or wrong or count > 1,
        )

    def field(self, sheet: Sheet, column: Column, head: str) -> Markup:
        """Give one field with its label, its help and what is wrong with it."""
        name = head + column.key
        label = title(column, self._view.language)
        help_ = meaning(sheet, column, self._view.language)
        wrong = self._wrong(name)
        help_line = None
        if help_.rstrip("。. ") != label:
            help_line = tag("small", help_, id=f"h.{name}")
        many = column.kind is Kind.IDS
        title_ = tag("span", label) if many else tag("label", label, for_=FIELD + name)
        return tag(
            "div",
            title_,
            self._input(column, name, head=head, invalid=wrong is not None),
            help_line,
            wrong,
            self._otherwise(column, name),
            class_=" ".join(
                filter(None, ("field", "wide" if many else "", "wrong" if wrong else ""))
            ),
        )

    def suggestions(self) -> Iterable[Markup]:
        """Give the lists of codes that fields offer while one types."""
        for key, offered in self._lists.items():
            options = [tag("option", name, value=code) for code, name in offered.items()]
            yield tag("datalist", *options, id=f"l.{key}")

    def _input(self, column: Column, name: str, *, head: str, invalid: bool) -> Markup:
        texts = list(self._sheet.typed.get(name, ()))
        text = texts[0] if texts else ""
        choices = self._choices(column, head)
        shown = {"id": FIELD + name, "name": FIELD + name}
        marks = {"aria_invalid": "true" if invalid else None, "aria_describedby": f"e.{name}"}
        if column.kind is Kind.IDS:
            return self._boxes(name, texts, choices or {})
        if choices is not None:
            return tag("select", *self._options(choices, text, column), **shown, **marks)
        fixed = column.key == "id" and not head and bool(self._sheet.id)
        offered = self._offered(column, head)
        if "\n" in text:  # a field of one line would lose the end of each
            return tag("textarea", text, **shown, **marks, rows="3")
        return tag(
            "input",
            **shown,
            **marks,
            value=text,
            type="date" if column.kind is Kind.DATE and _is_day(text) else "text",
            inputmode="decimal" if column.kind is Kind.NUMBER else None,
            readonly=fixed,
            list=f"l.{column.key}" if offered else None,
            autocomplete="off",
        )

    def _choices(self, column: Column, head: str) -> dict[str, str] | None:
        """Give what may be chosen, with its words; None where anything may be typed."""
        lang, kind = self._view.language, _REFERS.get(column.key)
        if column.kind is Kind.YES_NO:
            return {"yes": self._view.say(words.YES), "no": self._view.say(words.NO)}
        if column.choices:
            return {one: word(column, one, lang) for one in column.choices}
        if column.key == "device" and not head:
            return {one: one for one in self._seen.devices}
        if kind is None or (column.key == "process" and not head):
            return None
        known = self._seen.declared.written()
        return {
            id_: f"{id_} {record.get('name', '')}".strip()
            for (of, id_), record in known.items()
            if of is kind and not (of is self._sheet.kind and id_ == self._sheet.id)
        }

    def _options(self, choices: Mapping[str, str], text: str, column: Column) -> list[Markup]:
        """Give the options of a list; what stood there stays, even if it is none of them."""
        needed = (self._sheet.kind, column.key) in _REQUIRED or column.kind is Kind.YES_NO
        offered = (
            dict(choices) if needed and text else {"": self._view.say(words.CHOOSE), **choices}
        )
        offered.setdefault(text, text)
        return [
            tag("option", name, value=one, selected=one == text) for one, name in offered.items()
        ]

    def _boxes(self, name: str, texts: Sequence[str], choices: Mapping[str, str]) -> Markup:
        ticked = dict.fromkeys(filter(None, texts))  # first, for a browser sends them in our order
        offered = {one: choices.get(one, one) for one in (*ticked, *choices)}
        boxes = [
            tag(
                "label",
                tag("input", type="checkbox", name=FIELD + name, value=one, checked=one in texts),
                tag("span", shown),
            )
            for one, shown in offered.items()
        ]
        return (
            tag("div", *boxes, class_="boxes") if boxes else tag("p", self._view.say(words.EMPTY))
        )

    def _offered(self, column: Column, head: str) -> bool:
        """Tell whether a field offers codes, and remember the list."""
        table: Mapping[str, str] | None = None
        if column.key == "region" and not head:
            table = COUNTIES
        elif column.key == "cluster":
            table = {name: code for code, name in cluster_table().names.items()}
        elif column.key == "industry_edition":
            table = dict.fromkeys(EDITIONS, "GB/T 4754")
        if table is not None:
            self._lists[column.key] = table
        return table is not None

    def _wrong(self, name: str) -> Markup | None:
        """Say what is wrong with a field; None where nothing is."""
        found = [one for one in self._sheet.problems if one.name == name]
        if not found:
            return None
        lines = [
            tag("span", icon("warn"), self._view.say(one.message), " ", self._view.say(one.hint))
            for one in found
        ]
        return tag("p", *lines, class_="error", id=f"e.{name}")

    def _otherwise(self, column: Column, name: str) -> Markup | None:
        """Say what the file has now, where that is something else than what was typed."""
        if self._sheet.now is None:
            return None
        theirs, ours = (
            [text for text in one.get(name, ()) if text]
            for one in (self._sheet.now, self._sheet.typed)
        )
        if theirs == ours:
            return None
        shown = ", ".join(word(column, one, self._view.language) for one in theirs) or "—"
        return tag("p", self._view.say(words.NOW_IN_FILE, value=shown), class_="error")


def _is_day(text: str) -> bool:
    """Tell whether a browser's date field can show a text; what is no date must stay as typed."""
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
