"""Changes records in the text of a configuration file and leaves every other line as it is.

Works on lines: a record that is not changed keeps its bytes, a changed one keeps its comments and
the order of its keys, a deleted one goes with its own lines only. Pure; what comes out must be
read again by the caller, who alone knows what it should say.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

from agent.config.document import resolve
from agent.ledger.records import RecordKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.config.problems import Place
    from agent.ledger.entry import Change
    from agent.ledger.records import Record

_WIDTH = 4096
"""No line is folded: what stood on one line stays on one."""
_DATES = {
    "valid_from", "valid_to", "declared_on", "in_service_from", "in_service_to",
    "on", "issued_on", "expires_on",
}  # fmt: skip
"""Keys whose texts are dates, which YAML writes without quotes."""
_PLAIN = re.compile(r"[A-Za-z\u4e00-\u9fff]([\w\u4e00-\u9fff .()/（）-]*[\w\u4e00-\u9fff.)）])?")
"""Texts that mean themselves wherever they stand; all others get quotes."""
_OLD_WORDS = {"y", "n", "yes", "no", "on", "off"}
"""What older YAML programs take for a truth value."""
_DASH = re.compile(r"^\s*-\s+(?=\S)")
_INDENTED_LIST = re.compile(r"^(\s*)[\w.]+:\s*(#.*)?\n\1 +- ", re.MULTILINE)
_FLOW_TEXT = re.compile(r"^\s*-\s*\{")


class Uneditable(ValueError):  # noqa: N818 - names the text's state
    """A section is written in a way that cannot be changed record by record; names it."""


@dataclass(frozen=True, slots=True)
class _Section:
    """Where the key of a section stands, counted from 0, and what it holds."""

    line: int
    value: Node


@dataclass(frozen=True, slots=True)
class _Splice:
    """Lines from `start` to before `end` that become others."""

    start: int
    end: int
    lines: list[str]
    tail: bool = False
    """Whether it begins a section: it stands behind what else is added at the same place."""


def edited(text: str, changes: Sequence[Change], *, keys: Mapping[str, Place]) -> str:
    """Give the text with records changed, added (at the end of their section) or removed.

    `keys` tells where the sections of the file begin: only the ledger's own are read again.

    Raises:
        Uneditable: a section is not written as block lists of records, or the text is no YAML.
    """
    if not changes:
        return text
    crlf = "\r\n" in text
    lines = text.replace("\r\n", "\n").split("\n")
    sections = _sections(lines, keys)
    splices: list[_Splice] = []
    for kind in RecordKind:
        own = [one for one in changes if one.key is not None and one.key[0] is kind]
        if own and kind is RecordKind.ENTERPRISE:
            splices.append(_changed_mapping(lines, sections, kind.section, own[0]))
        elif own:
            splices += _changed_list(lines, sections.get(kind.section), kind.section, own)
    for splice in sorted(splices, key=_place, reverse=True):
        lines[splice.start : splice.end] = splice.lines
    return ("\r\n" if crlf else "\n").join(lines)


def _place(splice: _Splice) -> tuple[int, int, bool]:
    return splice.start, splice.end, splice.tail


def _changed_mapping(
    lines: list[str], sections: dict[str, _Section], name: str, change: Change
) -> _Splice:
    section = sections.get(name)
    if section is None or not isinstance(section.value, MappingNode) or change.after is None:
        raise Uneditable(name)
    end = _last_line(section.value) + 1
    holder = _loaded(lines[section.line : end], name)
    _update(holder[name], change.before or {}, change.after)
    return _Splice(section.line, end, _dumped(holder, like=lines[section.line + 1 : end]))


def _changed_list(
    lines: list[str], section: _Section | None, name: str, changes: Sequence[Change]
) -> list[_Splice]:
    wanted = {one.key[1]: one for one in changes if one.key is not None}
    if section is None or _is_empty(section.value):
        added = [one.after for one in changes if one.after is not None]
        return [_begun_section(lines, name, section, added)] if added else []
    if not isinstance(section.value, SequenceNode) or section.value.flow_style:
        raise Uneditable(name)
    splices, kept = [], 0
    for item in section.value.value:
        change = wanted.pop(_id_of(item) or "", None)
        start, end = _first_line(lines, item), _last_line(item) + 1
        kept += change is None or change.after is not None
        if change is not None and change.after is None:
            splices.append(_Splice(start, end, []))
        elif change is not None:
            splices.append(_Splice(start, end, _changed_item(lines[start:end], name, change)))
    added = [one.after for one in wanted.values() if one.after is not None]
    if added:
        splices.append(_added_items(lines, section.value.value[-1], added))
    elif not kept:
        emptied = re.sub(r":", ": []", lines[section.line], count=1)
        splices.append(_Splice(section.line, section.line + 1, [emptied]))
    return splices


def _changed_item(block: list[str], name: str, change: Change) -> list[str]:
    """Give the lines of one record, changed."""
    dash = _DASH.match(block[0])
    if dash is None or change.after is None:
        raise Uneditable(name)
    indent = len(dash[0])
    record = _loaded([line[indent:] for line in block], name)
    _update(record, change.before or {}, change.after)
    first, *rest = _dumped(record, like=block[1:])
    return [dash[0] + first, *((" " * indent + line).rstrip() for line in rest)]


def _added_items(lines: list[str], last: Node, records: Sequence[Record]) -> _Splice:
    """Write records behind the last one of their section, in the style of that."""
    start, end = _first_line(lines, last), _last_line(last) + 1
    indent = len(lines[start]) - len(lines[start].lstrip())
    flow = bool(_FLOW_TEXT.match(lines[start]))
    return _Splice(
        end, end, [line for one in records for line in _new_item(one, indent, flow=flow)]
    )


def _begun_section(
    lines: list[str], name: str, section: _Section | None, records: Sequence[Record]
) -> _Splice:
    items = [line for one in records for line in _new_item(one, 2, flow=False)]
    if section is None:
        end = len(lines)
        while end and not lines[end - 1].strip():
            end -= 1
        return _Splice(end, end, ["", f"{name}:", *items], tail=True)
    head = re.sub(r":\s*(\[\s*\]|~|null)?", ":", lines[section.line], count=1)
    return _Splice(section.line, section.line + 1, [head, *items])


def _new_item(record: Record, indent: int, *, flow: bool) -> list[str]:
    """Give the lines of a new record; its id stands first."""
    first = {"id": record["id"]} if "id" in record else {}
    mapping = _plain(first | record)
    if flow:
        mapping.fa.set_flow_style()
    return [(" " * indent + line).rstrip() for line in _dumped(CommentedSeq([mapping]))]


def _update(target: Any, before: Record, after: Record) -> None:
    """Change only the keys that differ, in place."""
    for key in [key for key in before if key not in after]:
        target.pop(key, None)
    for key, value in after.items():
        if key not in before or before[key] != value:
            target[key] = _plain(value, key=key)


def _plain(value: Any, *, key: str = "") -> Any:
    """Give a JSON value as what the writer needs: short lists on one line, dates unquoted."""
    if isinstance(value, dict):
        return CommentedMap((name, _plain(one, key=name)) for name, one in value.items())
    if isinstance(value, list):
        listed = CommentedSeq(_plain(one, key=key) for one in value)
        listed.fa.set_flow_style()
        return listed
    if key in _DATES and isinstance(value, str):
        return date.fromisoformat(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _quoted(value) if isinstance(value, str) else value


def _quoted(text: str) -> str:
    """Mark a text that might be read as something else, or not at all, to be written in quotes."""
    if _PLAIN.fullmatch(text) and resolve(text) == text and text.lower() not in _OLD_WORDS:
        return text
    quoted: str = (SingleQuotedScalarString if text.isprintable() else DoubleQuotedScalarString)(
        text
    )
    return quoted


def _writer() -> YAML:
    yaml = YAML(typ="rt")
    yaml.width = _WIDTH
    yaml.preserve_quotes = True
    return yaml


def _loaded(block: list[str], name: str) -> Any:
    try:
        return _writer().load("\n".join(block) + "\n")
    except (YAMLError, ValueError) as error:
        raise Uneditable(name) from error


def _dumped(value: Any, *, like: Sequence[str] = ()) -> list[str]:
    """Give the lines of a value, its lists indented as in the lines it came from."""
    out = io.StringIO()
    writer = _writer()
    if isinstance(value, CommentedMap) and _INDENTED_LIST.search("\n".join(like)):
        writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(value, out)
    return out.getvalue().rstrip("\n").split("\n")


def _sections(lines: list[str], keys: Mapping[str, Place]) -> dict[str, _Section]:
    """Find the ledger's sections; what they hold knows its lines in the whole file."""
    if any(place.column != 1 for place in keys.values()):
        raise Uneditable("")  # one mapping in braces, or indented as a whole
    starts = {name: place.line - 1 for name, place in keys.items()}
    ends = sorted([*starts.values(), len(lines)])
    found = {}
    for kind in RecordKind:
        name = kind.section
        if name in starts:
            start = starts[name]
            found[name] = _section(lines, start, next(end for end in ends if end > start), name)
    return found


