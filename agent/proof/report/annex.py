"""The pages behind the first: machines, processes, all formulas, the course of the period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.proof.report import words
from agent.proof.report.blocks import Align, Column, Heading, Paragraph, Table
from agent.proof.report.charts import by_process, course
from agent.proof.report.papers import UNKNOWN, both, named, percent
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.proof.report.blocks import Block
    from agent.proof.report.papers import Papers

_MACHINE_COLUMNS = (
    (Message(en="No.", zh="设备编号"), 17.0),
    (Message(en="Name, model", zh="名称、型号"), 27.0),
    (Message(en="Processes", zh="工序"), 16.0),
    (Message(en="Control", zh="控制方式"), 14.0),
    (Message(en="Status", zh="认定"), 20.0),
    (Message(en="Level", zh="等级"), 10.0),
    (Message(en="Days", zh="天数"), 11.0),
    (Message(en="Last seen", zh="最近数据"), 17.0),
    (Message(en="Reason", zh="原因"), 46.0),
)


def annex(papers: Papers, lang: str) -> Iterator[Block]:
    """Give the blocks of the pages behind the first."""
    yield from _machines(papers, lang)
    yield from _processes(papers, lang)
    yield from _formulas(papers, lang)
    yield from _course(papers, lang)
    yield from _neighbours(papers, lang)


def _machines(papers: Papers, lang: str) -> Iterator[Block]:
    yield Heading(Message(en="Machines", zh="设备逐台认定").text(lang), new_page=True)
    yield Paragraph(
        Message(
            en="Under the headline's {}. Days: with data / needed. Last seen: latest good value, "
            "by its own time, {}.",
            zh="按主口径（{}）。天数：有数据的天数/要求天数。最近数据：最后一个有效值的时间（{}）。",
        ).text(lang).format(
            words.SETS[papers.result["control_set"]].text(lang),
            papers.settings["gateway"]["timezone"],
        ),
        small=True,
    )  # fmt: skip
    known = {machine["id"]: machine for machine in papers.ledger["equipment"]}
    rows = (
        _machine(papers, known[one["id"]], one, lang) for one in papers.headline_set["machines"]
    )
    yield Table(
        tuple(Column(title.text(lang), width) for title, width in _MACHINE_COLUMNS),
        tuple(rows),
        bold_columns=frozenset({0, 4}),
    )


def _machine(
    papers: Papers, machine: Mapping[str, Any], one: Mapping[str, Any], lang: str
) -> tuple[str, ...]:
    links = (link["process"] for link in machine.get("links", ()))
    processes = dict.fromkeys((*machine["processes"], *links))
    return (
        machine["id"],
        "\n".join(filter(None, (machine["name"], machine["model"]))) or UNKNOWN,
        "\n".join(map(papers.process_name, processes)) or UNKNOWN,
        words.control_name(machine["control_type"], lang),
        words.STATUSES[one["status"]].text(lang),
        one["level"],
        f"{one['days']}/{papers.result['needed_days']}" if one["declared"] else UNKNOWN,
        papers.moment(one["last_seen_ms"]).replace(" ", "\n"),
        one["message"][lang],
    )


def _processes(papers: Papers, lang: str) -> Iterator[Block]:
    yield Heading(Message(en="Key processes", zh="关键工序").text(lang))
    yield Paragraph(
        Message(
            en="Bars and figures: machines verified / declared as NC / able to run the process.",
            zh="图中及图右数字：已验证/申报数控/可承担该工序的设备台数。",
        ).text(lang),
        small=True,
    )
    if papers.headline_set["processes"]:
        yield by_process(papers)
    titles = (
        (Message(en="Process", zh="工序"), 40.0),
        (Message(en="Machines able to run it", zh="可承担的设备"), 54.0),
        (Message(en="Declared as NC", zh="申报数控"), 42.0),
        (Message(en="Verified", zh="已验证"), 42.0),
    )
    yield Table(
        tuple(Column(title.text(lang), width) for title, width in titles),
        tuple(
            (
                named(process["id"], papers.process_name(process["id"])),
                *(" ".join(process[key]) or UNKNOWN for key in ("able", "declared", "verified")),
            )
            for process in papers.headline_set["processes"]
        ),
        bold_columns=frozenset({0}),
    )


def _formulas(papers: Papers, lang: str) -> Iterator[Block]:
    yield Heading(
        Message(en="All five formulas, strict and broad", zh="五种算法，窄口径与宽口径").text(lang)
    )
    yield Paragraph(
        Message(
            en="Strict: in discrete production {d}; in process production {p}. Broad: all of "
            "them.",
            zh="窄口径：离散型只计 {d}，流程型只计 {p}；宽口径：两者都计。",
        ).text(lang).format(
            d=_types(papers, "discrete", lang), p=_types(papers, "process", lang)
        ),
        small=True,
    )  # fmt: skip
    figures = (words.DECLARED, words.ADJUSTED, words.VERIFIED)
    columns = [Column(Message(en="Formula", zh="算法").text(lang), 60.0)]
    columns.append(Column(Message(en="Set", zh="口径").text(lang), 16.0))
    columns += [Column(title.text(lang), 34.0, Align.RIGHT) for title in figures]
    rows = [
        (
            title.text(lang),
            words.SETS[name].text(lang),
            *(both(found["rates"][method][key]) for key in ("declared", "adjusted", "verified")),
        )
        for method, title in words.METHODS.items()
        for name, found in sorted(papers.result["sets"].items(), reverse=True)
    ]
    yield Table(tuple(columns), tuple(rows))


def _types(papers: Papers, kind: str, lang: str) -> str:
    types = papers.settings["control_sets"][kind]
    return Message(en=", ", zh="、").text(lang).join(words.control_name(t, lang) for t in types)


def _course(papers: Papers, lang: str) -> Iterator[Block]:
    if not papers.history["days"]:
        return
    yield Heading(Message(en="Course of the period", zh="统计期内的变化").text(lang))
    yield Paragraph(
        Message(
            en="As of each day, with the evidence of the period that ends with it, by the ledger's "
            "own dates of validity. Thin dashed line: declared; thick line: verified.",
            zh="逐日结果：以当日为统计日、以截至当日的统计期为证据，台账按其自身的生效日期计。"
            "细虚线为申报值，粗线为数据已验证值。",
        ).text(lang),
        small=True,
    )
    yield course(papers, lang)


def _neighbours(papers: Papers, lang: str) -> Iterator[Block]:
    yield Heading(
        Message(en="Digital and networked equipment", zh="设备数字化率与联网率").text(lang)
    )
    yield Paragraph(
        Message(
            en="Questions 2 and 3 of the self-assessment of SMEs (2024); both shares are of all "
            "production equipment in the ledger.",
            zh="对应《中小企业数字化水平评测指标（2024年版）》第 2、3 题，分母均为台账中在役的全部"
            "生产设备。",
        ).text(lang),
        small=True,
    )
    found = papers.headline_set["neighbours"]
    rows = (
        (Message(en="digital", zh="设备数字化率"), "digital", "digital_rate"),
        (Message(en="networked", zh="设备联网率"), "networked", "networked_rate"),
    )
    titles = (
        (Message(en="Share", zh="指标"), 58.0),
        (Message(en="Machines", zh="台数"), 30.0),
        (Message(en="of all", zh="设备总数"), 30.0),
        (Message(en="Rate", zh="比率"), 30.0),
        (Message(en="Points", zh="得分"), 30.0),
    )
    yield Table(
        tuple(Column(t.text(lang), width) for t, width in titles),
        tuple(
            (
                title.text(lang),
                str(found[count]),
                str(found["equipment"]),
                percent(found[rate]) if found[rate] else UNKNOWN,
                f"{found[rate]['points']:g}" if found[rate] else UNKNOWN,
            )
            for title, count, rate in rows
        ),
        bold_columns=frozenset({0}),
    )
