"""Bodies of the event rows: what happened besides measuring. Shape: docs/specs/payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from agent.store.drops import DropEpisode
    from agent.store.outbox import Rejection


REJECTION_MARK = b'"type":"rejected"'
"""Found in the body of every announcement of a refused row, and in no other event."""


def event_body(kind: str, *, t_ms: int, **fields: Any) -> bytes:
    """Encode one event without its opening brace: the publisher puts the identity there."""
    return orjson.dumps({"t": t_ms, "type": kind, **fields})[1:]


def drop_body(episode: DropEpisode, *, t_ms: int) -> bytes:
    """Announce rows dropped over the limit of bytes or age."""
    return event_body(
        "dropped",
        t_ms=t_ms,
        **{"from": episode.gone[0]},
        to=episode.gone[1],
        rows=episode.count.rows,
        values=episode.count.values,
        reason=episode.reason,
    )


def rejection_body(rejection: Rejection, *, values: int, t_ms: int) -> bytes:
    """Announce a row that the destination refuses for good."""
    return event_body(
        "rejected",
        t_ms=t_ms,
        **{"from": rejection.seq},
        to=rejection.seq,
        rows=1,
        values=values,
        reason=rejection.reason,
        code=rejection.code,
    )
