"""YAML text to a tree of plain values that know where they stand in their file.

Guarantees: any bytes give a tree or problems, never an exception; nothing is constructed but
str, int, float, bool, None, list and dict; size, depth and alias expansion are bounded; a repeated
key is a problem. Keys are always text, as written. The scanner and parser are ruamel.yaml's; the
tree is built from its events because positions of every value are wanted and objects are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from agent.config.problems import Place, Problem, problem
from agent.config.syntax import syntax_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_BYTES = 1_000_000
"""Largest file: some 10 000 points; more belongs into point tables."""
MAX_DEPTH = 24
"""Deepest nesting; a configuration needs 7."""
MAX_NODES = 300_000
"""Most values after aliases are expanded: a MAX_BYTES file without aliases stays below."""

Scalar: TypeAlias = str | int | float | bool | None

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]{1,30}"), int),
    (re.compile(r"0x[0-9a-fA-F]{1,24}"), partial(int, base=16)),
    (re.compile(r"0o[0-7]{1,24}"), partial(int, base=8)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?"), float),
    (
        re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        lambda text: float(text.replace(".", "")),
    ),
)
_TEXT_TAGS = {"!", "tag:yaml.org,2002:str", "!!str"}


@dataclass(slots=True)
class Node:
    """One value and its place; a mapping also knows the places of its keys."""

    value: Scalar | list[Node] | dict[str, Node]
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)
    raw: str = ""
    """A number as it was written, for where text is wanted: a serial number keeps its zeros."""
    size: int = 1
    """How many values the node holds, itself included, aliases expanded."""

    @property
    def entries(self) -> dict[str, Node]:
        """The mapping's entries; empty when the node is something else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The sequence's items; empty when the node is something else."""
        return self.value if isinstance(self.value, list) else []

    def text(self, key: str) -> str:
        """Give the text under a key; empty when there is none."""
        found = self.entries.get(key)
        return found.value if found is not None and isinstance(found.value, str) else ""

    def plain(self) -> Any:
        """Give the value as ordinary dicts and lists, true and false as words.

        pydantic reads the words where a truth value is wanted; as bool they would pass for 1 and 0.
        """
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        if isinstance(self.value, bool):
            return self.raw or str(self.value)
        return self.value

    def without(self, *keys: str) -> Node:
        """Give a copy of the mapping that lacks some keys."""
        rest = {key: child for key, child in self.entries.items() if key not in keys}
        return Node(rest, self.place, self.keys)


def parse(data: bytes, *, file: str) -> tuple[Node | None, list[Problem]]:
    """Read one YAML document; None when it cannot be read at all, with the reason as a problem."""
    try:
        return _Composer(_decoded(data, file), file).document()
    except _Unreadable as error:
        return None, error.problems


class _Unreadable(Exception):  # noqa: N818 - names the text's state
    """Nothing more can be read; carries what is known so far."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems[-1].code)
        self.problems = list(problems)


def _decoded(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        limit = f"{MAX_BYTES // 1000} kB"
        raise _Unreadable(
            problem("E1002", Place(file), seen=f"{len(data) // 1000} kB", limit=limit)
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        byte = f"0x{data[error.start]:02X}"
        raise _Unreadable(problem("E1003", Place(file, line, column), seen=byte)) from None
    if not text.strip():
        raise _Unreadable(problem("E1009", Place(file)))
    return text


class _Composer:
    """Builds the tree of one document; used once."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._events = self._parsed(text)
        self._anchors: dict[str, Node] = {}
        self._problems: list[Problem] = []

    def document(self) -> tuple[Node | None, list[Problem]]:
        """Give the one document of the text and the problems met."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, (ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent)):
                if root is not None:
                    place = self._place(event)
                    self._problems.append(problem("E1008", place, seen="---"))
                    break
                root = self._node(event, depth=0)
        if root is None and not self._problems:  # nothing but comments
            self._problems.append(problem("E1009", Place(self._file)))
        return root, self._problems

    def _parsed(self, text: str) -> Iterator[Any]:
        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except YAMLError as error:
            self._fail(syntax_problem(error, text=text, file=self._file))
        except (ValueError, OverflowError, AssertionError) as error:
            # the scanner converts %YAML versions and \U escapes without looking at their range
            wrong = MarkedYAMLError(problem=str(error))
            self._fail(syntax_problem(wrong, text=text, file=self._file))

    def _fail(self, last: Problem) -> NoReturn:
        raise _Unreadable(*self._problems, last) from None

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _node(self, event: Any, *, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self._fail(problem("E1007", self._place(event), limit=str(MAX_DEPTH)))
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if isinstance(event, MappingStartEvent):
            node = self._mapping(event, depth=depth + 1)
        elif isinstance(event, SequenceStartEvent):
            node = self._sequence(event, depth=depth + 1)
        else:
            node = Node(self._scalar(event), self._place(event), raw=str(event.value))
        if node.size > MAX_NODES:
            self._fail(problem("E1011", node.place, limit=str(MAX_NODES)))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        # an anchor is known only once its node is complete: a cycle is an unknown alias
        node = self._anchors.get(event.anchor)
        if node is None:
            self._fail(problem("E1012", self._place(event), seen=f"*{event.anchor}"))
        return node

    def _sequence(self, event: Any, *, depth: int) -> Node:
        self._refuse_tag(event)
        items: list[Node] = []
        for inner in self._events:
            if isinstance(inner, SequenceEndEvent):
                break
            items.append(self._node(inner, depth=depth))
        return Node(items, self._place(event), size=1 + sum(one.size for one in items))

    def _mapping(self, event: Any, *, depth: int) -> Node:
        self._refuse_tag(event)
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        size = 1
        for inner in self._events:
            if isinstance(inner, MappingEndEvent):
                break
            if not isinstance(inner, ScalarEvent):
                self._fail(problem("E1013", self._place(inner)))
            key, place = str(inner.value), self._place(inner)
            child = self._node(next(self._events), depth=depth)
            size += child.size
            if key in entries:
                line = str(keys[key].line)
                self._problems.append(problem("E1006", place, where=key, seen=key, first=line))
                continue
            entries[key], keys[key] = child, place
        return Node(entries, self._place(event), keys, size=size)

    def _scalar(self, event: Any) -> Scalar:
        text = str(event.value)
        if event.tag is not None:
            self._refuse_tag(event, allowed=_TEXT_TAGS)
            return text
        return resolve(text) if event.implicit[0] else text

    def _refuse_tag(self, event: Any, allowed: Sequence[str] | set[str] = ()) -> None:
        if event.tag is not None and event.tag not in allowed:
            self._problems.append(problem("E1014", self._place(event), seen=event.tag))


def resolve(text: str) -> Scalar:
    """Give the value of an unquoted scalar by the YAML 1.2 core schema; overlong numbers stay text.

    Source: YAML 1.2.2, section 10.3.2.
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    for shape, convert in _NUMBERS:
        if shape.fullmatch(text):
            return convert(text)
    return text
