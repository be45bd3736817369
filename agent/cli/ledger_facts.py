"""What the codes and figures of an enterprise mean: names, size tiers, titles and their expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.config.codes import parse_industry, parse_region, parse_uscc, prefecture
from agent.config.codes.cluster import cluster_table, parse_cluster
from agent.config.codes.size import Scale, above_threshold, scale, wanted_level
from agent.ledger.sheets import INDUSTRY_KINDS, TITLE_KINDS
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from datetime import date

    from agent.config.ledger import Enterprise, Size, Title

TITLE_YEARS = 3
"""How long a title lasts that names no last day."""
_SCALES = {
    Scale.LARGE: Message(en="large", zh="大型"),
    Scale.MEDIUM: Message(en="medium", zh="中型"),
    Scale.SMALL: Message(en="small", zh="小型"),
    Scale.MICRO: Message(en="micro", zh="微型"),
}
_ABOVE = {
    True: Message(en="above the statistical threshold", zh="规上"),
    False: Message(en="below the statistical threshold", zh="规下"),
}


def expires(title: Title) -> date:
    """Give a title's last day: its own, else the day before the third return of its issue."""
    if title.expires_on is not None:
        return title.expires_on
    issued = title.issued_on
    year = issued.year + TITLE_YEARS
    leap = issued.month == 2 and issued.day == 29
    return issued.replace(year=year, day=28) if leap else issued.replace(year=year)


def facts(enterprise: Enterprise, day: date) -> dict[str, Any]:
    """Give for programs what codes and figures mean; null where something is not stated."""
    size, region = enterprise.size, parse_region(enterprise.region)
    cluster = parse_cluster(enterprise.cluster) if enterprise.cluster else None
    uscc = parse_uscc(enterprise.uscc)
    level = wanted_level(size.output_wan if size else None)
    return {
        "uscc_valid": uscc.valid if enterprise.uscc else None,
        "region_name": region.name or None,
        "prefecture": prefecture(region.code) if region.current else None,
        "industry_edition": enterprise.industry_edition,
        "cluster": cluster.code or None if cluster else None,
        "clusters_version": cluster_table().version,
        "scale": _scale(size),
        "above_threshold": above_threshold(size.revenue_wan if size else None),
        "level_wanted": level,
        "titles": [
            {
                "kind": one.kind.value,
                "until": expires(one).isoformat(),
                "valid": day <= expires(one),
            }
            for one in enterprise.titles
        ],
    }


def fact_rows(enterprise: Enterprise, day: date, *, lang: str) -> list[list[str]]:
    """Give the same as rows for people; what is not stated is left out."""
    rows = (
        (Message(en="credit code", zh="统一社会信用代码"), _uscc(enterprise.uscc)),
        (Message(en="region", zh="行政区划"), _region(enterprise.region)),
        (Message(en="development zone", zh="开发区"), _same(enterprise.park)),
        (Message(en="industry", zh="行业"), _industry(enterprise)),
        (Message(en="chain", zh="产业链"), _same(enterprise.chain)),
        (Message(en="cluster", zh="产业集群"), _same(enterprise.cluster)),
        (Message(en="size", zh="规模"), _size(enterprise.size)),
        *((Message(en="title", zh="称号"), _title(one, day)) for one in enterprise.titles),
    )
    return [[label.text(lang), value.text(lang)] for label, value in rows if value.en]


def _same(text: str) -> Message:
    return Message(en=text, zh=text)


def _uscc(text: str) -> Message:
    found = parse_uscc(text)
    if not text or found.valid:
        return _same(found.code if text else "")
    return Message(en=f"{text} (not valid)", zh=f"{text}（无效）")


def _region(text: str) -> Message:
    found = parse_region(text)
    if not text or not found.current:
        return _same(text)
    above = parse_region(prefecture(found.code)).name
    names = f"{above}{found.name}" if above != found.name else found.name
    return _same(f"{found.code} {names}")


def _industry(enterprise: Enterprise) -> Message:
    if not enterprise.industry:
        return _same("")
    found = parse_industry(enterprise.industry, enterprise.industry_edition)
    kind = enterprise.industry_kind
    return Message(
        en=f"{found.code} (GB/T 4754-{found.edition}), {kind.value}",
        zh=f"{found.code}（GB/T 4754-{found.edition}），{INDUSTRY_KINDS[kind]}",
    )


def _scale(size: Size | None) -> str | None:
    found = scale(size.staff, size.revenue_wan) if size else None
    return None if found is None else found.value


def _size(size: Size | None) -> Message:
    if size is None:
        return _same("")
    parts = []
    found = scale(size.staff, size.revenue_wan)
    if found is not None:
        parts.append(_SCALES[found])
    above = above_threshold(size.revenue_wan)
    if above is not None:
        parts.append(_ABOVE[above])
    level = wanted_level(size.output_wan)
    if level is not None:
        parts.append(Message(en=f"level asked for {level}", zh=f"数字化水平目标 {level}"))
    en, zh = (", ".join(x.en for x in parts), "，".join(x.zh for x in parts))
    return Message(en=f"{en} ({size.year})", zh=f"{zh}（{size.year} 年）") if parts else _same("")


def _title(title: Title, day: date) -> Message:
    until = expires(title)
    name = TITLE_KINDS[title.kind]
    if day <= until:
        return Message(en=f"{title.kind.value}, until {until}", zh=f"{name}，有效期至 {until}")
    return Message(en=f"{title.kind.value}, expired {until}", zh=f"{name}，已于 {until} 到期")
