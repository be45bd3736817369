"""The status page: the whole document, and the part of it that is fetched again every 2 seconds.

Everything is rendered here, so the page is complete without a script; the script only exchanges
the content and says so, loudly, when the gateway does not answer any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from agent.web import assets, rate_words, words
from agent.web.devices import devices
from agent.web.figures import span
from agent.web.flow import flow
from agent.web.headline import headline
from agent.web.history import history
from agent.web.ledger import ledger
from agent.web.markup import Markup, join, tag
from agent.web.rate import rate
from agent.web.view import View

if TYPE_CHECKING:
    from agent.telemetry.status import Status
    from agent.web.ledger import Shown

REFRESH_S: Final = 2
"""How often the content is fetched again."""

_RELOAD_S: Final = "5"
_LANGUAGE_TAGS: Final = {"zh": "zh-CN", "en": "en"}
_OTHER: Final = {"zh": "en", "en": "zh"}


def document(status: Status, *, language: str, open_devices: frozenset[str]) -> str:
    """Give the whole page."""
    view = View(language, status.now_ms)
    opened = known(status, open_devices)
    body = tag(
        "body",
        _bar(status, view, opened),
        tag("p", view.say(words.STALE), id="stale", role="alert", hidden=True),
        tag("main", content(status, language=language, open_devices=opened), id="content"),
        data_language=language,
        data_open=",".join(sorted(opened)),
        data_refresh=str(REFRESH_S * 1000),
    )
    page = tag("html", _head(status, view), body, lang=_LANGUAGE_TAGS[language])
    return f"<!doctype html>\n{page}\n"


def ledger_document(status: Status, shown: Shown | None, *, language: str, edits: bool) -> str:
    """Give the page of the ledger; it changes nothing and is not fetched again by itself."""
    view = View(language, status.now_ms)
    return framed(status, ledger(shown, view, edits=edits), language=language, address="/ledger")


def framed(status: Status, inside: Markup, *, language: str, address: str) -> str:
    """Give a page that stands still, between its bar and its foot; `address` is its own."""
    view = View(language, status.now_ms)
    body = tag(
        "body",
        _bar(status, view, frozenset(), path=address),
        tag("main", inside, _foot(status, view)),
    )
    page = tag("html", _head(status, view, live=False), body, lang=_LANGUAGE_TAGS[language])
    return f"<!doctype html>\n{page}\n"


def content(status: Status, *, language: str, open_devices: frozenset[str]) -> Markup:
    """Give the part that changes, as it stands inside `main`."""
    view = View(language, status.now_ms)
    return join(
        (
            headline(status, view),
            devices(status, view, known(status, open_devices)),
            flow(status, view),
            rate(status.rate, view) if status.rate else None,
            history(status.rate, view) if status.rate else None,
            _foot(status, view),
        )
    )


def known(status: Status, ids: frozenset[str]) -> frozenset[str]:
    """Keep the ids that are devices: nothing foreign is carried on in links."""
    return ids & {device.id for device in status.devices}


def _head(status: Status, view: View, *, live: bool = True) -> Markup:
    title = f"{status.gateway_name or status.gateway} · {view.say(words.TITLE)}"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="icon", href=assets.address("icon.svg"), type="image/svg+xml"),
        tag("link", rel="stylesheet", href=assets.address("page.css")),
        tag("script", src=assets.address("page.js"), defer=True) if live else None,
        tag("noscript", tag("meta", http_equiv="refresh", content=_RELOAD_S)) if live else None,
    )


def _bar(status: Status, view: View, opened: frozenset[str], *, path: str = "/") -> Markup:
    names = " · ".join(filter(None, (status.gateway_name or status.gateway, status.enterprise)))
    query = {"lang": _OTHER[view.language]}
    if opened:
        query["open"] = ",".join(sorted(opened))
    address = f"{path}{'&' if '?' in path else '?'}{urlencode(query)}"
    other = tag("a", view.say(words.OTHER_LANGUAGE), href=address, id="language",
                hreflang=_LANGUAGE_TAGS[_OTHER[view.language]])  # fmt: skip
    there, word = ("/ledger", rate_words.LEDGER) if path == "/" else ("/", rate_words.BACK)
    beside = tag("a", view.say(word), href=there)
    return tag("header", tag("strong", view.say(words.TITLE)), tag("span", names), beside, other,
               id="top")  # fmt: skip


def _foot(status: Status, view: View) -> Markup:
    lasting = span((status.now_ms - status.started_ms) / 1000, view.language)
    clock = words.CLOCKS.get(status.clock)
    texts = (
        f"{view.say(words.TITLE)} {status.version}",
        status.gateway,
        view.say(words.RUNNING_FOR, age=lasting),
        view.say(clock) if clock else status.clock,
    )
    links = (tag("a", path, href=path) for path in ("/api/status", "/metrics", "/readyz"))
    return tag("footer", tag("p", " · ".join(filter(None, texts))), tag("p", *links))
