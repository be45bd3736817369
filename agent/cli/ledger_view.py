"""How `chulian ledger show` looks to a person, and its JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent.cli.ledger_facts import fact_rows, facts
from agent.cli.output import table_lines
from agent.config.ledger import within
from agent.kpi.rates import NullReason
from agent.kpi.region import percent_text
from agent.ledger.findings import declared_rate
from agent.ledger.records import document_of
from agent.ledger.sheets import CONTROL_TYPES
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from datetime import date

    from agent.config.ledger import Equipment, Rate
    from agent.ledger.history import History
    from agent.ledger.records import Declared

_UNKNOWN = "—"


@dataclass(frozen=True, slots=True)
class View:
    """One ledger as of one day."""

    declared: Declared
    as_of: date
    rate: Rate
    origin: str = "file"
    """`file`: as the configuration file has it now; `history`: as it was declared on the day."""
    unknown: bool = False
    """Whether what was declared on the day was asked for, and nobody wrote it down."""

    def of_history(self, history: History) -> View:
        """Give the same with what was declared on the day, where the history knows it."""
        known = history.as_of(self.as_of)
        if known is None:
            return replace(self, unknown=True)
        return replace(self, declared=known, origin="history")


_ORIGINS = {
    "file": Message(en="as the configuration file has it now", zh="按当前配置文件"),
    "history": Message(en="as it was declared on that day", zh="按当日的申报记录"),
}
_TOO_EARLY = Message(
    en="; nobody wrote down what was declared on that day",
    zh="；当日的申报情况没有记录",
)


def lines(view: View, *, lang: str) -> list[str]:
    """Give the whole ledger as lines of text."""
    enterprise = view.declared.enterprise
    title = Message(en="Ledger", zh="台账").text(lang)
    origin = _ORIGINS[view.origin].text(lang)
    if view.unknown:
        origin += _TOO_EARLY.text(lang)
    found = declared_rate(view.declared, view.as_of, method=view.rate.method,
                          control_set=view.rate.control_set)  # fmt: skip
    shown = _UNKNOWN
    if not isinstance(found, NullReason):
        shown = f"{percent_text(found)}% ({found.numerator}/{found.denominator})"
    rate = Message(en="declared rate", zh="申报数控化率").text(lang)
    method = f"{view.rate.method.value}, {view.rate.control_set.value}"
    return [
        f"{title}  {enterprise.name or enterprise.id}  {view.as_of}  ({origin})",
        *(f"  {line}" for line in table_lines(fact_rows(enterprise, view.as_of, lang=lang))),
        f"  {rate}  {shown}  [{method}]",
        "",
        *_process_lines(view, lang),
        "",
        *_machine_lines(view, lang),
    ]


def _process_lines(view: View, lang: str) -> list[str]:
    ledger = view.declared.ledger()
    key = {one.id for one in ledger.key_processes(view.as_of)}
    covered = {one.id: one for one in ledger.covered(view.as_of, view.rate.control_set)}
    heads = Message(en="process|counts|machines|NC|signed|document",
                    zh="工序|计入|设备|数控|签字|工艺文件")  # fmt: skip
    rows = [heads.text(lang).split("|")]
    for one in view.declared.processes:
        why = _why_not(one.key, one.outsourced, lang)
        counts = _yes(lang) if one.id in key else why
        able, controlled = ("", "")
        if one.id in covered:
            able, controlled = map(
                str, (len(covered[one.id].able), len(covered[one.id].controlled))
            )
        signed = " ".join(part for part in (one.declared_by, _iso(one.declared_on)) if part)
        label = f"{one.id} {one.name}".strip()
        rows.append([label, counts, able, controlled, signed, one.document])
    return table_lines(rows)


def _machine_lines(view: View, lang: str) -> list[str]:
    heads = Message(
        en="machine|model|serial|control system|control|processes|in service|papers|seen",
        zh="设备|型号|出厂编号|数控系统|控制方式|工序|在役|资料|核验",
    )
    rows = [heads.text(lang).split("|")]
    rows += [_machine_row(one, view.as_of, lang) for one in view.declared.equipment]
    filled = [column for column in zip(*rows, strict=True) if any(column[1:])]
    return table_lines(list(zip(*filled, strict=True)))


def _machine_row(one: Equipment, day: date, lang: str) -> list[str]:
    control = CONTROL_TYPES[one.control_type] if lang == "zh" else one.control_type.value
    runs = [*one.processes, *(f"{x.process}*" for x in one.links if one.can_run(x.process, day))]
    works = ",".join(runs)
    if one.part_of is not None:
        works = Message(en=f"part of {one.part_of}", zh=f"属于 {one.part_of}").text(lang)
    service = _yes(lang) if within(day, one.in_service_from, one.in_service_to) else _no(lang)
    label = f"{one.id} {one.name}".strip()
    papers, seen = (str(len(x)) if x else "" for x in (one.documents, one.witnessed))
    return [label, one.model, one.serial, one.controller, control, works, service, papers, seen]


def _why_not(key: bool, outsourced: str, lang: str) -> str:  # noqa: FBT001 - a field of the process
    if not key:
        return Message(en="not key", zh="非关键").text(lang)
    if outsourced:
        return Message(en="outsourced", zh="外协").text(lang)
    return _no(lang)


def document(view: View) -> dict[str, Any]:
    """Give the view for programs."""
    found = declared_rate(view.declared, view.as_of, method=view.rate.method,
                          control_set=view.rate.control_set)  # fmt: skip
    return {
        "as_of": view.as_of.isoformat(),
        "origin": view.origin,
        "unknown": view.unknown,
        "ledger": document_of(view.declared),
        "enterprise": facts(view.declared.enterprise, view.as_of),
        "declared": {
            "method": view.rate.method.value,
            "control_set": view.rate.control_set.value,
            "rate": None if isinstance(found, NullReason) else [found.numerator, found.denominator],
            "null_reason": found.value if isinstance(found, NullReason) else "",
        },
    }


def _yes(lang: str) -> str:
    return Message(en="yes", zh="是").text(lang)


def _no(lang: str) -> str:
    return Message(en="no", zh="否").text(lang)


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()
