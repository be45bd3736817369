"""Moves the times of an encoded row: exactly, and nothing else of it.

Of a block only `t0` moves, since every offset is counted from it; of an event its `t`, and the
span `from` .. `to` of those that tell one in ms. A device's own stamps never come here: rows of
such bear no provisional stamp. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from agent.store.outbox import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

SPANS: Final = frozenset({"missed", "gap", "filled", "alarm_gap"})
"""Events whose `from` and `to` are times; elsewhere they are numbers of rows, or facts."""
_ENDS: Final = ("from", "to")
_T0: Final = re.compile(rb'"t0":(\d+)')


def redated(kind: Kind, body: bytes, *, shift_ms: int) -> bytes:
    """Give a body, without its stamp, with its times moved; never before 1970.

    Raises:
        ValueError: the body is none of ours.
    """
    if not shift_ms:
        return body
    if kind is Kind.EVENT:
        return _event(body, shift_ms)
    found = _T0.match(body)
    if found is None:
        msg = f"no block: {body[:40]!r}"
        raise ValueError(msg)
    t0_ms = _moved(int(found[1]), shift_ms)
    return b'"t0":%d%s' % (t0_ms, body[found.end() :])


def on_one_clock(body: bytes, late_ms: Callable[[int], int]) -> bytes:
    """Give an event with the ends of its span on the clock that tells it.

    A gap may have begun before the clock was moved. `late_ms` tells of a time in ms how far the
    clock that made it was behind the one that tells the event.
    """
    fields = orjson.loads(b"{" + body)
    if fields["type"] not in SPANS:
        return body
    for name in _ENDS:
        fields[name] = _moved(fields[name], late_ms(fields[name]))
    return orjson.dumps(fields)[1:]


def _event(body: bytes, shift_ms: int) -> bytes:
    fields = orjson.loads(b"{" + body)
    for name in ("t", *_ENDS) if fields["type"] in SPANS else ("t",):
        fields[name] = _moved(fields[name], shift_ms)
    return orjson.dumps(fields)[1:]


def _moved(time_ms: int, shift_ms: int) -> int:
    return max(0, time_ms + shift_ms)
