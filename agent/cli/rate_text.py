"""How `chulian rate` looks to a person: a headline, and tables of processes, formulas, machines.

Shows exact fractions beside every percentage, and "—" where nothing is known: never a 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rich import box
from rich.console import Console
from rich.table import Table

from agent.cli.rate_view import Origin, counts, dropped, excluded
from agent.config.ledger import RateMethod
from agent.kpi.eased import eased_sentence
from agent.kpi.evidence import RULES, Standing, demand_of
from agent.kpi.rates import Figure, NullReason
from agent.kpi.reasons import CONTROL_NAMES_ZH, null_sentence
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
    tables = (_processes(view, lang), _formulas(view, lang), _machines(view, lang))
    console.print(*_head(view, lang), "", _headline(view, lang), *tables, sep="\n")
    console.print(*_foot(view, lang), sep="\n")


def _head(view: View, lang: str) -> list[str]:
    rate, asked = view.config.rate, demand_of(view.config, view.as_of)
    title = Message(en="Key-process CNC rate", zh="关键工序数控化率").text(lang)
    day = Message(en=f"of {view.as_of}; rules {RULES}", zh=f"统计日 {view.as_of}；规则 {RULES}")
    window = Message(
        en=f"evidence {asked.first} to {asked.last}; {asked.needed_days} days with data needed",
        zh=f"证据期 {asked.first} 至 {asked.last}；要求 {asked.needed_days} 天有数据",
    )
    lines = [
        "  ".join(part for part in (title, view.config.enterprise.name) if part),
        day.text(lang),
        _joined(_METHODS[rate.method], _SETS[rate.control_set], lang=lang),
        window.text(lang),
        _ORIGINS[view.origin].text(lang),
        *(note.text(lang) for note in view.notes),
        *([said.text(lang)] if view.proven and (said := eased_sentence(view.eased)) else ()),
    ]
    figures = (view.headline.declared, view.headline.verified)
    missing = [f for f in figures if isinstance(f, NullReason)]
    return lines + [null_sentence(reason).text(lang) for reason in missing[:1]]


_DECLARED = Message(en="declared", zh="申报")
_ADJUSTED = Message(en="adjusted", zh="核减后")
_VERIFIED = Message(en="verified", zh="数据已验证")
_GAP = Message(en="gap", zh="差距")
_POINTS = Message(en=" points", zh=" 个百分点")
_COVERAGE = Message(en="machines verified", zh="验证覆盖")


def _headline(view: View, lang: str) -> Table:
    """Make the four figures one reads first, each beside what it means for the target."""
    one = view.headline
    verified = _target(one.verified, lang) if view.proven else ""
    grid = Table.grid(padding=(0, 3, 0, 0), pad_edge=True)
    grid.add_row(_DECLARED.text(lang), _figure(one.declared), _target(one.declared, lang))
    grid.add_row(_VERIFIED.text(lang), _figure(one.verified, known=view.proven), verified)
    grid.add_row(_GAP.text(lang), _points(one.gap, lang, known=view.proven), "")
    grid.add_row(_COVERAGE.text(lang), _covered(view), "")
    return grid


def _target(figure: Figure, lang: str) -> str:
    """Compare a figure with the target, exactly; say nothing where there is none."""
    percent = RATE_TARGET.percent
    words = {
        True: Message(en=f"target {percent} %: reached", zh=f"目标 {percent}%：达到"),
        False: Message(en=f"target {percent} %: not reached", zh=f"目标 {percent}%：未达到"),
        None: Message(en="", zh=""),
    }
    return words[RATE_TARGET.met(figure)].text(lang)


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
            str(verified) if view.judged else _UNKNOWN,
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
            _control(machine.control_type, lang),
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
                en=f"outsourced, not counted: {name} ({process.outsourced})",
                zh=f"外协工序不计入：{name}（{process.outsourced}）",
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


def _points(figure: Figure, lang: str, *, known: bool) -> str:
    if not known or isinstance(figure, NullReason):
        return _UNKNOWN
    return percent_text(figure) + _POINTS.text(lang)


def _control(control_type: str, lang: str) -> str:
    return CONTROL_NAMES_ZH.get(control_type, control_type) if lang == "zh" else control_type


def _covered(view: View) -> str:
    found = counts(view)
    if found is None:
        return _UNKNOWN
    return f"{found['verified']}/{found['declared']} ({found['percent']}%)"


def _named(id_: str, name: str) -> str:
    return f"{id_} {name}" if name else id_


def _table(*titles: Message, lang: str, numbers: int = 0) -> Table:
    """Make a table; `numbers` of the columns after the first are aligned to the right.

    Text that does not fit goes on below: Chinese has no spaces to break at, and rich would cut it.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for at, title in enumerate(titles):
        right = 1 <= at <= numbers
        justify: Literal["left", "right"] = "right" if right else "left"
        table.add_column(title.text(lang), justify=justify, overflow="fold")
    return table


def _joined(*parts: Message, lang: str) -> str:
    return Message(en="; ", zh="；").text(lang).join(part.text(lang) for part in parts)
