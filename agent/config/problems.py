"""What is wrong with a configuration: one `Problem` each, in Chinese and English.

A problem says what (code, message), where (file, line, column, place in the document), what was
seen, and what to do (hint). Its texts come from `agent.config.catalogue`, by code; codes are
stable: a code is never given a new meaning. E… are errors, W… warnings. No secret ever stands in
a problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.config.catalogue import CATALOGUE
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SEEN_CHARS = 60
"""Longest excerpt of a file in a message: one line of a terminal still holds the rest."""
_TEXT_CHARS, _PATH_CHARS = 600, 4096
"""Longest message, and longest name of a file: what a person reads is not as long as a file."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A spot in a file; lines and columns count from 1, 0 where there is none."""

    file: str
    line: int = 0
    column: int = 0
    cell: str = ""
    """Sheet and cell of a spreadsheet, such as `点表!B5`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, for a person and for a program."""

    code: str
    file: str
    line: int
    column: int
    where: str
    """Path in the document, such as `devices[cnc-01].tags[spindle.speed].address`."""
    seen: str
    """What stood there, shortened; empty where nothing did or it is a secret."""
    message: Message
    hint: Message

    @property
    def is_error(self) -> bool:
        """Whether the configuration cannot be used; a warning leaves it usable."""
        return self.code.startswith("E")

    @property
    def location(self) -> str:
        """`file:line:column`, as editors and terminals understand it; without what is unknown."""
        numbers = [str(number) for number in (self.line, self.column) if number]
        return ":".join([self.file, *numbers])

    def as_dict(self) -> dict[str, Any]:
        """Give the problem as JSON-ready data, both languages."""
        return {
            "code": self.code,
            "severity": "error" if self.is_error else "warning",
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "where": self.where,
            "seen": self.seen,
            "message": {"zh": self.message.zh, "en": self.message.en},
            "hint": {"zh": self.hint.zh, "en": self.hint.en},
        }


class ConfigError(Exception):
    """A configuration cannot be used; holds every problem found, errors and warnings."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = [one for one in problems if one.is_error] or list(problems)
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.location}: {first.code} {first.message.en}{more}")
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Problem, ...]]]:
        return ConfigError, (self.problems,)


def problem(
    code: str, place: Place, *, where: str = "", seen: Any = None, **facts: str | Message
) -> Problem:
    """Build a problem from its code's texts; `seen` fills {seen} and {quoted}, `facts` the rest."""
    entry = CATALOGUE[code]
    shown = excerpt(seen)
    quoted = Message(en=f'"{shown}"', zh=f"“{shown}”")
    if seen is None or isinstance(seen, (bool, int, float, dict, list)):
        quoted = Message(en=shown, zh=shown)
    facts |= {"seen": shown, "quoted": quoted}
    return Problem(
        code=code,
        file=_line(place.file, limit=_PATH_CHARS),
        line=place.line,
        column=place.column,
        where=_line(f"{where} [{place.cell}]".strip() if place.cell else where),
        seen="" if seen is None else shown,
        message=_filled(entry.message, facts),
        hint=_filled(entry.hint, facts),
    )


def in_reading_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by file (first met first), line and column; drop exact repeats."""
    unique = list(dict.fromkeys(problems))
    files = {name: rank for rank, name in reversed(list(enumerate(one.file for one in unique)))}
    return sorted(unique, key=lambda one: (files[one.file], one.line, one.column, one.code))


def excerpt(value: Any) -> str:
    """Show a value from a file in one short line without control characters."""
    if isinstance(value, dict):
        return "{…}" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[…]" if value else "[]"
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    return _line(str(value), limit=_SEEN_CHARS)


def _line(text: str, *, limit: int = _TEXT_CHARS) -> str:
    """Give a text as one printable line, cut at the limit."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}"
                   for char in text[: limit + 1])  # fmt: skip
    return line if len(line) <= limit else line[:limit] + "…"


def _filled(text: Message, facts: dict[str, str | Message]) -> Message:
    english = {k: v.en if isinstance(v, Message) else v for k, v in facts.items()}
    chinese = {k: v.zh if isinstance(v, Message) else v for k, v in facts.items()}
    zh = text.zh.format(**chinese).strip()
    # a blank parts Chinese from a number or a Latin word, not from a quotation mark
    zh = zh.replace(" “", "“").replace("” ", "”")
    return Message(en=_line(text.en.format(**english).strip()), zh=_line(zh))
