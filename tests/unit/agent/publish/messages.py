"""Rows and messages for the tests of what leaves, read back by the platform's own code."""

from __future__ import annotations

import orjson

from agent.publish.payload import join_rows
from agent.store.outbox import Committed, Kind, Row
from simulators.platform.checks import Checker
from simulators.platform.rows import rows_of

T_NS = 1_795_400_000_000_000_000
EPOCH = "01KAR5Z8Q4"
CHECKER = Checker(full_first=10**9)


def numbered(new_rows, *, first=1, mv=3):
    """Give new rows the seqs the store would give them."""
    return [
        Row(seq, kind, mv, t_ms, values, body)
        for seq, (kind, t_ms, values, body) in enumerate(new_rows, start=first)
    ]


def row(seq, *, kind=Kind.DATA, mv=1, size=0, values=1):
    """Make a committed row whose body is valid and as large as asked for."""
    if kind is Kind.DATA:
        body = {"t0": seq, "d": "dev", "g": "grp", "t": [0], "s": {"x": ["y" * size]}}
    else:
        body = {"t": seq, "type": "start"}
    return Row(seq, kind, mv, 1_795_400_000_000, values, orjson.dumps(body)[1:])


def committed(*rows, announced=(), gone=()):
    """Make what a commit tells."""
    return Committed(tuple(rows), tuple(announced), tuple(gone))


def message_of(rows, *, gateway="gw", epoch=EPOCH):
    """Join rows, hold the message against the schema and give it decoded."""
    payload = join_rows(rows, gateway=gateway, epoch=epoch, clock="sync")
    body = orjson.loads(payload)
    CHECKER.check("event" if rows[0].kind is Kind.EVENT else "data", body, gateway=gateway)
    return body


def points_of(rows):
    """Give (metric, ms, value, quality, reason) of every value of rows, in order."""
    body = message_of(rows)
    return [tuple(p) for each in rows_of("ent", "data", body) for p in each.points()]
