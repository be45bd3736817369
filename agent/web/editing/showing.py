"""The list of records and the form of one, as they stand in the file."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from agent.ledger.records import RecordKind
from agent.ledger.typed import typed_of
from agent.web.editing import gate as places
from agent.web.editing import record_pages as pages
from agent.web.editing import words
from agent.web.editing.errand import Answer, Errand
from agent.web.editing.pages import notice
from agent.web.editing.record_form import problem_list
from agent.web.editing.work import unwritable

if TYPE_CHECKING:
    from agent.ledger.typed import Refused, Typed
    from agent.web.editing.record_form import Sheetful
    from agent.web.editing.work import Look


def overview_page(errand: Errand, seen: Look | None, refused: Refused | None = None) -> Answer:
    """Show the list of records, and what came of the last change."""
    view, query = errand.view, errand.query
    stuck = unwritable(errand.file)
    done = {"force": (words.SAVED, words.IN_FORCE), "later": (words.SAVED, words.NOT_YET)}
    said = " ".join(view.say(one) for one in done.get(query.get("done", ""), ()))
    remarks = errand.remarks if said else ()
    notes = [
        notice(said, tone="well"),
        *(notice(view.say(one)) for one in remarks),
        notice(view.say(stuck)) if stuck is not None else None,
        problem_list(refused.problems, view) if refused is not None else None,
    ]
    inside = pages.overview(seen, bearer(errand, seen), notes, view)
    return Answer(inside, address=places.OVERVIEW)


def first_typed(seen: Look, kind: RecordKind, id_: str, who: str) -> Typed:
    """Give what a form shows first: the record as it is, or who signs a new one, and when."""
    record = seen.record((kind, id_))
    if record is None:
        signed = {"declared_by": [who], "declared_on": [seen.day.isoformat()]}
        return {"key": ["yes"], **signed} if kind in pages.ENDS else {}
    shown = typed_of(kind, record)
    if kind is RecordKind.PROCESS:
        shown.setdefault("key", ["yes"])
    if kind is RecordKind.ENTERPRISE:
        one = seen.declared.enterprise
        shown.setdefault("industry_kind", [one.industry_kind.value])
        shown.setdefault("industry_edition", [one.industry_edition])
    return shown


def form_page(
    errand: Errand, seen: Look, sheet: Sheetful, *,
    note: str = "", status: int = HTTPStatus.OK,
  ) -> Answer:  # fmt: skip
    """Show the form of a record."""
    inside = pages.record(sheet, seen, bearer(errand, seen), errand.view, note=note)
    return Answer(inside, status, address=pages.address_of((sheet.kind, sheet.id)))


def bearer(errand: Errand, seen: Look | None) -> pages.Bearer:
    """Give what a form of the session bears."""
    return pages.Bearer(errand.who, errand.csrf, seen.base if seen is not None else "")