def _section(lines: list[str], start: int, end: int, name: str) -> _Section:
    """Read one section between two lines."""
    try:  # the empty lines before it keep the numbers of its lines
        root = YAML(typ="safe", pure=True).compose("\n" * start + "\n".join(lines[start:end]))
    except (YAMLError, ValueError) as error:
        raise Uneditable(name) from error
    if not isinstance(root, MappingNode) or len(root.value) != 1:
        raise Uneditable(name)
    key, value = root.value[0]
    return _Section(key.start_mark.line, value)


def _is_empty(node: Node) -> bool:
    if isinstance(node, SequenceNode):
        return not node.value
    return isinstance(node, ScalarNode) and node.value in {"", "~", "null"}


def _id_of(node: Node) -> str | None:
    if not isinstance(node, MappingNode):
        return None
    return next((str(value.value) for key, value in node.value if key.value == "id"), None)


def _first_line(lines: list[str], node: Node) -> int:
    """Give the line of an item's dash."""
    line: int = node.start_mark.line
    while line > 0 and not lines[line].lstrip().startswith("-"):
        line -= 1
    return line


def _last_line(node: Node) -> int:
    """Give the last line with something of a node; comments behind it are not its own."""
    block = isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style
    if block and node.value:
        last = node.value[-1]
        key, value = last if isinstance(last, tuple) else (last, last)
        return max(_last_line(key), _last_line(value))
    end: int = node.end_mark.line
    return end - 1 if node.end_mark.column == 0 and end > node.start_mark.line else end
