"""How `chulian rate` looks to a person: a headline, and tables of processes, formulas, machines.

Shows exact fractions beside every percentage, and "—" where nothing is known: never a 0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.table import Table

from agent.cli.rate_view import Origin, counts, dropped, excluded
from agent.config.model import RateMethod
from agent.kpi.evidence import RULES, Standing, demand
from agent.kpi.rates import Figure, NullReason
from agent.kpi.reasons import null_sentence
from agent.kpi.region import RATE_TARGET, percent_text
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from agent.cli.rate_view import View

_METHODS = {
    RateMethod.ANY: Message(en="any: one machine is enough", zh="any：有一台数控即算"),
    RateMethod.ALL: Message(en="all: every machine", zh="all：全部数控才算"),
    RateMethod.MEAN: Message(en="mean: mean over processes", zh="mean：各工序覆盖率的平均"),
    RateMethod.POOL: Message(en="pool: machine-process pairs", zh="pool：按台次合计"),
    RateMethod.DEDUP: Message(en="dedup: distinct machines", zh="dedup：按设备台数"),
}
_SETS = {
    "strict": Message(en="strict set", zh="窄口径"),
    "broad": Message(en="broad set", zh="宽口径"),
}
_STANDINGS = {
    Standing.VERIFIED: Message(en="verified", zh="已验证"),
    Standing.UNVERIFIED: Message(en="not verified", zh="待验证"),
    Standing.CONTRADICTED: Message(en="contradicted", zh="有矛盾"),
    Standing.NOT_CLAIMED: Message(en="not claimed", zh="未申报"),
}
_ORIGINS = {
    Origin.AGENT: Message(en="evidence: from the running agent", zh="证据来源：正在运行的采集代理"),
    Origin.STORE: Message(en="evidence: from the store on disk", zh="证据来源：本机存储文件"),
    Origin.LEDGER: Message(en="evidence: none", zh="证据来源：无"),
}
_UNKNOWN = "—"


def print_view(view: View, *, lang: str) -> None:
    """Print the view for a person."""
    console = Console(highlight=False, emoji=False, markup=False)
    console.print(*_head(view, lang), sep="\n")
    console.print(Group(_processes(view, lang), _formulas(view, lang), _machines(view, lang)))
    for line in _foot(view, lang):
        console.print(line)


def _head(view: View, lang: str) -> list[str]:
    rate, one = view.config.rate, view.headline
    asked = demand(rate, view.as_of)
    title = Message(en="Key-process CNC rate", zh="关键工序数控化率").text(lang)
    window = Message(
        en=f"of {view.as_of}; evidence {asked.first} to {asked.last}, "
        f"{asked.needed_days} days with data needed; rules {RULES}",
        zh=f"统计日 {view.as_of}；证据期 {asked.first} 至 {asked.last}，"
        f"要求 {asked.needed_days} 天有数据；规则 {RULES}",
    )
    lines = [
        "  ".join(part for part in (title, view.config.enterprise.name) if part),
        window.text(lang),
        _joined(_METHODS[rate.method], _SETS[rate.control_set], _ORIGINS[view.origin], lang=lang),
        *(note.text(lang) for note in view.notes),
        "",
        _figures(view, lang),
        f"  {_target(view, lang)}",
    ]
    if isinstance(one.declared, NullReason):
        lines.append(f"  {null_sentence(one.declared).text(lang)}")
    return lines


_DECLARED = Message(en="declared", zh="申报")
_ADJUSTED = Message(en="adjusted", zh="核减后")
_VERIFIED = Message(en="verified", zh="数据已验证")
_GAP = Message(en="gap", zh="差距")
_COVERAGE = Message(en="machines verified", zh="验证覆盖")


def _figures(view: View, lang: str) -> str:
    one = view.headline
    parts = (
        (_DECLARED, _figure(one.declared)),
        (_VERIFIED, _figure(one.verified, known=view.proven)),
        (_GAP, _points(one.gap, known=view.proven)),
        (_COVERAGE, _covered(view)),
    )
    return "".join(f"  {name.text(lang)} {figure} " for name, figure in parts).rstrip()


def _target(view: View, lang: str) -> str:
    """Compare both figures with the target, exactly."""
    words = {True: Message(en="reached", zh="达到"), False: Message(en="not reached", zh="未达到"),
             None: Message(en=_UNKNOWN, zh=_UNKNOWN)}  # fmt: skip
    declared = words[RATE_TARGET.met(view.headline.declared)]
    verified = words[RATE_TARGET.met(view.headline.verified) if view.proven else None]
    return Message(
        en=f"target 75 %: declared {declared.en}, verified {verified.en}",
        zh=f"目标 75%：申报{declared.zh}，数据已验证{verified.zh}",
    ).text(lang)


def _processes(view: View, lang: str) -> Table:
    names = {p.id: p.name for p in view.config.processes}
    table = _table(
        Message(en="Key process", zh="关键工序"), Message(en="machines", zh="设备"),
        Message(en="declared NC", zh="申报数控"), _VERIFIED, lang=lang, numbers=3,
    )  # fmt: skip
    for process in view.processes:
        verified = len(process.controlled & view.verified)
        table.add_row(
            _named(process.id, names[process.id]),
            str(len(process.able)),
            str(len(process.controlled)),
            str(verified) if view.proven else _UNKNOWN,
        )
    return table


def _formulas(view: View, lang: str) -> Table:
    table = _table(
        Message(en="Formula", zh="算法"), _DECLARED, _ADJUSTED, _VERIFIED, lang=lang, numbers=3
    )
    for method, one in view.rates.items():
        table.add_row(
            _METHODS[method].text(lang),
            _figure(one.declared),
            _figure(one.adjusted, known=view.proven),
            _figure(one.verified, known=view.proven),
        )
    return table


def _machines(view: View, lang: str) -> Table:
    table = _table(
        Message(en="Machine", zh="设备"), Message(en="control", zh="控制方式"),
        Message(en="level", zh="证据"), Message(en="standing", zh="认定"),
        Message(en="why", zh="原因"), lang=lang,
    )  # fmt: skip
    for machine in view.machines:
        known = view.proven or not machine.declared
        table.add_row(
            _named(machine.id, machine.name),
            machine.control_type,
            machine.level if view.proven else _UNKNOWN,
            _STANDINGS[Standing(machine.status)].text(lang) if known else _UNKNOWN,
            machine.message.text(lang) if known else _UNKNOWN,
        )
    return table


def _foot(view: View, lang: str) -> list[str]:
    lines = []
    for process in excluded(view):
        name = _named(process.id, process.name)
        lines.append(
            Message(
                en=f"not counted: {name}, outsourced: {process.outsourced}",
                zh=f"不计入：{name}（外协：{process.outsourced}）",
            ).text(lang)
        )
    for process in dropped(view):
        name = _named(process.id, process.name)
        lines.append(
            Message(
                en=f"note (key_process_removed): {name} was a key process within the period and "
                "no longer is; the rate may have risen without any new machine",
                zh=f"提示（key_process_removed）：{name} 在统计期内曾是关键工序，现已移出；"
                "数控化率可能因此升高，而设备并未增加",
            ).text(lang)
        )
    lines.append(
        Message(
            en="Definition after the assessment of integrated IT and industry, whose text is not "
            "at hand; the rulings are this program's own (docs/rate).",
            zh="按两化融合口径（未附原文）；细则为本程序自定，见 docs/rate。",
        ).text(lang)
    )
    return lines


def _figure(figure: Figure, *, known: bool = True) -> str:
    if not known or isinstance(figure, NullReason):
        return _UNKNOWN
    return f"{percent_text(figure)}% ({figure.numerator}/{figure.denominator})"


def _points(figure: Figure, *, known: bool) -> str:
    return percent_text(figure) if known and isinstance(figure, Fraction) else _UNKNOWN


def _covered(view: View) -> str:
    found = counts(view) if view.proven else None
    if found is None:
        return _UNKNOWN
    return f"{found['verified']}/{found['declared']} ({found['percent']}%)"


def _named(id_: str, name: str) -> str:
    return f"{id_} {name}" if name else id_


def _table(*titles: Message, lang: str, numbers: int = 0) -> Table:
    """Make a table; `numbers` of the columns after the first are aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for at, title in enumerate(titles):
        right = 1 <= at <= numbers
        table.add_column(title.text(lang), justify="right" if right else "left")
    return table


def _joined(*parts: Message, lang: str) -> str:
    return Message(en="; ", zh="；").text(lang).join(part.text(lang) for part in parts)
