"""The key-process CNC rate: declared beside verified, and each machine's standing with its reason.

Fractions are shown as they are, exact, beside the percentage.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.kpi.rates import NullReason
from agent.kpi.reasons import null_sentence
from agent.kpi.region import RATE_TARGET, percent_text
from agent.web import words
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
    return tag(
        "section",
        tag("h2", view.say(words.RATE), " ", tag("small", settings)),
        tag("div", *(_figure(*f, status.null_reason, view) for f in figures), class_="cards rates"),
        _machines(status.equipment, view) if status.equipment else None,
        id="rate",
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
    return tag(
        "tr",
        tag("td", tag("b", f"{machine.id} {machine.name}".strip()), tag("small", about)),
        tag("td", tag("span", icon(tone), word, class_=f"quality t-{tone}"),
            tag("small", view.say(machine.message))),
    )  # fmt: skip
