"""Bodies of the event rows: what happened besides measuring. Shape: docs/specs/payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from agent.store.outbox import Range, Rejection
    from agent.telemetry.status import Count


REJECTION_MARK = b'"type":"rejected"'
"""Found in the body of every announcement of a refused row, and in no other event."""


def event_body(kind: str, /, *, t_ms: int, **fields: Any) -> bytes:
    """Encode one event without its opening brace: the publisher puts the identity there."""
    return orjson.dumps({"t": t_ms, "type": kind, **fields})[1:]


def drop_body(
    reason: str, gone: Range, count: Count, *, t_ms: int, epoch: str = "", dest: str = ""
) -> bytes:
    """Announce rows that will never be sent: over a limit, damaged, or lost by the medium.

    `dest` names the one destination that it is about, where it is not about all.
    `gone` holds numbers on the wire; `epoch` names theirs where it is not the store's own.
    """
    return event_body(
        "dropped",
        t_ms=t_ms,
        **_numbers(gone, epoch, dest),
        rows=count.rows,
        values=count.values,
        reason=reason,
    )


def rejection_body(
    rejection: Rejection, number: int, *, values: int, t_ms: int, epoch: str = "", dest: str = ""
) -> bytes:
    """Announce a row that a destination refuses for good, by its number on the wire."""
    return event_body(
        "rejected",
        t_ms=t_ms,
        **_numbers((number, number), epoch, dest),
        rows=1,
        values=values,
        reason=rejection.reason,
        code=rejection.code,
    )


def store_body(state: str, reason: str, count: Count, *, t_ms: int, epoch: str = "") -> bytes:
    """Tell what became of the store itself: `quarantined`, `missing`, `salvaged`."""
    told = {"ep": epoch} if epoch else {}
    return event_body(
        "store",
        t_ms=t_ms,
        state=state,
        reason=reason,
        rows=count.rows,
        values=count.values,
        **told,
    )


def _numbers(gone: Range, epoch: str, dest: str) -> dict[str, Any]:
    numbers: dict[str, Any] = {"from": gone[0], "to": gone[1]}
    return numbers | ({"ep": epoch} if epoch else {}) | ({"dest": dest} if dest else {})
