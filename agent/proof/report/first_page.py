"""Page one: whose rate it is, the figures, the target, what the method is, seals and signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.config.codes.region import parse_region
from agent.proof.report import words
from agent.proof.report.blocks import (
    Align,
    Column,
    Figure,
    Figures,
    Heading,
    Pairs,
    Paragraph,
    Signatures,
    Table,
    Title,
)
from agent.proof.report.charts import against_target
from agent.proof.report.papers import UNKNOWN, fraction, percent, share
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.proof.report.blocks import Block
    from agent.proof.report.papers import Papers

TITLE = Message(en="Key-process CNC rate: proof report", zh="关键工序数控化率证明报告")
_NAMED_MOST = 30
_POINTS = Message(en="{} points", zh="{} 个百分点")


def first_page(papers: Papers, lang: str) -> Iterator[Block]:
    """Give the blocks of page one."""
    yield Title(TITLE.text(lang), papers.header["enterprise"]["name"])
    yield Pairs(tuple(_facts(papers, lang)))
    yield Figures(tuple(_figures(papers, lang)))
    yield Paragraph(_target(papers, lang))
    if papers.result["eased"] is not None:
        yield Paragraph(papers.result["eased"]["message"][lang])
    yield against_target(papers, lang)
    yield _standings(papers, lang)
    yield Heading(Message(en="What is computed", zh="口径说明").text(lang))
    for text in _method(papers):
        yield Paragraph(text.text(lang), small=True)
    yield _signatures(lang)


def _facts(papers: Papers, lang: str) -> Iterator[tuple[str, str]]:
    enterprise, result = papers.ledger["enterprise"], papers.result
    pairs = (
        (Message(en="Enterprise", zh="企业名称"), enterprise["name"]),
        (Message(en="Social credit code", zh="统一社会信用代码"), enterprise["uscc"]),
        (Message(en="Region (GB/T 2260)", zh="行政区划"), _region(enterprise["region"], lang)),
        (Message(en="Industry (GB/T 4754)", zh="国民经济行业"), _industry(enterprise)),
        (Message(en="Kind of production", zh="生产类型"),
         words.KINDS[enterprise["industry_kind"]].text(lang)),
        (Message(en="Size", zh="企业规模"), _size(papers.header.get("size", {}), lang)),
        (Message(en="Gateway", zh="采集网关"),
         " ".join(filter(None, papers.header["gateway"].values()))),
        (Message(en="As of", zh="统计日"), result["as_of"]),
        (Message(en="Period of evidence", zh="统计期"),
         Message(en="{} to {}", zh="{} 至 {}").text(lang).format(*result["window"])),
        (Message(en="Days needed", zh="要求有数据的天数"),
         Message(en="{} of {} scheduled", zh="{} 天（计划生产 {} 天）").text(lang)
         .format(result["needed_days"], result["scheduled_days"])),
        (Message(en="Rules", zh="规则版本"), result["rules"]),
        (Message(en="Made", zh="生成时间"), papers.moment(papers.header["made_ms"])),
        (Message(en="Made by", zh="生成程序"), papers.header["made_by"]),
    )  # fmt: skip
    for name, value in pairs:
        yield name.text(lang), value or UNKNOWN


def _region(code: str, lang: str) -> str:
    name = parse_region(code).name if lang == "zh" else ""
    return f"{code} {name}" if name else code


def _size(size: dict[str, Any], lang: str) -> str:
    """Give the tiers that are known, and the year of the figures behind them."""
    above = size.get("above_threshold")
    known = [
        words.SCALES[size["scale"]].text(lang) if size.get("scale") else "",
        words.ABOVE[above].text(lang) if above is not None else "",
        str(size["year"]) if size.get("year") else "",
    ]
    return " · ".join(filter(None, known)) if any(known[:2]) else ""


def _industry(enterprise: dict[str, Any]) -> str:
    code = enterprise["industry"]
    return f"{code} ({enterprise['industry_edition']})" if code else ""


def _figures(papers: Papers, lang: str) -> Iterator[Figure]:
    one, target = papers.headline, papers.result["target"]
    for name, title in (
        ("declared", words.DECLARED), ("adjusted", words.ADJUSTED), ("verified", words.VERIFIED),
    ):  # fmt: skip
        met = words.TARGET_MET[target[name]].text(lang).format(percent=target["percent"])
        yield Figure(title.text(lang), percent(one[name]), fraction(one[name]), met)
    gap = one["gap"]
    text = _POINTS.text(lang).format(percent(gap)[:-1]) if share(gap) is not None else UNKNOWN
    remark = Message(en="declared − verified", zh="申报值－已验证").text(lang)
    yield Figure(Message(en="gap", zh="差距").text(lang), text, fraction(gap), remark)
    covered = papers.headline_set["coverage"]
    yield Figure(
        Message(en="coverage", zh="验证覆盖").text(lang), percent(covered),
        _machines_covered(papers), Message(en="machines", zh="台（已验证/申报）").text(lang),
    )  # fmt: skip


def _machines_covered(papers: Papers) -> str:
    claimed = [m for m in papers.headline_set["machines"] if m["declared"]]
    verified = sum(m["status"] == "verified" for m in claimed)
    return f"{verified}/{len(claimed)}"


def _standings(papers: Papers, lang: str) -> Table:
    """Say how many machines have which status, and which they are."""
    columns = (
        Column(Message(en="Status", zh="认定").text(lang), 28.0),
        Column(Message(en="Machines", zh="台数").text(lang), 18.0, Align.RIGHT),
        Column(Message(en="Which", zh="设备编号").text(lang), 132.0),
    )
    machines = papers.headline_set["machines"]
    rows = []
    for status, title in words.STATUSES.items():
        ids = [one["id"] for one in machines if one["status"] == status]
        named = Message(en=", ", zh="、").text(lang).join(ids[:_NAMED_MOST])
        more = Message(en=" …", zh=" 等").text(lang) if len(ids) > _NAMED_MOST else ""
        rows.append((title.text(lang), str(len(ids)), named + more or UNKNOWN))
    return Table(columns, tuple(rows), frozenset({0, 1}))


def _target(papers: Papers, lang: str) -> str:
    missing = [f for f in papers.headline.values() if "null" in f]
    if missing:
        return str(missing[0]["message"][lang])
    text = Message(
        en="Target of the provincial plan for 2027: {}% or more. The comparison uses the exact "
        "fraction, not the rounded percentage.",
        zh="省行动方案 2027 年目标：达到 {}%（含本数）。比较时用精确分数，不用四舍五入后的百分数。",
    )
    return text.text(lang).format(papers.result["target"]["percent"])


def _method(papers: Papers) -> Iterator[Message]:
    headline = words.METHODS[papers.result["method"]]
    control_set = words.SETS[papers.result["control_set"]]
    yield Message(
        en="The definition follows the assessment of integrated IT and industry (两化融合), whose "
        "text is not at hand; the rulings are this program's own and are listed below. Headline: "
        f"{headline.en}; {control_set.en}.",
        zh="按两化融合口径（未附原文），细则为本程序自定，见“各项约定”。"
        f"主口径：{headline.zh}；{control_set.zh}。",
    )
    yield Message(
        en="Declared: by the enterprise's ledger. Adjusted: without machines whose declaration "
        "is contradicted. Verified: only machines whose own controller was read on enough days. "
        "Not verified is not false: a machine without interface cannot be verified by data.",
        zh="申报值：按企业台账。核减后：扣除申报内容与证据矛盾的设备。数据已验证：只计在足够天数内"
        "采到其数控系统自身数据的设备。待验证不等于不实，没有通讯接口的设备无法用数据验证，"
        "可由评测人员现场核验。",
    )


def _signatures(lang: str) -> Signatures:
    date = Message(en="Date:", zh="日期：        年    月    日")
    enterprise = (
        Message(en="Enterprise (seal)", zh="企业（公章）"),
        (Message(en="Responsible:", zh="负责人签字："), date),
    )
    assessor = (
        Message(en="Assessment body (seal)", zh="评测机构（公章）"),
        (Message(en="Assessor:", zh="评测人员签字："), date),
    )
    return Signatures(
        tuple(
            (who.text(lang), tuple(line.text(lang) for line in lines))
            for who, lines in (enterprise, assessor)
        )
    )
