"""Why YAML could not be read, said so that somebody who does not know YAML can mend it.

Pure: takes the parser's error and the text, gives one problem. The commonest causes are told
apart: a tab, a full-width colon typed with a Chinese input method, a missing space, a quote or a
bracket left open, a step of indentation that does not fit.
"""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from agent.config.problems import Place, Problem, problem
from agent.telemetry.status import Message

_SECRET_LINE = re.compile(r"pass|secret|token", re.IGNORECASE)
_FULL_WIDTH_KEY = re.compile(r"\s*(?:- +)?([\w.\-]+)\s*：")

_REASONS = (
    (
        "mapping values are not allowed",
        Message(
            en='a ":" stands where none may: the line above is indented differently, '
            'or a text that contains ": " needs quotes',
            zh="此处不能出现冒号：与上一行缩进不一致，或含有“: ”的文字没有加引号",
        ),
    ),
    (
        "could not find expected ':'",
        Message(
            en='a key without ":" (a space must follow the colon)',
            zh="键名后缺少冒号（冒号后要有一个空格）",
        ),
    ),
    (
        "expected <block end>",
        Message(
            en="the indentation does not match the lines above",
            zh="缩进与上面的行不一致",
        ),
    ),
    (
        "or unclosed '['",
        Message(
            en='the indentation is wrong, or a "[" or "{" is left open',
            zh="缩进有误，或者“[”“{”没有闭合",
        ),
    ),
    (
        "unexpected end of stream",
        Message(en="a quote is opened and never closed", zh="引号没有闭合"),
    ),
    (
        "expected ',' or ']'",
        Message(en='a "[" is not closed, or a comma is missing', zh="“[”没有闭合，或者缺少逗号"),
    ),
    (
        "expected ',' or '}'",
        Message(en='a "{" is not closed, or a comma is missing', zh="“{”没有闭合，或者缺少逗号"),
    ),
    (
        "entries are not allowed here",
        Message(
            en='a "-" stands where no list item may: check the indentation',
            zh="此处不能出现列表项“-”：请检查缩进",
        ),
    ),
    (
        "unknown escape character",
        Message(
            en='a "\\" inside double quotes starts an escape: use single quotes',
            zh="双引号内的“\\”是转义符：请改用单引号",
        ),
    ),
    (
        "cannot start any token",
        Message(
            en="a text may not begin with this character: put the text in quotes",
            zh="文字不能以该字符开头：请给整段文字加引号",
        ),
    ),
)


def syntax_problem(error: YAMLError, *, text: str, file: str) -> Problem:
    """Tell why the text is not YAML, and where."""
    if isinstance(error, ReaderError):
        return _forbidden_character(error, text=text, file=file)
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    place = Place(file, line, column)
    detail = str(getattr(error, "problem", None) or error).strip()
    lines = text.splitlines()
    if "'\\t'" in detail:
        return problem("E1005", place)
    full_width = full_width_key(lines, before=line)
    if full_width is not None:
        return problem("E1010", Place(file, *full_width[:2]), seen=full_width[2])
    seen = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    if _SECRET_LINE.search(seen):
        seen = ""
    return problem("E1004", place, seen=seen, why=_reason(detail))


def full_width_key(lines: list[str], *, before: int) -> tuple[int, int, str] | None:
    """Find the nearest key that a full-width colon follows: its line, column and name."""
    for number in range(min(before or len(lines), len(lines)), 0, -1):
        found = _FULL_WIDTH_KEY.match(lines[number - 1])
        if found:
            return number, found.end(), found.group(1)
    return None


def _reason(detail: str) -> Message:
    for part, reason in _REASONS:
        if part in detail:
            return reason
    detail = " ".join(detail.split())
    return Message(en=detail, zh=detail)


def _forbidden_character(error: ReaderError, *, text: str, file: str) -> Problem:
    at = error.position if isinstance(error.position, int) else 0
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return problem(
        "E1015", Place(file, line, column), seen=f"U+{ord(text[at : at + 1] or ' '):04X}"
    )
