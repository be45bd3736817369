"""The key that signs this gateway's days, as whoever checks a proof file compares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.doctor.finding import NOTHING, Finding, Level
from agent.indicator.keeper import key_of
from agent.kpi.device_key import fingerprint
from agent.store.inspect import open_closed
from agent.store.notes import read_lessons
from agent.store.outbox import StoreError
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from pathlib import Path

_GROUP: Final = 8


def of_file(path: Path) -> list[Finding]:
    """Look into a store that no agent has open; nothing where it cannot be read."""
    if not path.exists():
        return []
    try:
        with open_closed(path) as connection:
            return _of_key(key_of(read_lessons(connection)), where=str(path))
    except StoreError:
        return []  # what the store itself is told for


def of_agent(rate: dict[str, Any] | None, *, where: str) -> list[Finding]:
    """Take the key from the running agent's own words."""
    return [] if rate is None else _of_key(rate["key"], where=where)


def _of_key(key: str, *, where: str) -> list[Finding]:
    """Tell the fingerprint; nothing before the first day was sealed."""
    if not key:
        return []
    mark = fingerprint(key)
    shown = " ".join(mark[at : at + _GROUP] for at in range(0, len(mark), _GROUP))
    seen = Message(f"days are signed with the key {shown}", f"每日摘要的签名公钥指纹为 {shown}")
    return [Finding("key", Level.OK, where, seen, NOTHING)]
