"""Unified social credit codes (统一社会信用代码), with all that can be said of one.

Source: GB 32100-2015; the organization code inside it: GB 11714-1997.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.config.codes.problem import CodeProblem, Severity
from agent.config.uscc import LENGTH, check_character, malformed, normalized
from agent.telemetry.status import Message

_ORGANIZATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_OLD_LENGTH: Final = 15


@dataclass(frozen=True, slots=True)
class Uscc:
    """A code as it should be written, with what was found in it."""

    code: str
    problems: tuple[CodeProblem, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the code can be right."""
        return all(p.severity is not Severity.ERROR for p in self.problems)

    @property
    def region(self) -> str:
        """Six digits: where it was registered, at that time; need not be where it works."""
        return self.code[2:8]


def parse_uscc(text: str) -> Uscc:
    """Normalize a code and check it; the first error ends the checking."""
    code = normalized(text)
    error = _shape_error(code) or _check_error(code)
    return Uscc(code, (error,) if error else _remarks(code))


def _shape_error(code: str) -> CodeProblem | None:
    if len(code) == _OLD_LENGTH and code.isdigit():
        return _error(
            "uscc_old_number",
            en="15 digits: this is the old registration number; the code has 18 characters",
            zh="15 位数字是旧的工商注册号；统一社会信用代码为 18 位，请见营业执照",
        )
    found = malformed(code)
    if found is None:
        return None
    id_ = "uscc_length" if len(code) != LENGTH else "uscc_character"
    return CodeProblem(id_, Severity.ERROR, found)


def _check_error(code: str) -> CodeProblem | None:
    expected = check_character(code)
    if code[-1] == expected:
        return None
    return _error(
        "uscc_check_digit",
        en=f"the check character is {code[-1]}, the others ask for {expected}: "
        "a character is mistyped",
        zh=f"校验码为 {code[-1]}，按前 17 位应为 {expected}：有字符录入错误，请对照营业执照",
    )


def _remarks(code: str) -> tuple[CodeProblem, ...]:
    found = []
    expected = _organization_digit(code[8:16])
    if code[16] != expected:
        found.append(
            CodeProblem(
                "uscc_organization_digit",
                Severity.WARNING,
                Message(
                    en=f"the organization code inside ends in {code[16]} instead of {expected}; "
                    "compare with the licence",
                    zh=f"第 9 至 17 位组织机构代码的校验位为 {code[16]}，应为 {expected}，"
                    "请核对营业执照",
                ),
            )
        )
    if code[0] != "9":
        found.append(
            CodeProblem(
                "uscc_not_business",
                Severity.NOTE,
                Message(
                    en=f"codes that begin with {code[0]} are not given to businesses (9)",
                    zh=f"首位为 {code[0]}，不是市场监管部门登记的企业（企业首位为 9）",
                ),
            )
        )
    return tuple(found)


def _organization_digit(first8: str) -> str:
    values = (int(c, 36) for c in first8)
    total = sum(v * w for v, w in zip(values, _ORGANIZATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def _error(id_: str, *, en: str, zh: str) -> CodeProblem:
    return CodeProblem(id_, Severity.ERROR, Message(en=en, zh=zh))
