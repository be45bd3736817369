"""Answers everything that edits the ledger: login, list, form, change to be confirmed, saving.

Guarantees: without a session nothing of the file is shown here and nothing can be changed; a form
must come from our own page and bear its session's secret; files are read and written outside the
loop, one request after another: whatever many tabs ask for, one page is made at a time.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from agent.config.apart import ReaderError
from agent.web.editing import gate as places
from agent.web.editing import words
from agent.web.editing.door import same
from agent.web.editing.entrance import COOKIE, log_in, log_out, login_page
from agent.web.editing.errand import Errand, run
from agent.web.editing.form import form_of
from agent.web.editing.visit import Visit, see_other, told
from agent.web.language import choose
from agent.web.markup import Markup
from agent.web.messages import Response, plain
from agent.web.view import View

if TYPE_CHECKING:
    from agent.web.editing.door import Session
    from agent.web.editing.form import Form
    from agent.web.editing.gate import Gate
    from agent.web.messages import Request

RENEW_S: Final = 15.0
"""So long a saved change is waited for to be in force."""
_ALLOWED: Final = {places.LOGOUT: "POST", places.OVERVIEW: "GET, HEAD"}
"""Address -> methods, where they are not both."""


async def answer(request: Request, gate: Gate) -> Response:
    """Give the response to a request for one of the addresses of editing."""
    status = gate.editable.status()
    view = View(choose(request, status.language), status.now_ms)
    session = gate.door.session(request.cookie(COOKIE))
    visit = Visit(request, gate, status, view, session)
    if request.method in {"GET", "HEAD"} and request.path != places.LOGOUT:
        return await _get(visit)
    if not gate.takes(request):
        allow = _ALLOWED.get(request.path, "GET, HEAD, POST")
        return plain(HTTPStatus.METHOD_NOT_ALLOWED, f"only {allow} / 仅支持 {allow}",
                     ("Allow", allow))  # fmt: skip
    form = form_of(request)
    if isinstance(form, Response):
        return form
    return log_in(visit, form) if request.path == places.LOGIN else await _sent(visit, form)


async def _sent(visit: Visit, form: Form) -> Response:
    """Go on with a form that only somebody logged in may send."""
    if visit.session is None:
        return told(visit, words.ENDED, places.LOGIN)
    if not same(form.get("csrf"), visit.session.csrf):
        return told(visit, words.FORGED, places.OVERVIEW)
    if visit.request.path == places.LOGOUT:
        return log_out(visit)
    return await _done(visit, visit.session, form)


async def _get(visit: Visit) -> Response:
    if visit.request.path == places.LOGIN:
        return login_page(visit) if visit.session is None else see_other(places.OVERVIEW)
    if visit.session is None:
        return see_other(places.LOGIN)
    return await _done(visit, visit.session)


async def _done(visit: Visit, session: Session, form: Form | None = None) -> Response:
    """Have done with the file what is asked, and what was saved put in force."""
    editable, process = visit.gate.editable, visit.status.process
    errand = Errand(
        editable.file, editable.config().store.path, visit.view, session.who, session.csrf,
        visit.request.path, visit.request.query, None if form is None else form.fields,
        process.problems if process is not None else (),
    )  # fmt: skip
    try:
        async with visit.gate.turn:
            answer = await asyncio.to_thread(run, errand)
    except ReaderError as error:
        return told(visit, error.message, places.OVERVIEW, status=HTTPStatus.SERVICE_UNAVAILABLE)
    if answer.saved:
        return see_other(f"{answer.address}?done={await _in_force(visit.gate)}")
    if not answer.inside:
        return see_other(answer.address)
    return visit.page(Markup(answer.inside), answer.status, address=answer.address)


async def _in_force(gate: Gate) -> str:
    """Have the running agent take the file over; tells whether it has."""
    try:
        async with asyncio.timeout(RENEW_S):
            remarks = await gate.editable.renew()
    except TimeoutError:
        return "later"
    return "later" if remarks else "force"
