"""Classes of economic activity (国民经济行业分类): a section letter and 2 to 4 digits.

Checks the letter against the division's range; does not hold the names of all classes.
Source: GB/T 4754, editions 2011 and 2017 (sections B to D agree in both).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agent.config.codes.problem import CodeProblem, Severity
from agent.config.ledger import IndustryKind
from agent.config.uscc import normalized
from agent.telemetry.status import Message

EDITIONS: Final = ("2011", "2017")
"""Editions whose section ranges are known here."""

_SECTION_ENDS: Final = {
    "A": 5, "B": 12, "C": 43, "D": 46, "E": 50, "F": 52, "G": 60, "H": 62, "I": 65, "J": 69,
    "K": 70, "L": 72, "M": 75, "N": 79, "O": 82, "P": 83, "Q": 85, "R": 90, "S": 96, "T": 97,
}  # fmt: skip
"""Last division of each section; a section begins after the one before it."""
_INDUSTRY: Final = frozenset("BCD")
_PROCESS: Final = frozenset({*range(6, 13), 22, *range(25, 29), *range(30, 33), *range(44, 47)})
_MIXED: Final = frozenset({13, 14, 15, 29})


@dataclass(frozen=True, slots=True)
class Industry:
    """A class, as far as it could be understood."""

    code: str
    """Section letter and digits; the letter is added where it was left out."""
    edition: str
    division: int | None = None
    kind: IndustryKind | None = None
    """What the division usually is; an enterprise may state otherwise. None outside industry."""
    problems: tuple[CodeProblem, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the code can be right."""
        return all(p.severity is not Severity.ERROR for p in self.problems)


def parse_industry(text: str, edition: str = "2017") -> Industry:
    """Normalize a class such as C3484 and check its letter."""
    code = normalized(text)
    match = re.fullmatch(r"([A-T]?)([0-9]{2,4})", code)
    section = _section(int(match[2][:2])) if match else None
    if match is None or section is None:
        return Industry(code, edition, problems=(_malformed(code),))
    letter, division = match[1], int(match[2][:2])
    if letter and letter != section:
        return Industry(code, edition, division, problems=(_wrong_letter(code, section),))
    return Industry(
        section + match[2], edition, division, _kind(section, division), _remarks(section, edition)
    )


def _section(division: int) -> str | None:
    if division < 1:
        return None
    return next((letter for letter, end in _SECTION_ENDS.items() if division <= end), None)


def _kind(section: str, division: int) -> IndustryKind | None:
    if section not in _INDUSTRY:
        return None
    if division in _MIXED:
        return IndustryKind.MIXED
    return IndustryKind.PROCESS if division in _PROCESS else IndustryKind.DISCRETE


def _remarks(section: str, edition: str) -> tuple[CodeProblem, ...]:
    found = []
    if section not in _INDUSTRY:
        message = Message(
            en=f"section {section} is not industry (B, C or D)",
            zh=f"门类 {section} 不属于工业（B、C、D）",
        )
        found.append(CodeProblem("industry_not_industrial", Severity.WARNING, message))
    if edition not in EDITIONS:
        message = Message(
            en=f"edition {edition!r} of GB/T 4754 is not known here ({', '.join(EDITIONS)}); "
            "the letter was checked against 2017",
            zh=f"未收录 GB/T 4754 的 {edition} 版（已收录 {'、'.join(EDITIONS)}），"
            "按 2017 版核对门类",
        )
        found.append(CodeProblem("industry_edition", Severity.WARNING, message))
    return tuple(found)


def _malformed(code: str) -> CodeProblem:
    message = Message(
        en=f"{code!r} is no class of GB/T 4754; it looks like C3484",
        zh=f"“{code}”不是 GB/T 4754 行业代码，正确形式如 C3484",
    )
    return CodeProblem("industry_form", Severity.ERROR, message)


def _wrong_letter(code: str, section: str) -> CodeProblem:
    message = Message(
        en=f"{code}: division {code[1:3]} belongs to section {section}, not {code[0]}",
        zh=f"{code}：大类 {code[1:3]} 属于门类 {section}，不是 {code[0]}",
    )
    return CodeProblem("industry_letter", Severity.ERROR, message)
