"""Codes of development zones (开发区), which have no code in GB/T 2260.

Checks the form only; a name is as good as a code, and what is unknown is not wrong.
Source: 中国开发区审核公告目录, edition 2018: G (national) or S (provincial), then six digits that
begin with the province.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.config.codes.problem import CodeProblem, Severity
from agent.config.uscc import normalized
from agent.telemetry.status import Message

EDITION = "2018"
"""Edition of the catalogue whose form is checked."""


@dataclass(frozen=True, slots=True)
class Park:
    """A development zone, as it was declared."""

    code: str
    """Empty where a name was given."""
    name: str = ""
    problems: tuple[CodeProblem, ...] = ()


def parse_park(text: str) -> Park:
    """Tell a code from a name, and check the code's form."""
    code = normalized(text)
    if not code.isascii() or not re.search("[0-9]", code):
        return Park("", text.strip())
    if not re.fullmatch(r"[GS][0-9]{6}", code):
        return Park(code, problems=(_odd(code),))
    if not code[1:].startswith("42"):
        return Park(code, problems=(_outside(code),))
    return Park(code)


def _odd(code: str) -> CodeProblem:
    message = Message(
        en=f"{code!r} has not the form of a zone's code (G or S and six digits)",
        zh=f"“{code}”不是开发区代码的形式（G 或 S 加 6 位数字）",
    )
    return CodeProblem("park_form", Severity.WARNING, message)


def _outside(code: str) -> CodeProblem:
    message = Message(
        en=f"{code} is a zone outside Hubei (digits begin with 42)",
        zh=f"{code} 不是湖北省的开发区（数字部分应以 42 开头）",
    )
    return CodeProblem("park_outside", Severity.WARNING, message)
