"""Takes a ledger's spreadsheet into the configuration file: what it would change, or all problems.

A problem of the spreadsheet is told at its sheet, row and column.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.ledger.edit import prepare, read_current, understood
from agent.ledger.reading import merged, read_tables
from agent.ledger.records import SECTIONS, Declared

if TYPE_CHECKING:
    from pathlib import Path

    from agent.ledger.edit import Edit


def prepare_import(config: Path, table: Path) -> Edit:
    """Try to make the ledger of a configuration what a spreadsheet says.

    Raises:
        ConfigError: either of them has an error; holds every problem.
    """
    file = read_current(config)  # its own errors first: they are not the spreadsheet's
    root = file.root
    tables = read_tables(table)
    current = {key: root.entries[key] for key in SECTIONS.values() if key in root.entries}
    sections = merged(tables, current)
    whole = replace(root, value={**root.entries, **sections})
    wanted, warnings = understood(whole, tables.problems)
    edit = prepare(file, Declared.of(wanted).written())
    return replace(edit, warnings=warnings)
