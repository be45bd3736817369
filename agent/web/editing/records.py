"""What one request does with the file: shows the list or a form, tries a change, saves it. Blocks.

Runs where settings are read, in a process or a thread of its own; gives plain data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.ledger.typed import Refused
from agent.web.editing import gate as places
from agent.web.editing.errand import Answer
from agent.web.editing.form import Form, kind_of
from agent.web.editing.record_form import Sheetful
from agent.web.editing.sending import record_sent
from agent.web.editing.showing import first_typed, form_page, overview_page
from agent.web.editing.work import look

if TYPE_CHECKING:
    from agent.web.editing.errand import Errand


def done(errand: Errand) -> Answer:
    """Do an errand."""
    if errand.fields is not None:
        return record_sent(errand, Form(errand.fields))
    try:
        seen = look(errand.file)
    except Refused as refused:
        return overview_page(errand, None, refused)
    if errand.path == places.OVERVIEW:
        return overview_page(errand, seen)
    kind, id_ = kind_of(errand.query.get("kind", "")), errand.query.get("id", "")
    if kind is None or (id_ and seen.record((kind, id_)) is None):
        return Answer(address=places.OVERVIEW)
    sheet = Sheetful(kind, id_, first_typed(seen, kind, id_, errand.who))
    return form_page(errand, seen, sheet)
