"""The last pages: what is missing, what to ask about, rulings, terms, how to check the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.losses.causes import CAUSES, Unit, title_of
from agent.proof.report.blocks import Align, Column, Heading, Paragraph, Table
from agent.proof.report.glossary import GAPS, TERMS
from agent.proof.report.papers import UNKNOWN, grouped, named
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.proof.report.blocks import Block
    from agent.proof.report.papers import Papers

_UNITS = {
    Unit.POLLS: Message(en="polls", zh="次轮询"),
    Unit.CHANGES: Message(en="changes", zh="次变化"),
    Unit.VALUES: Message(en="values", zh="个数值"),
    Unit.ALARMS: Message(en="alarms", zh="条报警"),
}


def remarks(papers: Papers, lang: str) -> Iterator[Block]:
    """Give the blocks of the last pages."""
    yield from _coverage(papers, lang)
    yield from _gaps(papers, lang)
    yield from _findings(papers, lang)
    yield from _ledger(papers, lang)
    yield from _rulings(papers, lang)
    yield from _terms(lang)
    yield from _checking(papers, lang)


def _coverage(papers: Papers, lang: str) -> Iterator[Block]:
    yield Heading(Message(en="Coverage by data", zh="数据覆盖情况").text(lang))
    titles = (
        (Message(en="Device", zh="采集设备"), 44.0, Align.LEFT),
        (Message(en="Days / scheduled", zh="有数据天数/计划天数"), 34.0, Align.RIGHT),
        (Message(en="Hours", zh="有数据小时数"), 26.0, Align.RIGHT),
        (Message(en="Hours missing, by cause", zh="缺数据时长及原因"), 74.0, Align.LEFT),
    )
    yield Table(
        tuple(Column(title.text(lang), width, align) for title, width, align in titles),
        tuple(
            (
                device,
                f"{one['days']}/{one['scheduled_days']}",
                str(one["hours"]),
                _missing(one["gaps_s"], lang) or UNKNOWN,
            )
            for device, one in papers.result["devices"].items()
        ),
        bold_columns=frozenset({0}),
    )


def _missing(gaps_s: dict[str, int], lang: str) -> str:
    """Give causes with their hours, to one decimal."""
    hours = Message(en="{} {} h", zh="{} {} 小时").text(lang)
    said = (
        hours.format(GAPS[cause].text(lang) if cause in GAPS else cause, f"{seconds / 3600:.1f}")
        for cause, seconds in gaps_s.items()
    )
    return Message(en=", ", zh="，").text(lang).join(said)


def _findings(papers: Papers, lang: str) -> Iterator[Block]:
    rows = tuple(
        (machine["id"], one["reason"], one["message"][lang])
        for machine in papers.headline_set["machines"]
        for one in machine["findings"]
    )
    if not rows:
        return
    yield Heading(Message(en="What speaks against machines", zh="设备存疑事项").text(lang))
    columns = (
        Column(Message(en="No.", zh="设备编号").text(lang), 30.0),
        Column(Message(en="Code", zh="代码").text(lang), 34.0),
        Column(Message(en="What was seen", zh="情况").text(lang), 114.0),
    )
    yield Table(columns, rows, bold_columns=frozenset({0}))


def _gaps(papers: Papers, lang: str) -> Iterator[Block]:
    yield Heading(Message(en="Data that are missing, by cause", zh="数据缺失及原因").text(lang))
    sums: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for span in papers.losses:
        sums.setdefault((span["cause"], span["device"]), []).append(span)
    if not sums:
        yield Paragraph(
            Message(en="None is known in the period.", zh="统计期内没有已知的数据缺失。").text(lang)
        )
        return
    titles = (
        (Message(en="Cause", zh="原因"), 48.0),
        (Message(en="Device", zh="采集设备"), 34.0),
        (Message(en="How much", zh="数量"), 32.0),
        (Message(en="From", zh="最早"), 32.0),
        (Message(en="To", zh="最晚"), 32.0),
    )
    yield Table(
        tuple(Column(title.text(lang), width) for title, width in titles),
        tuple(_gap(papers, key, spans, lang) for key, spans in sorted(sums.items())),
    )


def _gap(
    papers: Papers, key: tuple[str, str], spans: list[dict[str, Any]], lang: str
) -> tuple[str, ...]:
    cause, device = key
    return (
        title_of(cause).text(lang),
        device or Message(en="gateway", zh="网关").text(lang),
        _amount(cause, spans, lang),
        papers.moment(min(span["from_ms"] for span in spans)),
        papers.moment(max(span["to_ms"] for span in spans)),
    )


def _amount(cause: str, spans: list[dict[str, Any]], lang: str) -> str:
    amount = sum(span["amount"] for span in spans)
    known = CAUSES.get(cause)
    unit = _UNITS.get(known.unit) if known is not None else None
    if unit is None or not amount:
        times = sum(span["times"] for span in spans)
        return Message(en="{} time(s)", zh="{} 次").text(lang).format(times)
    return f"{amount} {unit.text(lang)}"


def _ledger(papers: Papers, lang: str) -> Iterator[Block]:
    yield Heading(Message(en="Ledger: changes and remarks", zh="台账变动与提示").text(lang))
    names = {process["id"]: process for process in papers.ledger["processes"]}
    for id_ in papers.result["key_process_removed"]:
        text = Message(
            en="{} was a key process within the period and no longer is; the rate may have risen "
            "without any new machine (key_process_removed).",
            zh="{} 在统计期内曾是关键工序，现已移出；数控化率可能因此升高，而设备并未增加"
            "（key_process_removed）。",
        )
        yield Paragraph(text.text(lang).format(named(id_, papers.process_name(id_))))
    for id_ in papers.result["outsourced"]:
        text = Message(en="Done outside, not counted: {} ({}).", zh="外协工序，不计入：{}（{}）。")
        said = names[id_]["outsourced"]
        yield Paragraph(text.text(lang).format(named(id_, papers.process_name(id_)), said))
    for one in papers.result["ledger_findings"]:
        yield Paragraph(f"{one['day']} {one['message'][lang]} [{one['code']}]")
    entry = Message(en="Entry {} of the journal {} [{}]", zh="台账修改记录第 {} 条：{} [{}]")
    for late in papers.remarks:
        yield Paragraph(entry.text(lang).format(late.line, late.message.text(lang), late.code))
    yield Paragraph(
        Message(
            en="{} entries of the ledger's journal and {} daily digests are part of the file.",
            zh="本文件附台账修改记录 {} 条、每日摘要 {} 条。",
        ).text(lang).format(papers.journal_lines, papers.digest_lines)
    )  # fmt: skip


def _rulings(papers: Papers, lang: str) -> Iterator[Block]:
    yield Heading(Message(en="Rulings", zh="各项约定").text(lang))
    yield Paragraph(
        Message(
            en="No public text decides these cases; the rulings are this program's own.",
            zh="以下情形未见公开规定，均为本程序自定，随结果一并保存。",
        ).text(lang),
        small=True,
    )
    columns = (
        Column(Message(en="Case", zh="情形").text(lang), 58.0),
        Column(Message(en="Ruling", zh="处理").text(lang), 120.0),
    )
    rulings = papers.settings["rulings"]
    yield Table(columns, tuple((one["case"][lang], one["ruling"][lang]) for one in rulings))


def _terms(lang: str) -> Iterator[Block]:
    yield Heading(Message(en="Terms", zh="名词").text(lang))
    columns = (
        Column(Message(en="Term", zh="名词").text(lang), 38.0),
        Column(Message(en="Meaning", zh="含义").text(lang), 140.0),
    )
    yield Table(
        columns,
        tuple((term.text(lang), meaning.text(lang)) for term, meaning in TERMS),
        bold_columns=frozenset({0}),
    )


def _checking(papers: Papers, lang: str) -> Iterator[Block]:
    yield Heading(Message(en="How to check this report", zh="如何核验").text(lang))
    said = (
        Message(
            en="This report is part of a proof file. The command chulian rate --verify FILE "
            "checks every hash and computes every number again; README.txt in the file says how "
            "to check it without this program. The fingerprint at the foot of each page is that "
            "of the data (data_sha256 in manifest.json).",
            zh="本报告是证明文件的一部分。执行命令 chulian rate --verify 文件名，可校验每一个成员"
            "并重算每一个数字；不用本程序的核验方法见其中的 README.txt。每页页脚的指纹是数据指纹"
            "（manifest.json 中的 data_sha256）。",
        ),
        Message(
            en="The file is signed with the gateway's key; compare its fingerprint with the one "
            "shown at the gateway on site: {}",
            zh="文件由网关的密钥签名，公钥指纹如下，请与现场网关上显示的核对：{}",
        ),
    )
    key = grouped(papers.header["key_sha256"])
    for text in said:
        yield Paragraph(text.text(lang).format(key), small=True)
