"""The pages of records: their list, the form of one, and the change to be confirmed.

Pure: each is made of a snapshot and texts, all of them escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from agent.kpi.region import percent_text
from agent.ledger.naming import title_of, value_text
from agent.ledger.records import RecordKind
from agent.web.editing import gate, words
from agent.web.editing.form import FIELD
from agent.web.editing.pages import notice, way_to
from agent.web.editing.record_form import fields, problem_list
from agent.web.markup import Markup, join, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.kpi.rates import Figure
    from agent.ledger.entry import Change
    from agent.ledger.records import Key, Record
    from agent.ledger.typed import FieldProblem
    from agent.telemetry.status import Message
    from agent.web.editing.record_form import Sheetful
    from agent.web.editing.work import Look, Trial, Wish
    from agent.web.view import View

ENDS: Final = {RecordKind.EQUIPMENT: "in_service_to", RecordKind.PROCESS: "valid_to"}
"""Kinds of records that are taken out of service, by which field."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """What every form of a session bears."""

    who: str
    csrf: str
    base: str = ""
    """SHA-256 of the file that was shown."""


def overview(
    seen: Look | None, bearer: Bearer, notes: Iterable[Markup | None], view: View
) -> Markup:
    """List every record with the way to its form."""
    sections = [] if seen is None else [_section(kind, seen, view) for kind in RecordKind]
    return join((tag("h2", view.say(words.EDIT_TITLE)), _signed_in(bearer, view), *notes, *sections,
                 way_to(view, "/ledger", words.TO_LEDGER)))  # fmt: skip


def record(sheet: Sheetful, seen: Look, bearer: Bearer, view: View, *, note: str = "") -> Markup:
    """Show the form of a record, with what is wrong with it."""
    whole = [one for one in sheet.problems if not one.name]
    wrong = any(one.is_error for one in sheet.problems)
    return join(
        (
            tag("h2", _heading(sheet.kind, sheet.id, view)),
            notice(note or (view.say(words.CORRECT) if wrong else "")),
            problem_list(whole, view),
            tag(
                "form",
                _hidden(_keys((sheet.kind, sheet.id), bearer)),
                _button(words.PREVIEW, "preview", view, hidden=True),  # what the enter key does
                fields(sheet, seen, view),
                tag("p", _button(words.PREVIEW, "preview", view)),
                _ends(sheet, view),
                method="post", action=gate.RECORD, class_="law",
            ),
            way_to(view, gate.OVERVIEW, words.TO_LIST),
        )
    )  # fmt: skip


def preview(
    wish: Wish, trial: Trial, seen: Look, bearer: Bearer, view: View, *, problem: str = ""
) -> Markup:  # fmt: skip
    """Show what will change, the rate before and after, and what will be asked; ask to confirm."""
    kind, id_ = wish.key
    found = [tag("li", icon("warn"), view.say(one.message)) for one in trial.findings]
    asked = join((tag("h3", view.say(words.WILL_ASK)), tag("ul", *found, class_="notes")))
    typed = {FIELD + name: texts for name, texts in wish.typed.items()}
    keys = _keys(wish.key, bearer) | {"do": ["remove" if wish.removal else "save"]}
    return join(
        (
            tag("h2", f"{view.say(words.LOOK)} · {_heading(kind, id_, view)}"),
            tag(
                "form",
                tag("h3", view.say(words.WILL_BE)),
                *(_changes(one, view) for one in trial.tried.edit.changes),
                _rates(trial, seen, view),
                asked if found else None,
                _doubts(trial.tried.doubts, view),
                _reason(wish.note, problem, view),
                _hidden({**keys, **typed}),
                tag("p", _button(words.CONFIRM, "confirm", view), " ",
                    _button(words.BACK, "back", view, class_="quiet")),
                method="post", action=gate.RECORD, class_="law",
            ),
        )
    )  # fmt: skip


def address_of(key: Key) -> str:
    """Give the address of a record's form; without an id, of the form of a new one."""
    return f"{gate.RECORD}?{urlencode({'kind': key[0].value, 'id': key[1]})}"


def rate_text(figure: Figure, view: View) -> str:
    """Give a rate in percent with its exact fraction."""
    if not isinstance(figure, Fraction):
        return view.say(words.NO_RATE)
    return f"{percent_text(figure)} % ({figure.numerator}/{figure.denominator})"


def _button(
    word: Message, step: str, view: View, *, class_: str = "", hidden: bool = False
) -> Markup:
    if hidden:
        return tag("button", view.say(word), type="submit", name="step", value=step,
                   class_="unseen", tabindex="-1", aria_hidden="true")  # fmt: skip
    return tag("button", view.say(word), type="submit", name="step", value=step,
               class_=class_ or None)  # fmt: skip


def _keys(key: Key, bearer: Bearer) -> dict[str, list[str]]:
    return {"csrf": [bearer.csrf], "base": [bearer.base], "kind": [key[0].value], "id": [key[1]]}


