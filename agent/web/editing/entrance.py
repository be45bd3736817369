"""Logging in and out: the form that takes a code, and the cookie that holds the session."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from agent.ledger.printable import unseen
from agent.web.editing import gate as places
from agent.web.editing import pages, words
from agent.web.editing.door import LONGEST_NAME, Entered, Refusal
from agent.web.editing.form import over_tls
from agent.web.editing.visit import see_other

if TYPE_CHECKING:
    from agent.web.editing.form import Form
    from agent.web.editing.visit import Visit
    from agent.web.messages import Response

COOKIE: Final = "ledger"
"""Name of the cookie that holds a session's token."""
_COOKIE_MARKS: Final = "HttpOnly; SameSite=Strict; Path=/ledger"


def login_page(visit: Visit, problem: str = "", *, who: str = "",
                status: int = HTTPStatus.OK) -> Response:  # fmt: skip
    """Ask for a code and a name."""
    file = str(visit.gate.editable.file.absolute())
    inside = pages.login(visit.view, file=file, problem=problem, who=who)
    return visit.page(inside, status, address=places.LOGIN)


def log_in(visit: Visit, form: Form) -> Response:
    """Let somebody in, or say why not."""
    who, door = form.get("who").strip(), visit.gate.door
    if not who or len(who) > LONGEST_NAME or unseen(who):
        problem = visit.view.say(words.NO_NAME, most=LONGEST_NAME)
        return login_page(visit, problem, status=HTTPStatus.FORBIDDEN)
    entered = door.enter(form.get("code"), who=who, peer=visit.request.peer)
    if isinstance(entered, Entered):
        secure = "; Secure" if over_tls(visit.request) else ""
        cookie = f"{COOKIE}={entered.token}; {_COOKIE_MARKS}{secure}"
        return see_other(places.OVERVIEW, ("Set-Cookie", cookie))
    if entered is Refusal.TOO_MANY:
        wait_s = str(int(door.wait_s(visit.request.peer)) + 1)
        problem = visit.view.say(words.TOO_MANY, wait=wait_s)
        page = login_page(visit, problem, who=who, status=HTTPStatus.TOO_MANY_REQUESTS)
        return replace(page, headers=(*page.headers, ("Retry-After", wait_s)))
    return login_page(visit, visit.view.say(words.WRONG), who=who, status=HTTPStatus.FORBIDDEN)


def log_out(visit: Visit) -> Response:
    """End the session; its token opens nothing any more."""
    visit.gate.door.leave(visit.request.cookie(COOKIE))
    return see_other("/ledger", ("Set-Cookie", f"{COOKIE}=; Max-Age=0; {_COOKIE_MARKS}"))
