"""The sheets of a ledger's spreadsheet: their columns, titles, and what a cell may hold.

A sheet is a list of records, one per row; a sheet of details (links, documents, visits, titles)
names the record it belongs to in its first column. Headings may be Chinese or the keys of the
configuration file; a word for a choice may be Chinese or English. A blank cell states nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from agent.config.ledger import (
    ControlType,
    DocumentKind,
    IndustryKind,
    LocationKind,
    TitleKind,
)
from agent.ledger.records import RecordKind

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """What a column's cells hold."""

    TEXT = "text"
    CHOICE = "choice"
    YES_NO = "yes_no"
    DATE = "date"
    NUMBER = "number"
    IDS = "ids"
    """Ids with semicolons between them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key, its Chinese title, and other titles it is known by."""

    key: str
    """Key in the record; `size.staff` stands in the record's `size`."""
    title_zh: str
    kind: Kind = Kind.TEXT
    aliases: tuple[str, ...] = ()
    choices: Mapping[str, str] | None = None
    """Value -> Chinese word."""
    width: int = 14
    """Width in a spreadsheet, in characters."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of the workbook, or one CSV file."""

    key: str
    title_zh: str
    columns: tuple[Column, ...]
    record: RecordKind
    """Kind of the record a row is, or is a part of."""
    inside: str = ""
    """Key of the record's list that the rows are of; empty where a row is a record."""

    @property
    def owner(self) -> Column | None:
        """The column that names the record a row belongs to; None where a row is a record."""
        return self.columns[0] if self.inside and self.record is RecordKind.EQUIPMENT else None


INDUSTRY_KINDS = {
    IndustryKind.DISCRETE: "离散", IndustryKind.PROCESS: "流程", IndustryKind.MIXED: "混合",
}  # fmt: skip
LOCATION_KINDS = {
    LocationKind.SITE: "厂区", LocationKind.WORKSHOP: "车间", LocationKind.LINE: "产线",
}  # fmt: skip
CONTROL_TYPES = {
    **{one: one.value for one in ControlType},
    ControlType.MANUAL: "手动", ControlType.RELAY: "继电器", ControlType.ROBOT: "机器人",
}  # fmt: skip
DOCUMENT_KINDS = {
    DocumentKind.NAMEPLATE: "铭牌照片", DocumentKind.CONTROLLER: "数控系统照片",
    DocumentKind.INVOICE: "发票", DocumentKind.ASSET: "固定资产登记", DocumentKind.OTHER: "其他",
}  # fmt: skip
TITLE_KINDS = {
    TitleKind.INNOVATIVE: "创新型中小企业", TitleKind.SPECIALISED: "专精特新中小企业",
    TitleKind.LITTLE_GIANT: "专精特新“小巨人”企业",
}  # fmt: skip
"""Chinese words of each choice, for spreadsheets and for people."""

YES_NO = {True: "是", False: "否"}
YES_NO_WORDS = {
    "是": True, "yes": True, "true": True, "y": True, "1": True,
    "否": False, "no": False, "false": False, "n": False, "0": False,
}  # fmt: skip
"""Words for yes and no, as a cell may spell them."""


def _words(choices: Mapping[Any, str]) -> dict[str, str]:
    return {str(value): word for value, word in choices.items()}