def _hidden(values: Mapping[str, Iterable[str]]) -> Markup:
    return join(
        tag("input", type="hidden", name=name, value=text)
        for name, texts in values.items()
        for text in texts
    )


def _heading(kind: RecordKind, id_: str, view: View) -> str:
    what = view.say(words.ONE[kind])
    if id_ or kind is RecordKind.ENTERPRISE:
        return view.say(words.CHANGE, what=what, id=id_).strip()
    return view.say(words.NEW, what=what)


def _signed_in(bearer: Bearer, view: View) -> Markup:
    return tag(
        "form",
        tag("span", view.say(words.SIGNED_IN, who=bearer.who)),
        " ",
        _hidden({"csrf": [bearer.csrf]}),
        tag("button", view.say(words.LEAVE), type="submit", class_="quiet"),
        method="post", action=gate.LOGOUT, class_="small",
    )  # fmt: skip


def _section(kind: RecordKind, seen: Look, view: View) -> Markup:
    found = [(key, one) for key, one in seen.declared.written().items() if key[0] is kind]
    items = [tag("li", *_entry(key, one, view)) for key, one in found]
    address = address_of((kind, ""))
    add = tag("a", view.say(words.ADD, what=view.say(words.ONE[kind])), href=address)
    body = tag("ul", *items, class_="records") if items else tag("p", view.say(words.EMPTY))
    more = None if kind is RecordKind.ENTERPRISE else tag("p", "＋ ", add)
    return tag("section", tag("h2", view.say(words.SECTIONS[kind])),
               tag("div", body, more, class_="law"))  # fmt: skip


def _entry(key: Key, one: Record, view: View) -> tuple[Markup | str | None, ...]:
    """Give a record's line: the way to it, what it is, and since when it is out of service."""
    kind, address = key[0], address_of(key)
    name = f"{one.get('id', '')} {one.get('name', '')}".strip()
    last = one.get(ENDS.get(kind, ""))
    facts = [one.get("model", ""), one.get("controller", "")]
    shown = " · ".join(filter(None, facts))
    ended = view.say(words.OUT_OF_SERVICE, day=last) if last else ""
    return (tag("a", name, href=address), " ", tag("small", shown) if shown else None,
            tag("small", f" {ended}") if ended else None)  # fmt: skip


def _ends(sheet: Sheetful, view: View) -> Markup | None:
    """Offer to take a record out of service, or to delete it."""
    if not sheet.id:
        return None
    retire = None
    if sheet.kind in ENDS:
        retire = tag(
            "p",
            tag(
                "label", view.say(words.RETIRE_ON), " ", tag("input", type="date", name="retire_on")
            ),
            " ",
            _button(words.RETIRE, "retire", view, class_="quiet"),
            " ",
            tag("small", view.say(words.RETIRE_MEANS)),
        )
    remove = tag("p", _button(words.REMOVE, "remove", view, class_="quiet"), " ",
                 tag("small", view.say(words.REMOVE_MEANS)))  # fmt: skip
    return join((tag("hr"), retire, remove))


def _changes(change: Change, view: View) -> Markup:
    """Show each key that differs, before and after."""
    if change.key is None or change.after is None:
        return tag("p", view.say(words.GONE), class_="notice problem")
    kind, before, after = change.key[0], change.before or {}, change.after
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    lang = view.language
    rows = [
        tag("tr", tag("th", title_of(kind, key, lang), scope="row"),
            *(tag("td", _shown(kind, key, one, lang)) for one in (change.before, after)))
        for key in keys
    ]  # fmt: skip
    heads = (words.FIELD, words.WAS, words.IS)
    head = tag("tr", *(tag("th", view.say(one), scope="col") for one in heads))
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="machines ledger")


def _shown(kind: RecordKind, key: str, one: Record | None, lang: str) -> str:
    """Give what a record says under a key; what it does not say is at its default."""
    default = kind.model.model_fields[key].default if one is not None else None
    told = default if isinstance(default, bool | StrEnum) else None
    return value_text(kind, key, (one or {}).get(key, told), lang=lang)


def _rates(trial: Trial, seen: Look, view: View) -> Markup:
    rate = seen.current.config.rate
    label = view.say(words.RATE, method=rate.method.value, set=rate.control_set.value)
    was, is_ = rate_text(trial.before, view), rate_text(trial.after, view)
    text = f"{is_}, {view.say(words.RATE_SAME)}" if was == is_ else f"{was} → {is_}"
    return tag("p", label, " ", tag("b", text), class_="figure")


def _doubts(doubts: Iterable[FieldProblem], view: View) -> Markup | None:
    listed = problem_list(doubts, view)
    return None if listed is None else join((tag("h3", view.say(words.DOUBTS)), listed))


def _reason(note: str, problem: str, view: View) -> Markup:
    return tag(
        "div",
        tag("label", view.say(words.REASON), for_="note"),
        tag("input", id="note", name="note", value=note, type="text", autocomplete="off"),
        tag("small", view.say(words.REASON_MEANS)),
        tag("p", icon("warn"), problem, class_="error") if problem else None,
        class_="field wrong" if problem else "field",
    )
