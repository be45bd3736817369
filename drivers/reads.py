"""Whether this process reads settings, or only runs by settings that another process has read.

It is said once, before `drivers.api` is imported: models of settings are made accordingly.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(slots=True)
class _Role:
    reads: bool = True


_ROLE = _Role()


def leave_reading_to_another() -> None:
    """Have models made as plain classes, which validate nothing; no effect once they are made."""
    _ROLE.reads = "drivers.api" in sys.modules and _ROLE.reads


def reads_settings() -> bool:
    """Tell whether models validate in this process; so it is unless somebody said otherwise."""
    return _ROLE.reads
