"""What an assessor will ask about an edit of the ledger: named findings with their sentences.

A finding is no verdict: a process may rightly end, a machine may rightly go. It says what was seen
in exact figures. The rate meant here is `mean` over the strict set unless told otherwise. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from agent.config.ledger import ControlSet, RateMethod
from agent.kpi.ledger import DISCRETE_NC, PROCESS_NC
from agent.kpi.rates import FORMULAS, NullReason, machines_able
from agent.kpi.region import percent_text
from agent.ledger.unaided import added_controlled, effective_days, unaided
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from agent.config.ledger import Equipment, Process
    from agent.kpi.rates import Figure
    from agent.ledger.history import Batch, History
    from agent.ledger.records import Declared

JUMP = Fraction(20, 100)
"""A rate that moves by more than this without an edit of the ledger is told."""
_COUNTED = DISCRETE_NC | PROCESS_NC


class FindingKind(StrEnum):
    """Code of a finding; stable, never renamed."""

    KEY_PROCESS_REMOVED = "key_process_removed"
    RATE_RAISED_WITHOUT_MACHINE = "rate_raised_without_machine"
    CONTROL_WITHOUT_DOCUMENT = "control_without_document"
    MACHINE_RENUMBERED = "machine_renumbered"
    RATE_JUMP = "rate_jump"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to be asked about."""

    kind: FindingKind
    id: str
    """Process or machine it is about; empty where it is about the whole."""
    day: date
    message: Message


def findings(history: History, *, method: RateMethod = RateMethod.MEAN) -> tuple[Finding, ...]:
    """Look through every edit of a history, oldest first."""
    found: list[Finding] = []
    seen: dict[str, Equipment] = {}
    for batch in history.batches:
        found.extend(batch_findings(batch, seen.values(), method=method))
        if batch.after is not None:
            seen |= {one.id: one for one in batch.after.equipment}
    return tuple(found)


def batch_findings(
    batch: Batch, ever: Iterable[Equipment] = (), *, method: RateMethod = RateMethod.MEAN
) -> tuple[Finding, ...]:
    """Look at one edit; `ever` holds every machine of the ledger's past."""
    if batch.before is None or batch.after is None:
        return ()
    return edit_findings(batch.before, batch.after, day=batch.day, ever=ever, method=method)


def edit_findings(
    before: Declared,
    after: Declared,
    *,
    day: date,
    ever: Iterable[Equipment] = (),
    method: RateMethod = RateMethod.MEAN,
) -> tuple[Finding, ...]:
    """Look at the difference between two ledgers as of the day of the edit."""
    removed = tuple(_removed_processes(before, after, day, method))
    return (
        *removed,
        *_raised(before, after, day, method),
        *_undocumented((*ever, *before.equipment), after, day),
        *_renumbered(before, after, ever, day),
    )


def rate_jump(before: Figure, after: Figure, *, day: date, edited: bool) -> Finding | None:
    """Tell a rate that moved by more than 20 points while nobody edited the ledger."""
    if edited or isinstance(before, NullReason) or isinstance(after, NullReason):
        return None
    if abs(after - before) <= JUMP:
        return None
    was, is_ = percent_text(before), percent_text(after)
    message = Message(
        en=f"the rate went from {was} % to {is_} % without any edit of the ledger",
        zh=f"台账未作修改，数控化率由 {was}% 变为 {is_}%",
    )
    return Finding(FindingKind.RATE_JUMP, "", day, message)


def declared_rate(
    declared: Declared,
    day: date,
    *,
    method: RateMethod = RateMethod.MEAN,
    control_set: ControlSet = ControlSet.STRICT,
) -> Figure:
    """Compute the declared rate of a ledger as of a day."""
    return FORMULAS[method](declared.ledger().covered(day, control_set))


def _removed_processes(
    before: Declared, after: Declared, day: date, method: RateMethod
) -> Iterator[Finding]:
    new = {one.id: one for one in after.processes}
    for process in before.ledger().key_processes(day):
        left = _leaves(process, new.get(process.id), day)
        if left is None:
            continue
        how, effective = left
        change = _change(before, after, day, effective, method)
        name = f"{process.id} {process.name}".strip()
        message = Message(
            en=f"key process {name} was taken out of the ledger ({how.en}); "
            f"{change.en}, without a new machine",
            zh=f"关键工序 {name} 被移出台账（{how.zh}）；{change.zh}，并未新增数控设备",
        )
        if added_controlled(before, after, effective):
            message = Message(
                en=f"key process {name} was taken out of the ledger ({how.en}); {change.en}",
                zh=f"关键工序 {name} 被移出台账（{how.zh}）；{change.zh}",
            )
        yield Finding(FindingKind.KEY_PROCESS_REMOVED, process.id, day, message)


