"""S17: what is written to the medium, counted by the block device, and the wear that follows."""

from __future__ import annotations

import random

import pytest
from faults.medium.disk import disk, needs_root
from faults.scale import is_full, rounds

from agent.config.model import Store
from agent.publish.payload import GroupCodec
from agent.store.outbox import Batch, Kind, NewRow
from agent.store.sqlite import Outbox
from drivers.api import Frame

pytestmark = [needs_root, pytest.mark.timeout(120)]

SMALL = b'"t0":1,"x":"' + b"y" * 186 + b'"}'
ROWS_A_COMMIT = 100
"""Rows of a second, which is what a commit holds by default."""
BYTES_A_ROW = 600
"""The figure of the row: a store that passes on what it holds."""
BYTES_A_KEPT_ROW = 900
"""No promise: rows kept for replay are written a second time, into the file itself."""
BYTES_A_VALUE = 150
"""No promise: it is told when it becomes more."""
KEEP_HOURS = 72
"""The default."""
GROUPS, TAGS = 10, 50
"""500 values a second, polled once a second."""
VALUES = GROUPS * TAGS
CARD_BYTES, CYCLES, AMPLIFICATION = 8e9, 1000, 4
"""A small card of the cheaper kind, and what its controller writes for each byte."""
DAY_S, YEAR_DAYS = 86_400, 365


@pytest.mark.parametrize(
    ("keep_hours", "most"), [(0, BYTES_A_ROW), (72, BYTES_A_KEPT_ROW)], ids=["sent on", "kept"]
)
def test_a_row_costs_little_more_than_itself(tmp_path, figure, keep_hours, most):
    """Rows of 200 bytes, a hundred a second, acknowledged a second later: gone, or kept."""
    commits = rounds(short=20, full=3600)

    def rows(_):
        return [NewRow(Kind.DATA, 1, 1, SMALL)] * ROWS_A_COMMIT

    written = _written(tmp_path, commits, rows, keep_hours=keep_hours)
    a_row = written / (commits * ROWS_A_COMMIT)
    how = "kept for replay" if keep_hours else "sent on"
    figure(f"bytes to the medium per row of 200 bytes, {how}", round(a_row))
    if is_full():  # a few commits pay for the file's own growth
        assert a_row <= most


def test_a_card_lasts(tmp_path, figure):
    """500 values a second from ten groups, the default settings: bytes per value, and years."""
    commits = rounds(short=20, full=3600)
    chance = random.Random(17)
    names = [f"v{n}" for n in range(TAGS)]
    codecs = [GroupCodec("cnc", f"g{at}", names, max_row_bytes=200_000) for at in range(GROUPS)]
    values = [chance.uniform(0, 4000) for _ in range(TAGS)]

    def rows(second):
        made = []
        for at, codec in enumerate(codecs):
            values[second % TAGS] += 1.5
            frame = Frame("cnc", f"g{at}", (1_795_400_000 + second) * 10**9, tuple(values))
            made += codec.encode([frame])
        return made

    written = _written(tmp_path, commits, rows, keep_hours=KEEP_HOURS)
    a_value = written / (commits * VALUES)
    a_day = a_value * VALUES * DAY_S
    years = CARD_BYTES * CYCLES / (AMPLIFICATION * a_day) / YEAR_DAYS
    figure("bytes to the medium per value", round(a_value, 1))
    figure("years of an 8 GB card", round(years, 1))
    if is_full():
        assert a_value <= BYTES_A_VALUE


def _written(folder, commits, rows, *, keep_hours):
    """Store so many seconds, each acknowledged a second later; give the bytes of the device."""
    with disk(folder, size_mb=2000) as medium:
        outbox = Outbox.open(Store(path=medium.place / "s.db", keep_hours=keep_hours))
        before = medium.written_bytes()
        acked = 0
        for second in range(commits):
            last = outbox.totals.last_seq
            outbox.commit(Batch(rows=rows(second), acked=[(acked + 1, last)] if last else []))
            acked = last
        written = medium.written_bytes() - before
        outbox.close(clean=True)
        medium.detach()
    return written
