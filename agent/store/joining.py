"""Destinations that come and go with the configuration, between two runs.

A new destination is owed what waits now and all that comes; what the store had done with is not its
concern. One that is gone holds nothing back any more. Part of the caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.losses.causes import MEDIUM
from agent.store.positions import DESTINATION, LOWEST_SEQ
from agent.store.shares import Shares
from agent.telemetry.status import Count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.store.books import Books


def join(books: Books, names: Sequence[tuple[str, bool]]) -> Shares | None:
    """Give the shares of the destinations configured; None where there is but one.

    `names` holds the name of each, and whether it must have every row.
    """
    if len(names) == 1:
        _only_one(books, names[0][0])
        return None
    db = books.db
    known = {name for (name,) in db.execute("SELECT name FROM destinations")}
    _forget(books, known - {name for name, _ in names})
    number = max(DESTINATION, *(n for (n,) in db.execute("SELECT id FROM destinations")), 1)
    (_, settled_to), *beyond = books.position.settled
    before = books.totals.stored - books.totals.waiting
    for name in (name for name, _ in names if name not in known):
        number += 1
        db.execute(
            "INSERT INTO destinations (id, name, settled_to, before_rows, before_values) "
            "VALUES (?, ?, ?, ?, ?)",
            (number, name, settled_to, before.rows, before.values),
        )
        db.executemany("INSERT INTO positions VALUES (?, ?, ?)", [(number, *s) for s in beyond])
    shares = Shares(db, names)
    _reconcile(books, shares)
    shares.leave(books, (LOWEST_SEQ, books.totals.last_seq))
    return shares


def _only_one(books: Books, name: str) -> None:
    """Go back to one destination: what it has settled has left, the others are forgotten."""
    known = {name for (name,) in books.db.execute("SELECT name FROM destinations")}
    if not known:
        return
    if name in known:
        shares = Shares(books.db, [(name, True)])
        _reconcile(books, shares)
        shares.leave(books, (LOWEST_SEQ, books.totals.last_seq))
    _forget(books, known)


def _forget(books: Books, names: set[str]) -> None:
    for name in names:
        for table in ("positions", "destination_causes"):
            books.db.execute(
                f"DELETE FROM {table} WHERE destination IN "  # noqa: S608 - names of ours
                "(SELECT id FROM destinations WHERE name = ?)",
                (name,),
            )
        books.db.execute("DELETE FROM destinations WHERE name = ?", (name,))


def _reconcile(books: Books, shares: Shares) -> None:
    """Have each share wait for nothing that is not there, and its counters agree with that."""
    last_seq = books.totals.last_seq
    for share in shares.shares.values():
        for first, last in share.settled.outside(LOWEST_SEQ, last_seq):
            for part in books.kept.outside(first, last):
                for hole in books.position.settled.inside(*part):
                    share.settled.add(*hole)
        waiting = Count()
        for span in share.settled.outside(LOWEST_SEQ, last_seq):
            waiting += shares.count(span)
        missing = share.counts.waiting(books.totals.stored) - waiting
        if missing != Count():
            share.drop(MEDIUM, missing)
