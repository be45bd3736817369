"""Looking into a store that no agent has open: counters, integrity, evidence; changes nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.store.file import lock, read_evidence
from agent.store.outbox import StoreError
from agent.store.totals import ROW_OVERHEAD_BYTES, Totals, read_totals
from agent.telemetry.status import Count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.store.outbox import EvidenceRow


@dataclass(frozen=True, slots=True)
class Report:
    """What a closed store holds, and whether its counters are true."""

    epoch: str
    totals: Totals
    found: Count
    """Rows and values actually waiting, counted row by row."""
    found_bytes: int
    integrity: str
    """`ok`, or what SQLite found damaged."""
    oldest_ms: int | None

    @property
    def balanced(self) -> bool:
        """Whether stored = acked + rejected + dropped + waiting."""
        t = self.totals
        return t.stored == sum((t.acked, t.rejected, t.dropped, t.waiting), Count())

    @property
    def sound(self) -> bool:
        """Whether the law holds, the counters match the rows, and no page is damaged."""
        counted = (self.found, self.found_bytes) == (self.totals.waiting, self.totals.waiting_bytes)
        return self.balanced and counted and self.integrity == "ok"


def report(path: Path) -> Report:
    """Read a whole store and check it.

    Raises:
        StoreLocked: an agent has it open; ask that agent.
        StoreError: it is not there or is no store.
    """
    with _opened(path) as connection:
        rows, values, body_bytes = connection.execute(
            "SELECT count(*), coalesce(sum(n), 0), coalesce(sum(length(body)), 0) FROM rows"
        ).fetchone()
        epoch = connection.execute("SELECT value FROM identity WHERE key = 'epoch'").fetchone()
        oldest = connection.execute("SELECT t_ms FROM rows ORDER BY seq LIMIT 1").fetchone()
        integrity = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        return Report(
            epoch[0] if epoch else "",
            read_totals(connection),
            Count(rows, values),
            body_bytes + ROW_OVERHEAD_BYTES * rows,
            integrity,
            oldest[0] if oldest else None,
        )


def evidence(path: Path) -> list[EvidenceRow]:
    """Read what was observed of each device on each day; raises as `report` does."""
    with _opened(path) as connection:
        return read_evidence(connection)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise StoreError(
            f"{path}: there is no store yet; it is made when the agent first runs.",
            zh=f"{path}：存储文件不存在，采集程序首次运行时会自动创建。",
        )
    lock_fd = lock(path)
    connection = sqlite3.connect(path)
    try:
        yield connection
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path}: cannot be read as a store: {error}.",
            zh=f"{path}：无法作为存储文件读取：{error}。",
        ) from error
    finally:
        connection.close()
        os.close(lock_fd)
