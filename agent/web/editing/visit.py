"""One request to a page of editing: who makes it, and the frame of its answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from agent.web.editing import gate as places
from agent.web.editing import pages, words
from agent.web.language import remembered
from agent.web.messages import Response
from agent.web.page import framed

if TYPE_CHECKING:
    from agent.telemetry.status import Message, Status
    from agent.web.editing.door import Session
    from agent.web.editing.gate import Gate
    from agent.web.markup import Markup
    from agent.web.messages import Request
    from agent.web.view import View


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, who makes it, and how it is answered."""

    request: Request
    gate: Gate
    status: Status
    view: View
    session: Session | None

    def page(self, inside: Markup, status: int = HTTPStatus.OK, *, address: str) -> Response:
        """Give a page."""
        text = framed(self.status, inside, language=self.view.language, address=address)
        return Response(text.encode(), status=status, headers=remembered(self.request), forms=True)


def told(visit: Visit, text: Message, way: str, *, status: int = HTTPStatus.FORBIDDEN) -> Response:
    """Refuse with one sentence, and the way to go on."""
    to = words.GO_LOGIN if way == places.LOGIN else words.TO_LIST
    inside = pages.message(text, visit.view, way=way, to=to)
    return visit.page(inside, status, address=way)


def see_other(address: str, *headers: tuple[str, str]) -> Response:
    """Send the browser on, so that loading again sends no form again."""
    return Response(b"", status=HTTPStatus.SEE_OTHER, headers=(("Location", address), *headers))
