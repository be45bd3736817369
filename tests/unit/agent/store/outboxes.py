"""Small stores for the tests, and the law they all obey."""

from __future__ import annotations

from types import SimpleNamespace

import orjson

from agent.config.model import Store
from agent.store import books, limits, session
from agent.store.losses import agrees
from agent.store.outbox import Batch, Kind, NewRow, Rejection
from agent.store.sqlite import Outbox
from agent.store.totals import ROW_OVERHEAD_BYTES
from agent.telemetry.status import Count

EVERYTHING = (-(2**62), 2**62)
T_MS = 1_795_400_000_000


def settings(tmp_path, **fields):
    """Give the settings of a store in a test's own directory."""
    return Store(path=tmp_path / "store.db", **fields)


def data(values=1, body=b'"t0":0}', t_ms=T_MS):
    """Make a data row of some values."""
    return NewRow(Kind.DATA, t_ms, values, body)


def event(body=b'"t":0,"type":"start"}', t_ms=T_MS):
    """Make an event row."""
    return NewRow(Kind.EVENT, t_ms, 0, body)


def put(outbox, *rows):
    """Commit rows; give what the commit did."""
    return outbox.commit(Batch(rows=list(rows)))


def ack(outbox, *ranges):
    """Commit acknowledgements."""
    return outbox.commit(Batch(acked=list(ranges)))


def reject(outbox, *seqs, reason="NotWanted", code=0x99):
    """Commit rejections."""
    return outbox.commit(Batch(rejected=[Rejection(s, reason, code) for s in seqs]))


def waiting(outbox):
    """Read every row that waits."""
    return outbox.read(*EVERYTHING, max_bytes=2**40)


def seqs(outbox):
    """Give the seqs that wait."""
    return [row.seq for row in waiting(outbox)]


def events(outbox):
    """Give the events that wait, decoded."""
    return [orjson.loads(b"{" + r.body) for r in waiting(outbox) if r.kind is Kind.EVENT]


def check_law(outbox):
    """Hold counters against the rows, and the law against the counters."""
    totals = outbox.totals
    parts = (totals.acked, totals.rejected, totals.dropped, totals.waiting)
    assert totals.stored == sum(parts, Count())
    settled = outbox._books.position.settled
    stored = outbox._db.execute("SELECT seq, n, length(body) FROM rows").fetchall()
    rows = [(n, size) for seq, n, size in stored if seq not in settled]
    kept = [size for seq, _, size in stored if seq in settled]
    assert totals.kept_bytes == sum(size + ROW_OVERHEAD_BYTES for size in kept)
    assert sum(outbox.causes.values(), Count()) == totals.dropped
    assert agrees(outbox.losses.spans, outbox.causes, totals)
    assert all(seq in outbox._books.kept for seq, *_ in stored if seq in settled)
    assert totals.waiting == Count(len(rows), sum(n for n, _ in rows))
    assert totals.waiting_bytes == sum(size + ROW_OVERHEAD_BYTES for _, size in rows)


class FakeTime:
    """A monotonic clock that stands until it is told to go on, for `agent.store.sqlite`."""

    def __init__(self, monkeypatch):
        self.now_s = 1000.0
        fake = SimpleNamespace(monotonic=lambda: self.now_s, time_ns=lambda: T_MS * 1_000_000)
        for module in (session, limits, books):
            monkeypatch.setattr(module, "time", fake)

    def pass_by(self, seconds):
        """Let time go by."""
        self.now_s += seconds


def reopened(outbox, store, *, clean=True):
    """Close and open again."""
    outbox.close(clean=clean)
    return Outbox.open(store)
