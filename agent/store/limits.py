"""What goes when room or time is over: kept rows first, then data, then states, events last.

Of each the oldest go first: gauges before rows that carry a machine's state, those before events.

Nothing is deleted by the wall clock, and never much at once: a delete of a million rows grows the
log by 200 MB and stops the thread for seconds.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.losses.causes import BEHIND
from agent.store.books import now_ms
from agent.store.drops import DropEpisode
from agent.store.events import drop_body
from agent.store.outbox import Kind, NewRow
from agent.store.positions import LOWEST_SEQ
from agent.store.ranges import Ranges
from agent.store.totals import ROW_OVERHEAD_BYTES
from agent.telemetry.status import Count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.config.model import Store
    from agent.store.books import Books
    from agent.store.outbox import Range

DROP_CHUNK_ROWS = 1000
"""Most rows deleted in one transaction for their age, or dropped for room."""
EVICT_CHUNK_ROWS = 5000
"""Most kept rows deleted in one transaction to make room."""
EVICT_CHUNK_BYTES = 8_000_000
"""Most bytes of kept rows deleted in one transaction, or twice what comes in with it: they are
read to be deleted."""
EVICT_AHEAD_BYTES = 1_000_000
"""So much more goes than is in the way: a full store deletes in one commit of many, not in each."""
AGE_CHECK_S = 60.0
"""How often rows are looked at for their age; the next commit goes on while many are too old."""
SLACK_BYTES = 8_000_000
"""By so much the pages in use may exceed the limit of bytes before rows go: what pages waste."""
MOST_STRETCHES = 5000
"""Urgent rows stay as long as they leave no more holes among the others: each costs every commit.
Beyond it states go with the data around them, and beyond twice as many, events too."""

_KEPT = (
    "SELECT seq, coalesce(length(body), 0), coalesce(up_s, 0.0) FROM rows "
    "WHERE seq BETWEEN ? AND ? ORDER BY seq"
)
_TIMES = (
    "SELECT CAST(coalesce(min(t_ms), 0) AS INTEGER), CAST(coalesce(max(t_ms), 0) AS INTEGER) "
    "FROM rows WHERE seq BETWEEN ? AND ?"
)
Old: TypeAlias = tuple[int, int, int, float]
"""Seq, values, bytes and birth of a row, in seconds of the store's life."""
LEAST_URGENT_FIRST: Final = (Kind.DATA, Kind.STATE, Kind.EVENT)
"""The order in which kinds of rows are dropped."""
_NOTHING: tuple[tuple[Range, ...], tuple[Range, ...]] = ((), ())


