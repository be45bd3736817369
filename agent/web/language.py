"""Which language a person gets: by the address, the cookie, the browser, the gateway; in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.web.messages import Request

LANGUAGES: Final = ("zh", "en")


def choose(request: Request, default: str) -> str:
    """Give `zh` or `en` for a request; `default` is the gateway's own language."""
    for wish in (request.query.get("lang", ""), request.cookie("lang")):
        if wish in LANGUAGES:
            return wish
    return _accepted(request.headers.get("accept-language", "")) or default


def remembered(request: Request) -> tuple[tuple[str, str], ...]:
    """Give the headers that keep a language chosen by hand."""
    vary = ("Vary", "Accept-Language, Cookie")
    language = request.query.get("lang", "")
    if language not in LANGUAGES:
        return (vary,)
    return (vary, ("Set-Cookie", f"lang={language}; Path=/; Max-Age=31536000; SameSite=Lax"))


def _accepted(header: str) -> str:
    """Give the best-weighted of our languages in an Accept-Language header, empty without one."""
    best, best_weight = "", 0.0
    for part in header.split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
