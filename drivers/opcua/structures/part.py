"""Which part of a value an address means: an element of an array, a field of a structure.

    [3]            the fourth element: indexes count from 0
    [1,2]          an element of a matrix: row 1, column 2
    Pos.X          the field X of the field Pos
    [0].Count      the field of an element
    [0:7]          the elements 0 to 7, both counted: one tag each (see `expand`)

`&` before a character makes it a plain one of a field's name. Nothing here asks a server.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from drivers.opcua.address_refusal import Refusal

MAX_INDEX: Final = 65_535
"""Greatest index of an element; longer arrays are files, not points."""
MAX_STEPS: Final = 16
"""Deepest part: as deep as values may nest."""

Indexes: TypeAlias = tuple[int, ...]
"""Index of an element in each dimension."""
Step: TypeAlias = str | Indexes
"""A field by its name, or an element by its indexes."""
Part: TypeAlias = tuple[Step, ...]
"""Way from a value to its part; empty: the whole value."""
Span: TypeAlias = tuple[int | range, ...]
"""Indexes of an element, or of several where a dimension is a range."""

_STEP = re.compile(r"\[(?P<at>[^\[\]]*)\]|(?P<dot>\.?)(?P<field>(?:&.|[^.\[\]&])+)", re.DOTALL)
_RESERVED = re.compile(r"[.\[\]&#]")
_NOT_A_PART = Refusal(
    "what follows # is not a part of a value",
    "# 后面的内容不是数组元素或结构体字段",
    hint="Write #[3] for an element, #[1,2] in a matrix, #Field.Sub for a field.",
    hint_zh="数组元素写 #[3]，矩阵写 #[1,2]，结构体字段写 #字段.子字段。",
)


def parse_spans(text: str) -> tuple[str | Span, ...]:
    """Parse what follows the node in an address, ranges included.

    Raises:
        Refusal: it is no part of a value.
    """
    found: list[str | Span] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or len(found) == MAX_STEPS:
            raise _not_a_part(text)
        if match["at"] is not None:
            found.append(_span(match["at"], text))
        elif bool(match["dot"]) == bool(found):
            found.append(re.sub(r"&(.)", r"\1", match["field"], flags=re.DOTALL))
        else:
            raise _not_a_part(text)
        at = match.end()
    return tuple(found)


def parse_part(text: str) -> Part:
    """Parse a part that names one value.

    Raises:
        Refusal: it is none, or it names several.
    """
    part: list[Step] = []
    for step in parse_spans(text):
        if isinstance(step, str):
            part.append(step)
            continue
        indexes = tuple(one for one in step if isinstance(one, int))
        if len(indexes) != len(step):
            raise Refusal(
                f"{text!r} names several values", f"{text!r} 指的是多个值",
                hint="Write one element such as #[0].", hint_zh="请写成单个元素，例如 #[0]。",
            )  # fmt: skip
        part.append(indexes)
    return tuple(part)


def format_part(part: Part) -> str:
    """Write a part so that `parse_part` gives it back, `#` first; empty for a whole value."""
    text = ""
    for step in part:
        if isinstance(step, str):
            text += ("." if text else "") + _RESERVED.sub(r"&\g<0>", step)
        else:
            text += f"[{','.join(map(str, step))}]"
    return f"#{text}" if text else ""


def _span(text: str, whole: str) -> Span:
    return tuple(_dimension(one.strip(), whole) for one in text.split(","))


def _dimension(text: str, whole: str) -> int | range:
    """Parse `3`, or `0:7` as the standard's NumericRange has it: the last one counts."""
    match = re.fullmatch(r"([0-9]{1,5})(?::([0-9]{1,5}))?", text)
    if match is None:
        raise _not_a_part(whole)
    first, last = int(match[1]), int(match[2] or match[1])
    if last > MAX_INDEX or first > last:
        raise Refusal(
            f"[{text}] is no range of indexes from 0 to {MAX_INDEX}",
            f"[{text}] 不是 0 到 {MAX_INDEX} 之间的下标范围",
        )
    return first if match[2] is None else range(first, last + 1)


def _not_a_part(text: str) -> Refusal:
    return Refusal(
        f"{text!r}: {_NOT_A_PART}", f"{text!r}：{_NOT_A_PART.zh}",
        hint=_NOT_A_PART.hint, hint_zh=_NOT_A_PART.hint_zh,
    )  # fmt: skip
