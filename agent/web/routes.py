"""Which path answers with what; rendering is elsewhere.

Every route is a pure function of the request and a snapshot. GET and HEAD only: nothing that is
served here changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from agent.web import api, assets, page
from agent.web.language import choose, remembered
from agent.web.ledger import seen
from agent.web.messages import Request, Response, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.config.model import AgentConfig
    from agent.telemetry.status import Status

_JSON: Final = "application/json"
_METHODS: Final = ("GET", "HEAD")


@dataclass(slots=True)
class Source:
    """Where the answers come from."""

    status: Callable[[], Status]
    stalled: Callable[[], Sequence[str]]
    config: Callable[[], AgentConfig] | None = None
    """Gives the configuration in force, for the ledger; None where there is none."""
    edits: bool = False
    """Whether the ledger can be edited here."""


def answer(request: Request, source: Source) -> Response:
    """Give the response to a request; 404 with the list of paths, 405 with the methods."""
    route = ROUTES.get(request.path)
    if route is None:
        return plain(HTTPStatus.NOT_FOUND, "not found / 没有这个页面: " + " ".join(ROUTES))
    if request.method not in _METHODS:
        allow = ", ".join(_METHODS)
        text = f"only {allow} are served / 仅支持 {allow}"
        return plain(HTTPStatus.METHOD_NOT_ALLOWED, text, ("Allow", allow))
    return route(request, source)


def _page(request: Request, source: Source) -> Response:
    status = source.status()
    language = choose(request, status.language)
    body = page.document(status, language=language, open_devices=_open_devices(request))
    return Response(body.encode(), headers=remembered(request))


def _fragment(request: Request, source: Source) -> Response:
    status = source.status()
    language = choose(request, status.language)
    body = page.content(status, language=language, open_devices=_open_devices(request))
    return Response(body.encode())


def _ledger(request: Request, source: Source) -> Response:
    status = source.status()
    language = choose(request, status.language)
    shown = None if source.config is None else seen(source.config())
    body = page.ledger_document(status, shown, language=language, edits=source.edits)
    return Response(body.encode(), headers=remembered(request))


def _open_devices(request: Request) -> frozenset[str]:
    return frozenset(filter(None, request.query.get("open", "").split(",")))


def _status(_: Request, source: Source) -> Response:
    return Response(api.status_json(source.status()), _JSON)


def _rate(_: Request, source: Source) -> Response:
    return Response(api.rate_json(source.status().rate), _JSON)


def _oee(_: Request, source: Source) -> Response:
    return Response(api.oee_json(source.status()), _JSON)


def _health(_: Request, source: Source) -> Response:
    return _verdict(*api.health_json(source.stalled()))


def _ready(_: Request, source: Source) -> Response:
    return _verdict(*api.ready_json(source.status()))


def _verdict(well: bool, body: bytes) -> Response:  # noqa: FBT001 - the pair api gives, unpacked
    return Response(body, _JSON, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)


def _metrics(request: Request, source: Source) -> Response:
    # prometheus-client costs 5 MB; a gateway that nobody scrapes does not pay for it
    from agent.telemetry.metrics import Metrics, exposition

    body, content_type = exposition(Metrics(source.status), request.headers.get("accept", ""))
    return Response(body, content_type)


def _asset(request: Request, _: Source) -> Response:
    body, content_type = assets.read(request.path)
    return Response(body, content_type, cache="public, max-age=31536000, immutable")


ROUTES: Final[Mapping[str, Callable[[Request, Source], Response]]] = {
    "/": _page,
    "/fragment": _fragment,
    "/ledger": _ledger,
    "/api/status": _status,
    "/api/rate": _rate,
    "/api/oee": _oee,
    "/metrics": _metrics,
    "/healthz": _health,
    "/readyz": _ready,
    **dict.fromkeys(assets.PATHS, _asset),
}
"""Path as sent -> what answers it."""