class Limits:
    """The bounds of one store: bytes in all, age of what waits, age of what is kept."""

    def __init__(self, settings: Store, *, page_bytes: int) -> None:
        self.bytes = int(settings.max_mb * 1_000_000)
        """Most bytes of rows, waiting and kept."""
        self.max_pages = (self.bytes + 2 * SLACK_BYTES) // page_bytes
        """SQLite itself refuses to make the file larger."""
        self._ahead_bytes = min(EVICT_AHEAD_BYTES, self.bytes // 100)
        self._page_bytes = page_bytes
        self._max_age_s = settings.max_age_days * 86_400
        self._keep_s = settings.keep_hours * 3600
        self._age_checked_s = self._kept_checked_s = time.monotonic()

    def make_room(self, books: Books, coming_bytes: int) -> None:
        """Before rows come in: let kept rows go that are too old, or in their way.

        Pages that are free before new rows come are taken by them: less to write.
        """
        if not books.kept:
            return
        over = self._over(books, coming_bytes)
        most_bytes = max(EVICT_CHUNK_BYTES, 2 * coming_bytes)
        if not self._keep_s:
            evict(books, most_rows=EVICT_CHUNK_ROWS, enough_bytes=most_bytes)
        elif over > 0:
            enough_bytes = min(over + self._ahead_bytes, most_bytes)
            evict(books, most_rows=EVICT_CHUNK_ROWS, enough_bytes=enough_bytes)
        elif (now_s := time.monotonic()) - self._kept_checked_s >= AGE_CHECK_S:
            born_s = books.totals.uptime_s - self._keep_s
            gone = evict(
                books,
                most_rows=DROP_CHUNK_ROWS,
                enough_bytes=most_bytes,
                born_before_s=born_s,
            )
            if not gone:
                self._kept_checked_s = now_s

    def enforce(self, books: Books) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
        """After rows came in: give the range that had to go, and the event that tells of it."""
        over = self._over(books, 0)
        if over > 0:
            over -= evict(books, most_rows=EVICT_CHUNK_ROWS, enough_bytes=over)
        if over > 0 and not books.kept:
            return drop(books, "size", DROP_CHUNK_ROWS, over + self.bytes // 100)
        now_s = time.monotonic()
        if now_s - self._age_checked_s < AGE_CHECK_S:
            return _NOTHING
        born_s = books.totals.uptime_s - self._max_age_s
        for kind in (Kind.DATA, Kind.STATE):
            oldest = _oldest(books, (kind,), DROP_CHUNK_ROWS)
            old = [row for row in oldest if row[3] < born_s]
            if old:
                if kind is Kind.STATE and len(old) < DROP_CHUNK_ROWS:
                    self._age_checked_s = now_s
                return _drop(books, "age", old)
        self._age_checked_s = now_s
        return _NOTHING

    def _over(self, books: Books, coming_bytes: int) -> int:
        """Give by how many bytes the store is too large, by its rows or by its pages."""
        totals = books.totals
        rows = totals.waiting_bytes + totals.kept_bytes + coming_bytes - self.bytes
        (used,) = books.db.execute("PRAGMA page_count").fetchone()
        if used * self._page_bytes <= self.bytes:
            return rows
        (free,) = books.db.execute("PRAGMA freelist_count").fetchone()
        pages = (used - free) * self._page_bytes + coming_bytes - self.bytes - SLACK_BYTES
        return max(rows, int(pages))


def evict(
    books: Books,
    *,
    most_rows: int,
    enough_bytes: int | None = None,
    born_before_s: float | None = None,
) -> int:
    """Delete the oldest kept rows; give how many bytes they had."""
    freed = 0
    for span in list(books.kept):
        left = None if enough_bytes is None else enough_bytes - freed
        rows, size, upto = _reach(books, span, most_rows, left, born_before_s)
        if upto >= span[0]:
            if books.shares is not None:
                books.shares.going(books, (span[0], upto), cause=BEHIND)
            books.db.execute("DELETE FROM rows WHERE seq BETWEEN ? AND ?", (span[0], upto))
            books.kept.remove(span[0], upto)
        books.totals = books.totals.kept(-min(size, books.totals.kept_bytes))
        freed += size
        most_rows -= rows
        if upto < span[1]:
            break
    return freed


def _reach(
    books: Books,
    span: Range,
    most_rows: int,
    enough_bytes: int | None,
    born_before_s: float | None,
) -> tuple[int, int, int]:
    """Give how many of the oldest rows of a span are to go, their bytes, and up to which seq.

    Reads no row beyond: in a full store this is done in every commit.
    """
    rows = size = 0
    cursor = books.db.execute(_KEPT, span)
    for seq, body_bytes, up_s in cursor:
        young = born_before_s is not None and up_s >= born_before_s
        if young or rows >= most_rows or (enough_bytes is not None and size >= enough_bytes):
            cursor.close()
            return rows, size, seq - 1
        rows += 1
        size += body_bytes + ROW_OVERHEAD_BYTES
    return rows, size, span[1]


def drop(
    books: Books, reason: str, most_rows: int, enough_bytes: int | None
) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """Drop the oldest of the least urgent rows that there are, and announce them."""
    together = 1 + min(len(books.position.settled) // MOST_STRETCHES, 2)
    alone = LEAST_URGENT_FIRST[together:]
    for kinds in (LEAST_URGENT_FIRST[:together], *((kind,) for kind in alone)):
        oldest = _oldest(books, kinds, most_rows)
        if oldest:
            return _drop(books, reason, oldest, enough_bytes)
    return _NOTHING


def _drop(
    books: Books, reason: str, oldest: Sequence[Old], enough_bytes: int | None = None
) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """Drop rows, at least one, as far as they are of one life."""
    freed, values, rows = 0, 0, 0
    for seq, n, size, _ in oldest:
        full = enough_bytes is not None and freed >= enough_bytes
        if full or books.lives.of(seq) != books.lives.of(oldest[0][0]):
            break
        freed += size + ROW_OVERHEAD_BYTES
        values += n
        rows += 1
    victims = [seq for seq, *_ in oldest[:rows]]
    span_ms = books.db.execute(_TIMES, (victims[0], victims[-1])).fetchone()
    if books.shares is not None:
        for seq in victims:
            books.shares.going(books, (seq, seq), cause=reason)
    books.db.executemany("DELETE FROM rows WHERE seq = ?", [(seq,) for seq in victims])
    for seq in victims:
        books.position.settled.add(seq, seq)
    values, freed = books.totals.bounded(values, freed)
    books.dropped(reason, Count(rows, values), freed, span_ms)
    gone = (victims[0], victims[-1])
    exact = tuple(Ranges((seq, seq) for seq in victims))
    return exact, _announce(books, reason, gone, Count(rows, values))


def _oldest(books: Books, kinds: tuple[Kind, ...], most_rows: int) -> list[Old]:
    """Give the oldest waiting rows of some kinds.

    Where none of them is left is remembered: in a full store this is done in every commit, and
    a long outage leaves a million urgent rows in front of the others.
    """
    found: list[Old] = []
    start = books.none_below.get(kinds, LOWEST_SEQ)
    wanted = sum(1 << kind for kind in kinds)
    for first, last in books.position.settled.holes(start, books.totals.last_seq):
        found += books.db.execute(
            "SELECT seq, CAST(coalesce(n, 0) AS INTEGER), coalesce(length(body), 0), "
            "coalesce(up_s, 0.0) FROM rows "
            "WHERE (1 << kind) & ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
            (wanted, first, last, most_rows - len(found)),
        ).fetchall()
        if len(found) >= most_rows:
            break
    books.none_below[kinds] = found[0][0] if found else books.totals.last_seq + 1
    return found


def _announce(books: Books, reason: str, gone: Range, count: Count) -> tuple[Range, ...]:
    """Tell of a drop: the event of its episode grows until somebody has read it."""
    life = books.lives.of(gone[0])
    old = books.episode
    same = old is not None and (old.reason, old.life) == (reason, life)
    if old is not None and same and old.seq not in books.position.settled:
        grown = old.grown(gone, count)
        _rewrite(books, grown)
        return ()
    fresh = DropEpisode(books.totals.last_seq + 1, reason, gone, count, life)
    body = _body(books, fresh)
    (row,) = books.insert([NewRow(Kind.EVENT, now_ms(), 0, body)])
    books.episode = replace(fresh, body_bytes=len(body))
    return ((row.seq, row.seq),)


def _rewrite(books: Books, episode: DropEpisode) -> None:
    body = _body(books, episode)
    books.rewrite(episode.seq, body)
    size = len(body) - episode.body_bytes
    books.totals = books.totals._replace(waiting_bytes=books.totals.waiting_bytes + size)
    books.episode = replace(episode, body_bytes=len(body))


def _body(books: Books, episode: DropEpisode) -> bytes:
    numbers, epoch = books.lives.numbers(*episode.gone)
    return drop_body(episode.reason, numbers, episode.count, t_ms=now_ms(), epoch=epoch)
