"""What changed between the rates of two days, and why: standings, the ledger, the rules. Pure."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from agent.indicator.dayrate import Change
from agent.kpi.reasons import sentence
from agent.kpi.ripened import verified_without_ripened
from agent.ledger.findings import findings, rate_jump
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.kpi.result import RateResult
    from agent.ledger.history import History

MOST: Final = 40
"""Changes told of one day; beyond, only how many there are."""

STANDINGS_ZH: Final = {
    "verified": "已验证",
    "unverified": "待验证",
    "contradicted": "有矛盾",
    "not_claimed": "未申报",
}
_STANDINGS_EN: Final = {"unverified": "not verified", "not_claimed": "not claimed"}


def changes(before: RateResult, after: RateResult, history: History) -> tuple[Change, ...]:
    """Tell what moved from one result to a later one; `history` is the ledger's.

    The ledger's own edits come first, then findings, then each machine's standing.
    """
    edits = tuple(_edits(before, after, history))
    found = [*edits, *_rules(before, after), *_standings(before, after)]
    was, day, edited = before.headline.verified, after.asked.last, bool(edits)
    jump = rate_jump(was, after.headline.verified, day=day, edited=edited)
    apart = verified_without_ripened(before, after)  # what only lacked days explains itself
    if jump is not None and rate_jump(was, apart, day=day, edited=edited) is not None:
        found.insert(0, Change(jump.kind.value, jump.id, jump.message))
    if len(found) <= MOST:
        return tuple(found)
    more = len(found) - MOST
    told = Message(en=f"and {more} more changes", zh=f"另有 {more} 处变化")
    return (*found[:MOST], Change("more", "", told))


def _edits(before: RateResult, after: RateResult, history: History) -> Iterator[Change]:
    """Yield the edits of the ledger after one day up to another, each with what it raises."""
    first, last = before.asked.last, after.asked.last
    fresh = [one for one in history.batches if first < one.day <= last]
    for batch in fresh:
        if batch.before is None:
            continue
        numbers = (batch.entries[0].seq, batch.entries[-1].seq)
        which = str(numbers[0]) if numbers[0] == numbers[1] else f"{numbers[0]}-{numbers[1]}"
        message = Message(
            en=f"ledger changed, entry {which}, by {batch.who}",
            zh=f"台账有修改：第 {which} 条记录，修改人 {batch.who}",
        )
        yield Change("ledger", which, message)
    known = (one for one in findings(history, method=after.method) if first < one.day <= last)
    for one in known:
        yield Change(one.kind.value, one.id, one.message)


def _rules(before: RateResult, after: RateResult) -> Iterator[Change]:
    if before.rules != after.rules:
        yield Change("rules", "", rules_changed(before.rules, after.rules))
    was, now = (f"{r.method} {r.control_set} {r.asked.period_days}" for r in (before, after))
    if was != now:
        message = Message(en=f"settings of the rate: {was} became {now}",
                          zh=f"统计口径由 {was} 改为 {now}")  # fmt: skip
        yield Change("settings", "", message)


def rules_changed(was: str, now: str) -> Message:
    """Say that the rules are of another version."""
    return Message(
        en=f"the rules went from version {was} to {now}", zh=f"判定规则由 {was} 版改为 {now} 版"
    )


def _standings(before: RateResult, after: RateResult) -> Iterator[Change]:
    """Yield every machine that came, went or stands otherwise, in the ledger's order."""
    old = {one.machine.id: one for one in before.headline_set.assessments}
    new = {one.machine.id: one for one in after.headline_set.assessments}
    for id_ in dict.fromkeys(chain(new, old)):
        was, now = old.get(id_), new.get(id_)
        if now is None:
            gone = Message(en=f"machine {id_} left the ledger", zh=f"设备 {id_} 移出台账")
            yield Change("machine_removed", id_, gone)
        elif was is None:
            why = sentence(now, after.asked)
            came = _moved(id_, "", now.standing.value, why)
            yield Change("machine_added", id_, came)
        elif was.standing is not now.standing:
            why = sentence(now, after.asked)
            moved = _moved(id_, was.standing.value, now.standing.value, why)
            yield Change("standing", id_, moved)


def _moved(id_: str, was: str, now: str, why: Message) -> Message:
    en, zh = _STANDINGS_EN.get(now, now), STANDINGS_ZH[now]
    if not was:
        return Message(en=f"machine {id_} is new: {en} ({why.en})",
                       zh=f"新增设备 {id_}：{zh}（{why.zh}）")  # fmt: skip
    return Message(
        en=f"machine {id_}: {_STANDINGS_EN.get(was, was)}, now {en} ({why.en})",
        zh=f"设备 {id_} 由“{STANDINGS_ZH[was]}”变为“{zh}”（{why.zh}）",
    )
