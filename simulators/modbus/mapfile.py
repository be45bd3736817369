"""Maps of devices from files: point tables (.csv, .xlsx) and YAML templates.

Read on its own, not by the agent's loader: a mistake there must not hide itself here. Takes what
concerns the registers (name, address, type, scale, offset, limits, states, orders) and leaves the
rest. Errors are ValueErrors that name the file and the point.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from simulators.modbus.places import places

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulators.modbus.places import Place

_TITLES: Final = {
    "点位名称": "name", "名称": "name", "点位": "name", "点名": "name", "tag": "name",
    "地址": "address", "点位地址": "address", "寄存器地址": "address",
    "数据类型": "type", "类型": "type", "datatype": "type",
    "倍率": "scale", "系数": "scale", "比例": "scale", "偏移": "offset", "偏移量": "offset",
    "下限": "min", "最小值": "min", "上限": "max", "最大值": "max",
    "状态映射": "states", "状态": "states", "值": "value",
}  # fmt: skip
"""Titles of a table's columns -> keys; a key is its own title."""
STATE_WORDS: Final = {
    "运行": "running", "加工": "running", "待机": "idle", "空闲": "idle", "报警": "alarm",
    "故障": "alarm", "调试": "setup", "准备": "setup", "关机": "off", "停机": "off",
    "未知": "unknown",
}  # fmt: skip
"""Chinese words for states -> the state."""
_ORDERS: Final = {
    ("big", "big"): "ABCD",
    ("little", "big"): "CDAB",
    ("big", "little"): "BADC",
    ("little", "little"): "DCBA",
}
"""(word order, byte order) of a device -> order of its values."""


@dataclass(frozen=True, slots=True)
class MapPoint:
    """One value of a device, and what a reader makes of it."""

    name: str
    place: Place
    scale: float = 1.0
    offset: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    states: Mapping[int | bool | str, str] = field(default_factory=dict)
    """Raw value -> state; empty where the point is no state."""
    value: Any = None
    """The engineering value the map itself gives; None: it gives none."""


def load_map(path: Path | str) -> tuple[MapPoint, ...]:
    """Read the points of a map.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no map; names the file and the first point that cannot be understood.
    """
    path = Path(path)
    rows, settings = _yaml(path) if path.suffix.lower() in {".yaml", ".yml"} else (_table(path), {})
    order = _ORDERS.get(
        (settings.get("word_order", "big"), settings.get("byte_order", "big")), "ABCD"
    )
    points: list[MapPoint] = []
    for row in rows:
        try:
            points += _points(row, order)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name}: {row.get('name', '?')}: {error}") from error
    if not points:
        raise ValueError(f"{path.name}: no points / 没有点位")
    twice = [name for name, times in Counter(p.name for p in points).items() if times > 1]
    if twice:
        raise ValueError(f"{path.name}: named twice / 名称重复: {', '.join(twice)}")
    return tuple(points)


def load_values(path: Path | str) -> dict[str, Any]:
    """Read engineering values by point: YAML or JSON `name: value`, or a table name, value.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    path = Path(path)
    if path.suffix.lower() in {".csv", ".xlsx"}:
        return {row["name"]: _literal(row.get("value", "")) for row in _table(path)}
    found = _parsed(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path.name}: write name: value / 请写成 名称: 数值")  # noqa: TRY004 - of a file
    return {str(name): value for name, value in found.items()}


def _points(row: Mapping[str, Any], order: str) -> list[MapPoint]:
    """Make the points of one row; an array gives one per value, numbered from 0."""
    found = places(str(row["address"]), str(row.get("type") or "auto").lower(), default_order=order)
    many, value = "[" in str(row["address"]), row.get("value")
    return [
        MapPoint(
            name=f"{row['name']}.{at}" if many else str(row["name"]),
            place=place,
            scale=float(row.get("scale") or 1),
            offset=float(row.get("offset") or 0),
            minimum=_number(row.get("min")),
            maximum=_number(row.get("max")),
            states=_states(row.get("states")),
            value=_literal(value) if isinstance(value, str) else value,
        )
        for at, place in enumerate(found)
    ]


def _states(given: Any) -> dict[int | bool | str, str]:
    if not given:
        return {}
    if isinstance(given, str):
        parts = given.replace("；", ";").replace("＝", "=").split(";")
        given = dict(part.split("=", 1) for part in parts if part.strip())
    return {_literal(str(k)): STATE_WORDS.get(str(v).strip(), str(v)) for k, v in given.items()}


def _literal(text: str) -> Any:
    """Read a number or a truth value where the text is one."""
    text = text.strip()
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for read in (lambda: int(text, 0), lambda: float(text)):
        try:
            return read()
        except ValueError:
            continue
    return text


def _number(given: Any) -> float | None:
    return None if given is None or given == "" else float(given)


def _yaml(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Read a template: its rows, and its settings."""
    found = _parsed(path)
    tags = found.get("tags") if isinstance(found, dict) else None
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise ValueError(f"{path.name}: no list of tags / 缺少 tags 列表")
    values = found.get("values") or {}
    return [tag | {"value": values.get(tag.get("name"))} for tag in tags], found


def _parsed(path: Path) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from error


def _table(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a table under the keys of their columns; blank cells and rows are none."""
    lines = iter(_sheet(path) if path.suffix.lower() == ".xlsx" else _csv(path))
    titles = [_TITLES.get(str(t or "").strip().lower(), str(t or "").strip()) for t in next(lines)]
    rows = [
        {
            title: cell
            for title, cell in zip(titles, line, strict=False)
            if cell is not None and str(cell).strip()
        }
        for line in lines
    ]
    return [row for row in rows if row]


def _csv(path: Path) -> Iterable[list[Any]]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    return csv.reader(io.StringIO(text))


def _sheet(path: Path) -> Iterable[list[Any]]:
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    try:
        return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
