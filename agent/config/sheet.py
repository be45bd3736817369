"""What a table is before its columns are understood: rows of cells that know their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from agent.config.problems import Place, Problem


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its value, None when blank, and where it stands."""

    value: str | int | float | bool | None
    place: Place


Row: TypeAlias = list[Cell]


class Unreadable(Exception):  # noqa: N818 - names the table's state
    """A table cannot be read at all; carries the one problem that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def column_letter(number: int) -> str:
    """Give a column's letters as spreadsheets show them: 1 -> A, 27 -> AA."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
