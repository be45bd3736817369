"""What can be wrong with a code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.telemetry.status import Message


class Severity(StrEnum):
    """What a problem means for the code."""

    ERROR = "error"
    """The code cannot be right."""
    WARNING = "warning"
    """It is probably wrong, or out of date."""
    NOTE = "note"
    """It is right, and worth a look."""


@dataclass(frozen=True, slots=True)
class CodeProblem:
    """One thing found in a code; `id` is stable."""

    id: str
    severity: Severity
    message: Message
