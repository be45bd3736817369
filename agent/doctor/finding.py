"""What a look found: what, where, what was seen, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING: Final = Message("", "")
"""What to do where all is well."""
SUPPLIER: Final = Message(
    "Keep the store file and tell the supplier.", "请保留存储文件并联系供应商。"
)


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    AWAY = "away"
    """Something that is asked over a wire does not answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    code: str
    """Stable word, such as `disk_room`."""
    level: Level
    where: str
    """Path, device, address."""
    seen: Message
    todo: Message = NOTHING

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON carries it."""
        return {
            "code": self.code,
            "level": self.level.value,
            "where": self.where,
            "seen": {"en": self.seen.en, "zh": self.seen.zh},
            "todo": {"en": self.todo.en, "zh": self.todo.zh},
        }


def exit_code(findings: Iterable[Finding]) -> int:
    """Give 0 for all well, 1 for something to look at, 3 where something does not answer."""
    levels = {finding.level for finding in findings}
    if Level.AWAY in levels:
        return 3
    return 1 if levels & {Level.WARN, Level.BAD} else 0