def _leaves(old: Process, new: Process | None, day: date) -> tuple[Message, date] | None:
    """Give how a key process leaves the count, and the first day it no longer counts."""
    if new is None:
        return Message(en="deleted", zh="删除"), day
    if not new.key:
        return Message(en="no longer key", zh="改为非关键工序"), day
    if new.outsourced:
        return Message(en="outsourced", zh="改为外协"), day
    if new.valid_to is not None and (old.valid_to is None or new.valid_to < old.valid_to):
        last = new.valid_to
        return Message(en=f"ends {last}", zh=f"{last} 止"), max(day, last + timedelta(days=1))
    if new.valid_from is not None and new.valid_from > day:
        return Message(en=f"begins {new.valid_from}", zh=f"改为自 {new.valid_from} 起"), day
    return None


def _raised(before: Declared, after: Declared, day: date, method: RateMethod) -> Iterator[Finding]:
    """Find a rate that rises by what was left out, whatever was added beside it."""
    for effective in effective_days(before, after, day):
        rest = unaided(before, after, effective)
        old, alone = (declared_rate(one, effective, method=method) for one in (before, rest))
        if isinstance(old, NullReason) or isinstance(alone, NullReason) or alone <= old:
            continue
        message = _said_raised(before, after, rest, effective, method)
        if effective > day:
            message = Message(en=f"from {effective} on {message.en}",
                              zh=f"自 {effective} 起，{message.zh}")  # fmt: skip
        yield Finding(FindingKind.RATE_RAISED_WITHOUT_MACHINE, "", day, message)
        return


def _said_raised(
    before: Declared, after: Declared, rest: Declared, day: date, method: RateMethod
) -> Message:
    able = [machines_able(one.ledger().covered(day, ControlSet.STRICT)) for one in (before, rest)]
    gone = ", ".join(sorted(able[0] - able[1]))
    en, zh = f"; no longer counted: {gone}" if gone else "", f"；不再计入：{gone}" if gone else ""
    change = _change(before, after, day, day, method)
    if rest == after:
        return Message(
            en=f"{change.en} and no numerically controlled machine was added{en}",
            zh=f"{change.zh}，但并未新增数控设备{zh}",
        )
    alone = _change(before, rest, day, day, method)
    return Message(
        en=f"{change.en}; without what else the edit does, and without the machines it adds, "
        f"{alone.en}{en}",
        zh=f"{change.zh}；不计本次新增的数控设备和其他修改，{alone.zh}{zh}",
    )


def _change(
    before: Declared, after: Declared, day: date, effective: date, method: RateMethod
) -> Message:
    """Say from what to what the rate went."""
    old = _text(declared_rate(before, day, method=method))
    new = _text(declared_rate(after, effective, method=method))
    return Message(
        en=f"the declared rate went from {old.en} to {new.en}",
        zh=f"申报数控化率由 {old.zh} 变为 {new.zh}",
    )


def _text(figure: Figure) -> Message:
    if isinstance(figure, NullReason):
        return Message(en="none", zh="无")
    return Message(en=f"{percent_text(figure)} %", zh=f"{percent_text(figure)}%")


def _undocumented(known: Iterable[Equipment], after: Declared, day: date) -> Iterator[Finding]:
    """Find machines whose control became numerical on paper that nobody added.

    A machine that was deleted before and comes back is the same one.
    """
    old = {one.id: one for one in known}
    for machine in after.equipment:
        was = old.get(machine.id)
        if was is None or was.control_type in _COUNTED or machine.control_type not in _COUNTED:
            continue
        added = set(machine.documents) - set(was.documents)
        if any(one.number or one.sha256 for one in added):
            continue  # a document that names nothing proves nothing
        message = Message(
            en=f"machine {machine.id}: control type {was.control_type} became "
            f"{machine.control_type} and no document was added (photo, invoice, asset number)",
            zh=f"设备 {machine.id} 的控制方式由 {was.control_type} 改为 {machine.control_type}，"
            "但没有补充证明资料（照片、发票、固定资产编号）",
        )
        yield Finding(FindingKind.CONTROL_WITHOUT_DOCUMENT, machine.id, day, message)


def _renumbered(
    before: Declared, after: Declared, ever: Iterable[Equipment], day: date
) -> Iterator[Finding]:
    """Find new numbers for machines that were in the ledger, by maker, model and serial number."""
    current = {one.id: one for one in after.equipment}
    known = {one.id: one for one in (*ever, *before.equipment)}
    gone = {
        _plate(one): one.id
        for one in known.values()
        if one.serial and (one.id not in current or current[one.id].in_service_to is not None)
    }
    for machine in after.equipment:
        if machine.id in known or not machine.serial:
            continue
        earlier = gone.get(_plate(machine))
        if earlier is None or earlier == machine.id:
            continue
        message = Message(
            en=f"machine {machine.id} bears the serial number {machine.serial} of {earlier}, "
            "which was retired or deleted: the same machine under another number",
            zh=f"设备 {machine.id} 的出厂编号 {machine.serial} 与已停用或删除的 {earlier} 相同："
            "同一台设备换了编号",
        )
        yield Finding(FindingKind.MACHINE_RENUMBERED, machine.id, day, message)


def _plate(machine: Equipment) -> tuple[str, str, str]:
    """Give what a nameplate says, whatever its capitals and blanks."""
    maker, model, serial = (
        "".join(text.split()).upper() for text in (machine.maker, machine.model, machine.serial)
    )
    return maker, model, serial
