"""The key-process CNC rate: declared beside verified, and each machine's standing with its reason.

Fractions are shown as they are, exact, beside the percentage.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.kpi import device_key
from agent.kpi.rates import NullReason
from agent.kpi.reasons import null_sentence
from agent.kpi.region import RATE_TARGET, percent_text
from agent.web import rate_words, words
from agent.web.flow import bar
from agent.web.markup import Markup, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from agent.telemetry.status import EquipmentRate, Message, RateStatus
    from agent.web.view import View

_STANDING_TONES: Final = {
    "verified": "ok",
    "unverified": "wait",
    "contradicted": "bad",
    "not_claimed": "off",
}


def rate(status: RateStatus, view: View) -> Markup:
    """Make the section."""
    known = (words.METHODS.get(status.method), words.CONTROL_SETS.get(status.control_set))
    codes = (status.method, status.control_set)
    settings = " · ".join(view.say(w) if w else code for w, code in zip(known, codes, strict=True))
    figures = (
        (words.DECLARED, status.declared, "declared"),
        (words.VERIFIED, status.verified, "verified"),
        (words.ADJUSTED, status.adjusted, "adjusted"),
        (words.COVERAGE, status.coverage, "coverage"),
    )[: 1 if status.declared is None else None]
    cards = [_figure(*figure, status.null_reason, view) for figure in figures]
    return tag(
        "section",
        tag("h2", view.say(words.RATE), " ", tag("small", settings)),
        tag("p", _in_words(status, view), class_="summary") if status.equipment else None,
        tag("p", view.say(status.eased), class_="summary t-warn") if status.eased else None,
        tag("div", *cards[:2], _gap(status, view), *cards[2:], class_="cards rates"),
        _machines(status.equipment, view) if status.equipment else None,
        tag("p", view.say(rate_words.KEY, key=fingerprint(status.key)), class_="small")
        if status.key
        else None,
        id="rate",
    )


def fingerprint(key: str) -> str:
    """Give the first 16 digits of a public key's fingerprint, in groups of four."""
    digits = device_key.fingerprint(key)[:16]
    return " ".join(digits[at : at + 4] for at in range(0, 16, 4))


def _in_words(status: RateStatus, view: View) -> str:
    """Say in one sentence how many of the declared machines stand how."""
    declared = [one.status for one in status.equipment if one.status != "not_claimed"]
    counts = {name: declared.count(name) for name in ("verified", "unverified", "contradicted")}
    return view.say(rate_words.IN_WORDS, declared=len(declared), **counts)


def _gap(status: RateStatus, view: View) -> Markup | None:
    """Show by how much the verified rate lies below the declared one."""
    if status.declared is None or status.verified is None:
        return None
    gap = Fraction(*status.declared) - Fraction(*status.verified)
    return tag(
        "article",
        tag("h3", view.say(rate_words.GAP)),
        tag("p", tag("b", percent_text(gap)), " ", view.say(rate_words.POINTS), class_="figure"),
        tag("p", view.say(rate_words.GAP_MEANS), class_="small"),
        class_="card",
    )


def _figure(
    word: Message, fraction: tuple[int, int] | None, name: str, null_reason: str, view: View
) -> Markup:
    head = tag("h3", view.say(word))
    if fraction is None:
        why = _null_text(null_reason, view)
        return tag("article", head, tag("p", view.say(words.NO_RATE), class_="figure"),
                   tag("p", why, class_="small") if why else None, class_="card")  # fmt: skip
    mark = None if name == "coverage" else RATE_TARGET.percent
    note = view.say(words.TARGET, percent=RATE_TARGET.percent) if mark is not None else ""
    return tag(
        "article",
        head,
        tag("p", tag("b", f"{percent_text(Fraction(*fraction))} %"), " ",
            tag("span", f"{fraction[0]}/{fraction[1]}", class_="fraction"), class_="figure"),
        bar(*fraction, name=name, mark=mark),
        tag("p", note, class_="small target") if note else None,
        class_="card",
    )  # fmt: skip


def _null_text(reason: str, view: View) -> str:
    """Say why there is no rate; a code this page does not know is shown as it is."""
    if reason not in set(NullReason):
        return reason
    return view.say(null_sentence(NullReason(reason)))


def _machines(equipment: tuple[EquipmentRate, ...], view: View) -> Markup:
    titles = (words.MACHINE, words.STANDING)
    head = tag("tr", *(tag("th", view.say(title), scope="col") for title in titles))
    return tag("table", tag("thead", head), tag("tbody", *(_machine(m, view) for m in equipment)),
               class_="machines")  # fmt: skip


def _machine(machine: EquipmentRate, view: View) -> Markup:
    tone = _STANDING_TONES.get(machine.status, "wait")
    standing = words.STANDINGS.get(machine.status)
    word = view.say(standing) if standing else machine.status
    about = " · ".join(filter(None, (machine.control_type, machine.level, machine.device)))
    others = [code for code in machine.findings if code != machine.reason]
    return tag(
        "tr",
        tag("td", tag("b", f"{machine.id} {machine.name}".strip()), tag("small", about),
            _last_seen(machine, view)),
        tag("td", tag("span", icon(tone), word, class_=f"quality t-{tone}"),
            tag("small", view.say(machine.message)),
            tag("small", _found(others, view), class_="t-warn") if others else None),
    )  # fmt: skip


def _last_seen(machine: EquipmentRate, view: View) -> Markup | None:
    """Say when data last came from a machine that has a device, and on how many days."""
    seen = machine.coverage
    if not seen:
        return None
    if seen.get("last_ms") is None:
        return tag("small", view.say(rate_words.NEVER_SEEN))
    days = view.say(rate_words.DAYS_SEEN, days=seen["days"], of=seen["scheduled_days"])
    return tag("small", view.say(rate_words.LAST_SEEN), " ", view.since(seen["last_ms"]),
               " · ", days)  # fmt: skip


def _found(codes: list[str], view: View) -> str:
    """Name what else speaks against a machine; a code this page does not know is shown as it is."""
    known = ((rate_words.FINDINGS.get(code), code) for code in codes)
    names = (view.say(word) if word else code for word, code in known)
    return view.say(rate_words.ALSO) + view.say(words.LIST_COMMA).join(names)
