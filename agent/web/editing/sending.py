"""A record's form that was sent: more rows, a look at the change, saving, or why not.

Guarantees: what is saved was tried on the file that was shown; what an assessor will ask about is
saved with a reason only; a file that changed meanwhile is not overwritten.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from agent.ledger.printable import LONGEST_TEXT, unseen
from agent.ledger.records import RecordKind
from agent.ledger.typed import (
    MOST_ROWS,
    Refused,
    detail_columns,
    rows_of,
    sheets_of,
)
from agent.web.editing import gate as places
from agent.web.editing import record_pages as pages
from agent.web.editing import words
from agent.web.editing.errand import Answer, Errand
from agent.web.editing.record_form import Sheetful
from agent.web.editing.showing import bearer, first_typed, form_page, overview_page
from agent.web.editing.work import Changed, Wish, attempt, look, save

if TYPE_CHECKING:
    from agent.ledger.typed import Typed
    from agent.web.editing.form import Form
    from agent.web.editing.work import Look

_MORE: Final = "more."


def record_sent(errand: Errand, form: Form) -> Answer:
    """Go on with a form: more rows, back to it, a look at the change, or saving."""
    kind = form.kind
    if kind is None:
        return Answer(address=places.OVERVIEW)
    sheet = Sheetful(kind, form.get("id"), form.typed)
    try:
        seen = look(errand.file)
    except Refused as refused:
        return overview_page(errand, None, refused)
    if form.get("base") != seen.base:
        return _changed(errand, seen, sheet)
    step = form.get("step")
    if step == "back" or step.startswith(_MORE):
        typed = _with_rows(sheet.typed, step.removeprefix(_MORE)) if step != "back" else sheet.typed
        return form_page(errand, seen, replace(sheet, typed=typed))
    if step == "retire":
        sheet = replace(sheet, typed=_ended(sheet, form, seen))
    return _judged(errand, seen, sheet, form)


def _judged(errand: Errand, seen: Look, sheet: Sheetful, form: Form) -> Answer:
    """Try what is wanted; what is wrong stands beside its field."""
    step = form.get("step")
    confirmed = step == "confirm"
    removal = step == "remove" or (confirmed and form.get("do") == "remove")
    wish = Wish((sheet.kind, sheet.id), sheet.typed, removal, form.get("note").strip())
    try:
        return _tried(errand, seen, wish, confirmed=confirmed)
    except Refused as refused:
        wrong = replace(sheet, problems=refused.problems)
        return form_page(errand, seen, wrong, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except Changed:
        return _looked_again(errand, sheet)


def _tried(errand: Errand, seen: Look, wish: Wish, *, confirmed: bool) -> Answer:
    """Show what a wish would change or, where that was confirmed, make it."""
    trial = attempt(seen, wish, store=errand.store)
    if not trial.tried.edit.changes:
        same_ = Sheetful(*wish.key, wish.typed)
        return form_page(errand, seen, same_, note=errand.view.say(words.NO_CHANGE))
    problem = _reason_problem(errand, wish, wanted=bool(trial.findings) or wish.removal)
    if not confirmed or problem:
        inside = pages.preview(wish, trial, seen, bearer(errand, seen), errand.view,
                               problem=problem if confirmed else "")  # fmt: skip
        status = HTTPStatus.UNPROCESSABLE_ENTITY if confirmed else HTTPStatus.OK
        return Answer(inside, status, address=places.OVERVIEW)
    save(seen, trial, wish, who=errand.who, store=errand.store)
    return Answer(address=places.OVERVIEW, saved=True)


def _looked_again(errand: Errand, sheet: Sheetful) -> Answer:
    try:
        seen = look(errand.file)
    except Refused as refused:
        return overview_page(errand, None, refused)
    return _changed(errand, seen, sheet)


def _changed(errand: Errand, seen: Look, sheet: Sheetful) -> Answer:
    """Refuse what was made on an older file; what was typed stays, beside what is there now."""
    record = seen.record((sheet.kind, sheet.id))
    note, id_ = errand.view.say(words.CHANGED_MEANWHILE), sheet.id
    if record is None and sheet.id:
        note, id_ = f"{note} {errand.view.say(words.GONE_MEANWHILE)}", ""
    now = None if record is None else first_typed(seen, sheet.kind, sheet.id, errand.who)
    shown = replace(sheet, id=id_, now=now)
    return form_page(errand, seen, shown, note=note, status=HTTPStatus.CONFLICT)


def _with_rows(typed: Typed, name: str) -> Typed:
    """Give what was typed with two more rows in a list."""
    sheet = next(
        (one for kind in RecordKind for one in sheets_of(kind) if one.inside == name), None
    )
    if sheet is None:
        return typed
    key = f"{name}.{min(rows_of(sheet, typed) + 1, MOST_ROWS - 1)}.{detail_columns(sheet)[0].key}"
    return {**typed, key: typed.get(key, [""])}


def _ended(sheet: Sheetful, form: Form, seen: Look) -> Typed:
    """Give what was typed with the last day in service; today where none was given."""
    field = pages.ENDS.get(sheet.kind)
    day = form.get("retire_on") or seen.day.isoformat()
    return {**sheet.typed, field: [day]} if field is not None else sheet.typed


def _reason_problem(errand: Errand, wish: Wish, *, wanted: bool) -> str:
    """Say what is wrong with a reason; empty where nothing is."""
    if len(wish.note) > LONGEST_TEXT or unseen(wish.note):
        return errand.view.say(words.REASON_WRONG, most=LONGEST_TEXT)
    return errand.view.say(words.REASON_WANTED) if wanted and not wish.note else ""
