"""The rows of the fault matrix, read from `matrix.toml` beside this file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("matrix.toml")


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: what goes wrong, what must hold, what proves it. Texts in English and Chinese."""

    id: str
    fault: str
    zh: str
    wanted: str
    wanted_zh: str
    within_min: int
    """Longest time of the row at full scale."""
    tests: tuple[str, ...]
    """Files and tests for pytest, from the root of the repository."""
    unnamed: float = 1.0
    """Share of its full scale where all rows are run; a row that is named is run whole."""
    untested: str = ""
    """Why it has no test here."""
    untested_zh: str = ""


def rows() -> dict[str, Row]:
    """Give every row by its id, in the order of the file."""
    found = tomllib.loads(FILE.read_text("utf-8"))["row"]
    return {row["id"]: Row(**row | {"tests": tuple(row["tests"])}) for row in found}
