"""What every command shares to answer: exit codes, the reader's language, problems, JSON.

Guarantees: one form for a problem everywhere, `file:line:column: code where: message` and a hint
below it; with `--json` exactly one JSON document on standard output. Standard library only, so
that `chulian run` pays nothing for it.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TextIO

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.config.problems import Problem

LANGUAGES = ("zh", "en")
"""Languages the program speaks."""


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FINDINGS = 1
    """It ran and found something a person should look at."""
    USAGE = 2
    """The command line or the configuration is wrong."""
    UNREACHABLE = 3
    """A machine, the broker or the running agent did not answer."""


_HINT = Message(en="hint: ", zh="建议：")
_ERRORS = Message(en="{} error(s), {} warning(s)", zh="{} 个错误，{} 个警告")


def choose_language(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """Give `zh` or `en`: `--lang`, else CHULIAN_LANG, else Chinese where LANG starts with zh."""
    for position, word in enumerate(argv):
        value = word.removeprefix("--lang=")
        if word == "--lang" and position + 1 < len(argv):
            value = argv[position + 1]
        if value in LANGUAGES and word.startswith("--lang"):
            return value
    chosen = environ.get("CHULIAN_LANG", "").lower()[:2]
    if chosen in LANGUAGES:
        return chosen
    return "zh" if environ.get("LANG", "").lower().startswith("zh") else "en"


def without_language(argv: Sequence[str]) -> list[str]:
    """Give the words without a valid `--lang zh|en`, so that it may stand anywhere."""
    words: list[str] = []
    for word in argv:
        if word in LANGUAGES and words and words[-1] == "--lang":
            words.pop()
        elif word.removeprefix("--lang=") not in LANGUAGES or "=" not in word:
            words.append(word)
    return words


def problem_lines(problem: Problem, *, lang: str) -> list[str]:
    """Give the lines that show one problem to a person."""
    where = f"{problem.where}: " if problem.where else ""
    lines = [f"{problem.location}: {problem.code} {where}{problem.message.text(lang)}"]
    hint = problem.hint.text(lang)
    if hint:
        lines.append(f"    {_HINT.text(lang)}{hint}")
    return lines


def print_problems(
    problems: Iterable[Problem], *, lang: str, as_json: bool = False, file: TextIO | None = None
) -> None:
    """Print problems and how many there are; text goes to stderr, JSON to stdout, unless told."""
    found = list(problems)
    if as_json:
        print_json({"problems": [one.as_dict() for one in found]}, file=file)
        return
    out = file or sys.stderr
    for problem in found:
        for line in problem_lines(problem, lang=lang):
            print(line, file=out)
    errors = sum(one.is_error for one in found)
    print(_ERRORS.text(lang).format(errors, len(found) - errors), file=out)


def print_json(document: Any, *, file: TextIO | None = None) -> None:
    """Print one JSON document, indented, Chinese left readable."""
    print(json.dumps(document, ensure_ascii=False, indent=2), file=file or sys.stdout)


def shown(text: str) -> str:
    """Give a text on one line, without what would steer a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align rows of cells in columns, counting a Chinese character as two places."""
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(_padded, row, widths)).rstrip() for row in rows]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
