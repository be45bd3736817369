"""The fonts of the PDF: our own for GB 2312, the system's for rarer characters, else said so.

A character for which there is no glyph is never left to become an empty box: it is written as its
code in brackets. Source of ours: Noto Sans SC, SIL Open Font License 1.1, subset to GB 2312.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fontTools.ttLib import TTFont, TTLibError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable

REGULAR: Final = "NotoSansSC-GB2312-Regular.ttf"
BOLD: Final = "NotoSansSC-GB2312-Bold.ttf"

SYSTEM_FONTS: Final = tuple(
    map(
        Path,
        (
            "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
            "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
            "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
            "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
            "C:/Windows/Fonts/simsunb.ttf",
            "C:/Windows/Fonts/msyh.ttc",
        ),
    )
)
"""Where systems keep a font with rare characters; the first that helps is used."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """A font of the system, and what it is used for."""

    path: Path
    characters: frozenset[str]


def font_file(name: str) -> Traversable:
    """Give one of our own font files."""
    return files("agent.proof.report").joinpath("fonts", name)


@cache
def own_characters() -> frozenset[str]:
    """Give the characters our own fonts have."""
    with font_file(REGULAR).open("rb") as file, TTFont(file, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


def missing(text: str) -> frozenset[str]:
    """Give the characters of a text that our own fonts lack; line ends are none."""
    return frozenset(text) - own_characters() - {"\n"}


def fallback_for(characters: frozenset[str], fonts: Iterable[Path]) -> Fallback | None:
    """Find the system's font that has most of these; None where none has any."""
    found = [Fallback(path, characters & _characters(path)) for path in fonts if path.is_file()]
    best = max(found, key=lambda one: len(one.characters), default=None)
    return best if best is not None and best.characters else None


def spelled(text: str, lacking: frozenset[str]) -> str:
    """Write characters nobody has a glyph for as their codes."""
    if lacking.isdisjoint(text):
        return text
    return "".join(_code(char) if char in lacking else char for char in text)


def _code(char: str) -> str:
    if unicodedata.category(char) in {"Cf", "Mn", "Cc"}:  # shows nothing of its own
        return ""
    return f"[U+{ord(char):04X}]"


def _characters(path: Path) -> frozenset[str]:
    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            return frozenset(map(chr, font.getBestCmap() or {}))
    except (TTLibError, OSError):
        return frozenset()
