"""The columns of a point table: their keys, their titles, and how a cell becomes a value.

A blank cell states nothing: the template's value, else the default holds. Blanks around a text
are dropped. States are written `0=idle;1=running`; a backslash keeps `;`, `=` or a blank that
belongs to a raw value. Leave to write is written `min=0;max=100;step=1`, or `yes` without limits.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from agent.config.model import MachineState, TagEntry, Write

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """What a column's cells hold."""

    TEXT = "text"
    CHOICE = "choice"
    """Text in lower case."""
    NUMBER = "number"
    STATES = "states"
    WRITE = "write"


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
    Column("write", "允许写", Kind.WRITE, ("写", "可写", "写入"), 24),
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

WRITE_KEYS: Mapping[str, str] = {
    **{key: key for key in Write.model_fields},
    "下限": "min", "最小值": "min", "上限": "max", "最大值": "max", "步长": "step",
    "间隔": "min_interval_s", "确认": "confirm",
}  # fmt: skip
"""Keys of leave to write, as a table may spell them."""

WRITE_WORDS: Mapping[str, bool] = {
    "yes": True, "true": True, "是": True, "允许": True,
    "no": False, "false": False, "否": False, "只读": False,
}  # fmt: skip
"""Words for leave to write without limits, and for none."""

_CONFIRM_WORDS = {"回读": "read-back", "不确认": "none"}

_BRACKETS = re.compile(r"[(\[].*?[)\]]")
_TOKEN = re.compile(r"\\.|.", re.DOTALL)
_MUST_ESCAPE = re.compile(r"[\\;；=＝\n]|^\s|\s\Z")
_SEPARATORS = {";", "；", "\n"}
_EQUALS = {"=", "＝"}


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
    for part in _split(_TOKEN.findall(text), _SEPARATORS):
        if not part:
            continue
        raw, *rest = _split(part, _EQUALS)
        if len(rest) != 1 or not raw or not rest[0]:
            return None
        key, word = _text(raw), _text(rest[0])
        if key in found:
            return None
        found[key] = str(STATE_WORDS.get(word.lower(), word))
    return found


def format_states(states: Mapping[str, str]) -> str:
    """Write states so that `parse_states` gives them back."""
    return ";".join(
        _MUST_ESCAPE.sub(r"\\\g<0>", raw) + f"={state}" for raw, state in states.items()
    )


def parse_write(text: str) -> dict[str, str] | bool | None:
    """Read `min=0;max=100` to key -> text, a word for yes or no to a bool; None when it is neither.

    Unknown keys and values are left as written, for the model to refuse.
    """
    word = WRITE_WORDS.get(text.strip().lower())
    if word is not None:
        return word
    found: dict[str, str] = {}
    for part in _split(_TOKEN.findall(text), _SEPARATORS):
        if not part:
            continue
        raw, *rest = _split(part, _EQUALS)
        if len(rest) != 1 or not raw or not rest[0]:
            return None
        name, value = _text(raw), _text(rest[0])
        key = WRITE_KEYS.get(name.lower(), name)
        if key in found:
            return None
        found[key] = _CONFIRM_WORDS.get(value, value)
    return found or None


def format_write(write: Write | None) -> str:
    """Write leave so that `parse_write` gives it back."""
    if write is None:
        return "no"
    stated = {
        key: getattr(write, key) for key in Write.model_fields if key in write.model_fields_set
    }
    parts = [f"{key}={_short(value)}" for key, value in stated.items() if value is not None]
    return ";".join(parts) or "yes"


def cell_of(tag: TagEntry, column: Column) -> str | float | None:
    """Give what a tag's cell holds: what the tag states itself, else None."""
    if column.key not in tag.model_fields_set:
        return None
    value: Any = getattr(tag, column.key)
    if column.kind is Kind.STATES:
        return format_states(value) or None
    if column.kind is Kind.WRITE:
        return format_write(value)
    if column.kind is Kind.NUMBER:
        return value  # type: ignore[no-any-return]  # float | None by the model
    return str(value) or None


def _split(tokens: list[str], at: set[str]) -> list[list[str]]:
    """Split at unescaped separators; unescaped blanks around a part are dropped."""
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token in at:
            parts.append([])
        else:
            parts[-1].append(token)
    for part in parts:
        while part and part[0].isspace():
            del part[0]
        while part and part[-1].isspace():
            del part[-1]
    return parts


def _short(value: float | str) -> str:
    """Write a number without the `.0` of a whole one."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _text(tokens: list[str]) -> str:
    return "".join(token[-1] for token in tokens)


def _plain(title: str) -> str:
    text = unicodedata.normalize("NFKC", title).lower()
    text = _BRACKETS.sub("", text).strip().rstrip("*")
    return re.sub(r"[\s_]+", "", text)


_BY_TITLE = {
    _plain(title): column
    for column in COLUMNS
    for title in (column.key, column.title_zh, *column.aliases)
}
