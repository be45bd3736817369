"""Administrative regions of Hubei (行政区划代码): 6 digits, province, prefecture, county.

Development zones have no code of their own: an enterprise there bears its county's.
Source: GB/T 2260; tables in `hubei`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.config.codes.hubei import COUNTIES, PREFECTURES, RETIRED
from agent.config.codes.problem import CodeProblem, Severity
from agent.config.uscc import normalized
from agent.telemetry.status import Message

PROVINCE: Final = "420000"
"""Hubei."""
_DIRECT: Final = "4290"
"""Counties that belong to the province without a prefecture; each stands alone."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region, as far as it is known."""

    code: str
    name: str = ""
    """Empty where the code is not a current one."""
    successor: str = ""
    """What a retired code became."""
    problems: tuple[CodeProblem, ...] = ()

    @property
    def current(self) -> bool:
        """Whether the code is in use today."""
        return bool(self.name)


def parse_region(text: str) -> Region:
    """Normalize a code and look it up; a county is expected."""
    code = normalized(text)
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return Region(code, problems=(_malformed(code),))
    if not code.startswith(PROVINCE[:2]):
        return Region(code, problems=(_outside(code),))
    if code in COUNTIES:
        return Region(code, COUNTIES[code])
    if code in RETIRED:
        successor, year = RETIRED[code]
        return Region(code, successor=successor, problems=(_retired(code, successor, year),))
    name = "湖北省" if code == PROVINCE else PREFECTURES.get(code, "")
    if name:
        return Region(code, name, problems=(_no_county(code, name),))
    return Region(code, problems=(_unknown(code),))


def prefecture(county: str) -> str:
    """Give the unit a county's figures roll up to; counties under the province stand alone."""
    return county if county.startswith(_DIRECT) else f"{county[:4]}00"


def _malformed(code: str) -> CodeProblem:
    message = Message(
        en=f"{code!r} is no region code; it has 6 digits, such as 420606",
        zh=f"“{code}”不是行政区划代码，应为 6 位数字，如 420606",
    )
    return CodeProblem("region_form", Severity.ERROR, message)


def _outside(code: str) -> CodeProblem:
    message = Message(en=f"{code} is not in Hubei (42....)", zh=f"{code} 不在湖北省（42 开头）")
    return CodeProblem("region_outside", Severity.WARNING, message)


def _retired(code: str, successor: str, year: int) -> CodeProblem:
    now_en = f"; it is now {successor}" if successor else ""
    now_zh = f"，现为 {successor} {COUNTIES[successor]}" if successor else ""
    message = Message(
        en=f"{code} has not been in use since {year}{now_en}",
        zh=f"{code} 已于 {year} 年停用{now_zh}",
    )
    return CodeProblem("region_retired", Severity.WARNING, message)


def _no_county(code: str, name: str) -> CodeProblem:
    message = Message(
        en=f"{code} is a whole province or prefecture; give the county",
        zh=f"{code} 是{name}，请填写到县（市、区）",
    )
    return CodeProblem("region_no_county", Severity.WARNING, message)


def _unknown(code: str) -> CodeProblem:
    message = Message(
        en=f"{code} is no county of Hubei", zh=f"湖北省没有代码为 {code} 的县（市、区）"
    )
    return CodeProblem("region_unknown", Severity.ERROR, message)
