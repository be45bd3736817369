"""The addresses under which the ledger is edited, before anything of that is imported.

`serves` and `takes` decide by path and method alone; `answer` imports the rest at the first
request, in a thread, and hands over. Never edits anything itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Final

from agent.web.editing.door import Door

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.config.model import AgentConfig
    from agent.telemetry.status import Message, Status
    from agent.web.messages import Request, Response

LOGIN: Final = "/ledger/login"
OVERVIEW: Final = "/ledger/edit"
RECORD: Final = "/ledger/record"
LOGOUT: Final = "/ledger/logout"
PATHS: Final = frozenset({LOGIN, OVERVIEW, RECORD, LOGOUT})
"""Every address of editing."""
_FORMS: Final = frozenset({LOGIN, RECORD, LOGOUT})


@dataclass(frozen=True, slots=True)
class Editable:
    """What is edited, and what comes after it."""

    file: Path
    """The configuration file the agent was started with."""
    config: Callable[[], AgentConfig]
    """Gives the configuration in force."""
    status: Callable[[], Status]
    renew: Callable[[], Awaitable[tuple[Message, ...]]]
    """Has the running agent take the file over; gives what of it is not in force and why."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The way to the forms of one ledger."""

    editable: Editable
    door: Door = field(default_factory=Door)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the file is looked at, or a change tried or made: one after another."""

    def serves(self, request: Request) -> bool:
        """Tell whether a request is for here."""
        return request.path in PATHS

    def takes(self, request: Request) -> bool:
        """Tell whether a request may bring a form."""
        return request.method == "POST" and request.path in _FORMS

    async def answer(self, request: Request) -> Response:
        """Give the response to a request that `serves`."""
        desk = await asyncio.to_thread(import_module, "agent.web.editing.desk")
        response: Response = await desk.answer(request, self)
        return response
