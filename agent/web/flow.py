"""Where the data are: on this gateway, at the platform, and whether the account is balanced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.losses.causes import title_of
from agent.web import words
from agent.web.figures import megabytes, number
from agent.web.losses import losses
from agent.web.markup import Markup, join, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from agent.telemetry.status import Count, DestinationStatus, Status, StoreStatus
    from agent.web.view import View

_BAR_WIDTH: Final = 100
_PARTS: Final = ("acked", "rejected", "dropped", "waiting")


def flow(status: Status, view: View) -> Markup:
    """Make the section: store, destinations, and the law with its numbers."""
    boxes = (_store(status.store, view), *(_destination(d, view) for d in status.destinations))
    return tag(
        "section",
        tag("h2", view.say(words.FLOW)),
        tag("div", *boxes, class_="cards"),
        _law(status.store, view),
        tag("div", tag("h3", view.say(words.MISSING)), losses(status.store.losses, view),
            class_="law"),
        id="store",
    )  # fmt: skip


def bar(numerator: int, denominator: int, *, name: str, mark: int | None = None) -> Markup:
    """Draw a share of a whole as a bar, with a mark at a percentage if one is given."""
    share = _BAR_WIDTH * numerator / denominator if denominator else 0.0
    width = f"{min(_BAR_WIDTH, share):.2f}"
    line = tag("rect", x=str(mark), y="0", width="0.8", height="8", class_="mark")
    return tag(
        "svg",
        tag("rect", width=str(_BAR_WIDTH), height="8", class_="rail"),
        tag("rect", width=width, height="8", class_="fill"),
        line if mark is not None else None,
        viewBox=f"0 0 {_BAR_WIDTH} 8", preserveAspectRatio="none", class_=f"bar b-{name}",
        aria_hidden="true",
    )  # fmt: skip


def _store(store: StoreStatus, view: View) -> Markup:
    tone = "bad" if store.problem or not store.balanced else "ok"
    waits = store.waiting.rows
    line = view.say(words.WAITING, rows=number(waits)) if waits else view.say(words.NOTHING_WAITS)
    room = view.say(
        words.ROOM, used=megabytes(store.waiting_bytes), limit=megabytes(store.limit_bytes)
    )
    return tag(
        "article",
        tag("header", tag("h3", view.say(words.STORE)), tag("span", icon(tone), class_="sign")),
        tag("p", tag("b", line), class_="figure"),
        tag("p", _oldest(store.oldest_ms, view)) if store.oldest_ms is not None else None,
        tag("p", view.say(store.problem), class_="problem") if store.problem else None,
        tag("p", view.say(store.notice), class_="problem") if store.notice else None,
        bar(store.waiting_bytes, store.limit_bytes, name="store"),
        tag("p", room, class_="small"),
        tag("p", view.say(words.INTAKE, n=number(store.intake_frames)), class_="small"),
        class_=f"card tone-{tone}",
    )


def _oldest(oldest_ms: int, view: View) -> Markup:
    before, after = view.say(words.OLDEST).split("{age}")
    return join((before, view.since(oldest_ms), after))


def _destination(destination: DestinationStatus, view: View) -> Markup:
    tone = "ok" if destination.connected else "warn"
    title = view.say(words.PLATFORM)
    if destination.rows is not None:
        title += view.say(words.COLON) + destination.name
        tone = tone if destination.rows.balanced else "bad"
    word = view.say(words.CONNECTED if destination.connected else words.DISCONNECTED)
    lasting = view.say(words.SINCE, age=view.span_since(destination.since_ms))
    messages = view.say(
        words.MESSAGES,
        sent=number(destination.sent_messages),
        acked=number(destination.acked_messages),
        flight=number(destination.in_flight),
    )
    problem = destination.problem or (None if destination.connected else words.PLATFORM_DO)
    return tag(
        "article",
        tag("header", tag("h3", title), tag("span", icon(tone), class_="sign")),
        tag("p", tag("b", word), " ", lasting, class_="figure"),
        tag("p", view.say(problem), class_="problem") if problem else None,
        tag("p", messages),
        tag("p", view.say(words.UNCONFIRMED, rows=number(destination.unconfirmed)))
        if destination.unconfirmed else None,
        *_own_rows(destination, view),
        tag("p", f"{destination.name} · {destination.url} · {destination.protocol}",
            class_="small"),
        class_=f"card tone-{tone}",
    )  # fmt: skip


def _own_rows(destination: DestinationStatus, view: View) -> list[Markup]:
    """Say what became of the rows for one of several destinations; nothing where there is one."""
    rows = destination.rows
    if rows is None:
        return []
    waits = rows.waiting.rows
    line = view.say(words.WAITING, rows=number(waits)) if waits else view.say(words.NOTHING_WAITS)
    figures = {n: number(getattr(rows, n).rows) for n in ("stored", *_PARTS)}
    tone, verdict = ("ok", words.BALANCED) if rows.balanced else ("bad", words.NOT_BALANCED)
    found = [
        tag("p", line),
        tag("p", view.say(words.SUM_OF_ROWS, **figures), class_="small"),
        tag("p", icon(tone), view.say(verdict), class_=f"verdict t-{tone}"),
    ]
    if rows.dropped.rows:
        found.append(tag("p", _dropped(rows, view), class_="small"))
    if destination.policy == "best_effort":
        found.append(tag("p", view.say(words.BEST_EFFORT), class_="small"))
    return found


def _law(store: StoreStatus, view: View) -> Markup:
    """Write the conservation law out in rows and in values, with a tick or a cross."""
    parts = (
        (words.STORED, store.stored), (words.ACKED, store.acked),
        (words.REJECTED, store.rejected), (words.DROPPED, store.dropped),
        (words.WAITS, store.waiting),
    )  # fmt: skip
    signs = ("", "=", "+", "+", "+")
    lost = (words.REJECTED, words.DROPPED)
    cells = (_term(sign, view.say(word), count, view, warn=word in lost and count.rows > 0)
             for sign, (word, count) in zip(signs, parts, strict=True))  # fmt: skip
    verdict = words.BALANCED if store.balanced else words.NOT_BALANCED
    tone = "ok" if store.balanced else "bad"
    return tag(
        "div",
        tag("h3", view.say(words.LAW)),
        tag("div", *cells, class_="terms"),
        tag("p", icon(tone), view.say(verdict), class_=f"verdict t-{tone}"),
        tag("p", _produced(store, view), class_="small"),
        tag("p", _dropped(store, view), class_="small") if store.dropped.rows else None,
        tag("p", view.say(words.LOSSES), class_="small") if _losses(store) else None,
        class_="law",
    )


def _produced(store: StoreStatus, view: View) -> str:
    """Say what came in to be stored, with what is on its way."""
    if store.produced_values is None:
        return ""
    produced = number(store.produced_values)
    return view.say(words.ON_THEIR_WAY, produced=produced, n=number(store.intake_values))


def _dropped(store: StoreStatus, view: View) -> str:
    """Say why rows were dropped."""
    parts = (
        view.say(words.CAUSE_OF_DROP, cause=view.say(title_of(cause)), rows=number(count.rows))
        for cause, count in store.causes.items()
    )
    return view.say(words.LIST_COMMA).join(parts)


def _losses(store: StoreStatus) -> bool:
    return store.rejected.rows > 0 or store.dropped.rows > 0


def _term(sign: str, word: str, count: Count, view: View, *, warn: bool) -> Markup:
    return tag(
        "div",
        tag("span", sign, class_="operator") if sign else None,
        tag("div",
            tag("span", word, class_="small"),
            tag("b", number(count.rows), " ", tag("small", view.say(words.ROWS))),
            tag("span", number(count.values), " ", view.say(words.VALUES), class_="small")),
        class_="term t-warn" if warn else "term",
    )  # fmt: skip
