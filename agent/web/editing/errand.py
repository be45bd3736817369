"""What is to be done with the file for one request, and what came of it: plain data.

Where this process does not read settings, another one is asked to do it (`agent.config.apart`);
else a thread does it. So neither the forms nor what edits YAML stays in the memory of the agent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.config.apart import ask
from drivers.reads import reads_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.telemetry.status import Message
    from agent.web.view import View

_DO: Final = "agent.web.editing.records:done"


@dataclass(frozen=True, slots=True)
class Errand:
    """One request of somebody who is logged in."""

    file: Path
    """The configuration file."""
    store: Path
    """The store, beside which the journal is."""
    view: View
    who: str
    csrf: str
    path: str
    query: Mapping[str, str]
    fields: Mapping[str, list[str]] | None = None
    """The form that was sent; None where something is only looked at."""
    remarks: tuple[Message, ...] = ()
    """What of the file is not in force, and why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A page, or where to go."""

    inside: str = ""
    """HTML."""
    status: int = 200
    address: str = field(default="")
    """Address of the page, or, without HTML, where to go."""
    saved: bool = False


def run(errand: Errand) -> Answer:
    """Do an errand; blocks.

    Raises:
        ReaderError: there was no process to do it.
    """
    if not reads_settings():
        answer: Answer = ask(_DO, errand).answer()
        return answer
    from agent.web.editing.records import done

    return done(errand)