_ENTERPRISE = (
    Column("id", "企业编号"),
    Column("name", "企业名称", width=28),
    Column("uscc", "统一社会信用代码", aliases=("信用代码",), width=22),
    Column("region", "行政区划代码"),
    Column("park", "开发区", aliases=("园区",)),
    Column("industry", "行业代码"),
    Column("industry_edition", "行业分类版本"),
    Column("industry_kind", "生产类型", Kind.CHOICE, choices=_words(INDUSTRY_KINDS)),
    Column("chain", "产业链"),
    Column("cluster", "产业集群", width=20),
    Column("size.year", "数据年份", Kind.NUMBER, aliases=("year",)),
    Column("size.staff", "从业人员", Kind.NUMBER, aliases=("staff", "职工人数")),
    Column("size.revenue_wan", "营业收入万元", Kind.NUMBER, aliases=("revenue_wan", "营业收入")),
    Column("size.output_wan", "产值万元", Kind.NUMBER, aliases=("output_wan", "产值")),
)
_TITLES = (
    Column("kind", "称号", Kind.CHOICE, choices=_words(TITLE_KINDS), width=24),
    Column("number", "证书编号"),
    Column("issued_on", "发证日期", Kind.DATE),
    Column("expires_on", "有效期止", Kind.DATE),
)
_LOCATIONS = (
    Column("id", "场所编号"),
    Column("kind", "类别", Kind.CHOICE, choices=_words(LOCATION_KINDS)),
    Column("name", "名称", width=20),
    Column("inside", "上级场所"),
    Column("region", "行政区划代码"),
    Column("park", "开发区"),
)
_DECLARED = (
    Column("declared_by", "签字人", aliases=("申报人",)),
    Column("declared_on", "签字日期", Kind.DATE, aliases=("申报日期",)),
)
_PROCESSES = (
    Column("id", "工序编号"),
    Column("name", "工序名称"),
    Column("key", "关键工序", Kind.YES_NO),
    Column("outsourced", "外协说明", width=24),
    Column("valid_from", "开始日期", Kind.DATE),
    Column("valid_to", "截止日期", Kind.DATE),
    *_DECLARED,
    Column("document", "工艺文件"),
)
_EQUIPMENT = (
    Column("id", "设备编号"),
    Column("name", "设备名称", width=20),
    Column("maker", "制造商", aliases=("厂家",), width=20),
    Column("model", "型号"),
    Column("serial", "出厂编号"),
    Column("controller", "数控系统", width=18),
    Column("control_type", "控制方式", Kind.CHOICE, choices=_words(CONTROL_TYPES)),
    Column("processes", "可承担工序", Kind.IDS, aliases=("工序",), width=20),
    Column("part_of", "所属成套设备"),
    Column("location", "所在场所", aliases=("车间",)),
    Column("device", "采集设备"),
    Column("in_service_from", "投用日期", Kind.DATE),
    Column("in_service_to", "停用日期", Kind.DATE),
    *_DECLARED,
)
_MACHINE = Column("equipment", "设备编号")
_LINKS = (
    _MACHINE,
    Column("process", "工序编号"),
    Column("valid_from", "开始日期", Kind.DATE),
    Column("valid_to", "截止日期", Kind.DATE),
)
_DOCUMENTS = (
    _MACHINE,
    Column("kind", "资料类别", Kind.CHOICE, choices=_words(DOCUMENT_KINDS)),
    Column("number", "编号", aliases=("发票号", "固定资产编号")),
    Column("sha256", "文件SHA256", aliases=("sha-256",), width=66),
    Column("on", "资料日期", Kind.DATE),
)
_WITNESSED = (
    _MACHINE,
    Column("on", "核验日期", Kind.DATE),
    Column("by", "核验人", width=24),
    Column("saw", "所见内容", width=40),
)

SHEETS = (
    Sheet("enterprise", "企业", _ENTERPRISE, RecordKind.ENTERPRISE),
    Sheet("titles", "称号", _TITLES, RecordKind.ENTERPRISE, inside="titles"),
    Sheet("locations", "场所", _LOCATIONS, RecordKind.LOCATION),
    Sheet("processes", "工序", _PROCESSES, RecordKind.PROCESS),
    Sheet("equipment", "设备", _EQUIPMENT, RecordKind.EQUIPMENT),
    Sheet("links", "设备工序", _LINKS, RecordKind.EQUIPMENT, inside="links"),
    Sheet("documents", "证明资料", _DOCUMENTS, RecordKind.EQUIPMENT, inside="documents"),
    Sheet("witnessed", "现场核验", _WITNESSED, RecordKind.EQUIPMENT, inside="witnessed"),
)
"""Every sheet, in the order in which a workbook is written; records before their details."""

_BRACKETS = re.compile(r"[(\[].*?[)\]]")


def find_sheet(title: str) -> Sheet | None:
    """Give the sheet of a title in either language; None for a sheet that is none of ours."""
    word = plain(title)
    return next((one for one in SHEETS if word in {plain(one.key), plain(one.title_zh)}), None)


def find_column(sheet: Sheet, title: str) -> Column | None:
    """Give the column a heading names, in either language and whatever the spelling; else None."""
    word = plain(title)
    for column in sheet.columns:
        if word in map(plain, (column.key, column.title_zh, *column.aliases)):
            return column
    return None


def choice(column: Column, word: str) -> str:
    """Give the value a word stands for; a word that is none is left, for the model to refuse."""
    for value, chinese in (column.choices or {}).items():
        if plain(word) in {plain(value), plain(chinese)}:
            return value
    return word


def plain(title: str) -> str:
    """Give a heading or word without what people vary: width, capitals, blanks, brackets."""
    text = unicodedata.normalize("NFKC", title).lower()
    text = _BRACKETS.sub("", text).strip().rstrip("*")
    return re.sub(r"[\s_]+", "", text)
