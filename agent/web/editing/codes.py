"""Where a running agent hands out codes for its page: a socket for its own user and root alone.

Guarantees: who can ask administers this gateway, told by the kernel; every code that was given is
in the log, without the code. A socket that cannot be made is told in the log and keeps nobody from
collecting: then nobody can log in.
"""

from __future__ import annotations

import json
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from agent.control.place import login_path
from agent.control.server import answering
from agent.web.editing.door import CODE_S
from agent.web.editing.gate import LOGIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.web.editing.door import Door

ASK: Final = {"op": "ledger-login"}
"""What is asked."""

_log = logging.getLogger("chulian.web")


@dataclass(frozen=True, slots=True)
class Code:
    """A code, for how long it is good, and where it is typed in."""

    code: str
    valid_s: float
    url: str

    @classmethod
    def from_line(cls, line: bytes) -> Code:
        """Read an answer; raises ValueError, KeyError or TypeError for anything else."""
        found = json.loads(line)
        return cls(str(found["code"]), float(found["valid_s"]), str(found["url"]))


@asynccontextmanager
async def giving_codes(door: Door, store: Path, *, url: str) -> AsyncIterator[None]:
    """Give codes while inside the block; `url` is where the page listens, without a path."""

    async def give(line: bytes, who: str) -> dict[str, Any]:
        if not _asks(line):
            return {"error": "malformed"}
        _log.warning("ledger: a code for the page was given to %s of this box", who)
        return asdict(Code(door.issue(), CODE_S, url + LOGIN))

    path = login_path(store)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(answering(give, path))
        except OSError as error:
            _log.error("nobody can log in to the ledger's page: %s: %s", path, error)
        yield


def _asks(line: bytes) -> bool:
    try:
        return bool(json.loads(line) == ASK)
    except (ValueError, RecursionError):
        return False
