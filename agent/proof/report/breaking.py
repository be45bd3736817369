"""Breaks a text into lines of a width: between Chinese characters, else between words.

A line begins with no closing mark and ends with no opening one (避头尾).
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NOT_FIRST = frozenset("，。；：、）】》”’！？…～·%,.;:)]}!?")
_NOT_LAST = frozenset("（【《“‘([{")


def broken(text: str, width: float, measure: Callable[[str], float]) -> str:
    """Give the text with line ends; what is wider than a line by itself is left to the page."""
    return "\n".join(line for part in text.split("\n") for line in _lines(part, width, measure))


def _lines(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    line = ""
    for unit in _units(text):
        if line and measure((line + unit).rstrip()) > width:
            yield line.rstrip()
            line = unit.lstrip()
        else:
            line += unit
    yield line.rstrip()


def _units(text: str) -> Iterator[str]:
    """Give the parts between which a line may end, spaces with the part before them."""
    unit = ""
    for char in text:
        if unit and _may_part(unit[-1], char):
            yield unit
            unit = ""
        unit += char
    yield unit


def _may_part(before: str, after: str) -> bool:
    if after == " " or after in _NOT_FIRST or before in _NOT_LAST:
        return False
    return before == " " or _wide(before) or _wide(after)


def _wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"
