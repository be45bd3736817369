"""The columns of a point table: their keys, their titles, and how a cell becomes a value.

A blank cell states nothing: the template's value, else the default holds. Blanks around a text
are dropped. States are written `0=idle;1=running`; a backslash keeps `;`, `=` or a blank that
belongs to a raw value.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from agent.config.model import MachineState, TagEntry

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """What a column's cells hold."""

    TEXT = "text"
    CHOICE = "choice"
    """Text in lower case."""
    NUMBER = "number"
    STATES = "states"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a key of `TagEntry`, its Chinese title, and other names it is known by."""

    key: str
    title_zh: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    width: int = 12
    """Width in a spreadsheet, in characters."""


COLUMNS = (
    Column("name", "点位名称", Kind.TEXT, ("名称", "点位", "点名", "tag"), 26),
    Column("address", "地址", Kind.TEXT, ("点位地址", "寄存器地址", "node", "nodeid"), 30),
    Column("type", "数据类型", Kind.CHOICE, ("类型", "datatype"), 11),
    Column("unit", "单位", Kind.TEXT, (), 9),
    Column("group", "采集组", Kind.TEXT, ("分组",), 11),
    Column("scale", "倍率", Kind.NUMBER, ("系数", "比例"), 9),
    Column("offset", "偏移", Kind.NUMBER, ("偏移量",), 9),
    Column("min", "下限", Kind.NUMBER, ("最小值",), 9),
    Column("max", "上限", Kind.NUMBER, ("最大值",), 9),
    Column("deadband", "死区", Kind.NUMBER, (), 9),
    Column("states", "状态映射", Kind.STATES, ("状态",), 30),
    Column("description", "说明", Kind.TEXT, ("描述", "备注", "desc"), 26),
)
"""Every column, in the order in which tables are written; only the first two are required."""

REQUIRED = ("name", "address")
"""Keys without which a table is none."""

NUMBERING = {"序号", "编号", "no", "no.", "#"}
"""Titles of a column that only counts rows; it is skipped."""

STATE_WORDS: Mapping[str, MachineState] = {
    **{state.value: state for state in MachineState},
    "运行": MachineState.RUNNING, "加工": MachineState.RUNNING,
    "待机": MachineState.IDLE, "空闲": MachineState.IDLE,
    "报警": MachineState.ALARM, "故障": MachineState.ALARM,
    "调试": MachineState.SETUP, "准备": MachineState.SETUP,
    "关机": MachineState.OFF, "停机": MachineState.OFF,
    "未知": MachineState.UNKNOWN,
}  # fmt: skip
"""Words a state may be written with in a table; tables are written with the English ones."""

_BRACKETS = re.compile(r"[(\[].*?[)\]]")
_STATE = re.compile(r"(?P<raw>(?:\\.|[^\\;；=＝])+)[=＝](?P<state>[^\\;；=＝]+)", re.DOTALL)
_SEPARATOR = re.compile(r"[;；\s]*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MUST_ESCAPE = re.compile(r"([\\;；=＝])")


def find_column(title: str) -> Column | None:
    """Give the column a heading names, in either language and whatever the spelling; else None."""
    return _BY_TITLE.get(_plain(title))


def titles(lang: str) -> list[str]:
    """Give the headings of a table in `zh` or, for anything else, the keys."""
    return [column.title_zh if lang == "zh" else column.key for column in COLUMNS]


def parse_states(text: str) -> dict[str, str] | None:
    """Read `0=idle;1=running` (or 运行, 待机, …) to raw value -> state; None when it is not that.

    A state that is none is left as written, for the model to refuse.
    """
    found: dict[str, str] = {}
    at = _skip(text, 0)
    while at < len(text):
        match = _STATE.match(text, at)
        if match is None:
            return None
        raw, word = _unescaped(match["raw"]), match["state"].strip()
        if raw in found:
            return None
        found[raw] = str(STATE_WORDS.get(word.lower(), word))
        at = _skip(text, match.end())
        if at < len(text) and not _SEPARATOR.fullmatch(text[match.end() : at]):
            return None
    return found


def format_states(states: Mapping[str, str]) -> str:
    """Write states so that `parse_states` gives them back."""
    return ";".join(f"{_escaped(raw)}={state}" for raw, state in states.items())


def cell_of(tag: TagEntry, column: Column) -> str | float | None:
    """Give what a tag's cell holds: what the tag states itself, else None."""
    if column.key not in tag.model_fields_set:
        return None
    value: Any = getattr(tag, column.key)
    if column.kind is Kind.STATES:
        return format_states(value) or None
    if column.kind is Kind.NUMBER:
        return value  # type: ignore[no-any-return]  # float | None by the model
    return str(value) or None


def _skip(text: str, at: int) -> int:
    match = _SEPARATOR.match(text, at)
    return match.end() if match is not None else at


def _escaped(raw: str) -> str:
    text = _MUST_ESCAPE.sub(r"\\\1", raw)
    if text[:1].isspace():
        text = "\\" + text
    if text[-1:].isspace():
        text = text[:-1] + "\\" + text[-1]
    return text


def _unescaped(text: str) -> str:
    body = text.strip()
    if body.endswith("\\") and len(text.rstrip()) < len(text):
        body += text[len(text.rstrip())]
    return _ESCAPED.sub(r"\1", body)


def _plain(title: str) -> str:
    text = unicodedata.normalize("NFKC", title).lower()
    text = _BRACKETS.sub("", text).strip().rstrip("*")
    return re.sub(r"[\s_]+", "", text)


_BY_TITLE = {
    _plain(title): column
    for column in COLUMNS
    for title in (column.key, column.title_zh, *column.aliases)
}
