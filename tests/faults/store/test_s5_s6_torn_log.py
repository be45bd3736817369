"""S5, S6: the log torn, zeroed, or with one byte changed: what is lost is counted, to the row.

SQLite believes its log up to the first frame that is not true and silently takes back all after
it; the mark beside the store tells how much that was.
"""

from __future__ import annotations

import shutil
import time

import pytest
from faults.scale import rounds

from agent.config.model import Store
from agent.store.outbox import Batch, Kind, NewRow
from agent.store.sqlite import Outbox
from agent.telemetry.status import Count

COMMITS = 60
START_S = 5.0


@pytest.fixture
def image(tmp_path):
    """The files of a store that was never closed, all of it in the log."""
    place = tmp_path / "live"
    outbox = Outbox.open(Store(path=place / "s.db"))
    outbox._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(1, COMMITS + 1):
        outbox.commit(Batch(rows=[NewRow(Kind.DATA, 1, 2, b'"t0":%d,' % number + b"x" * 700)]))
    outbox._mark.write(outbox._mark.last, sync=True)
    copy = tmp_path / "image"
    copy.mkdir()
    for name in ("s.db", "s.db-wal", "s.db.mark"):
        shutil.copy(place / name, copy)
    (copy / "s.db.ballast").touch()
    epoch = outbox.epoch
    outbox.close(clean=True)
    return copy, epoch


def torn(content, dice):
    """Cut the end off."""
    return content[: dice.randrange(len(content))]


def zeroed(content, dice):
    """Leave zeros at the end, as a file system does that has noted only the length."""
    at = dice.randrange(len(content))
    return content[:at] + bytes(len(content) - at)


def changed(content, dice):
    """Change one byte anywhere."""
    at = dice.randrange(len(content))
    return content[:at] + bytes([content[at] ^ dice.randrange(1, 256)]) + content[at + 1 :]


@pytest.mark.parametrize("damage", [torn, zeroed, changed])
def test_what_the_log_has_lost_is_counted_to_the_row(image, tmp_path, dice, figure, damage):
    """Rows there and rows counted as lost are all rows that were stored; no number comes again."""
    place, epoch = image
    log = (place / "s.db-wal").read_bytes()
    trials = rounds(short=10, full=200)
    losses, slowest_s = 0, 0.0
    for trial in range(trials):
        copy = tmp_path / str(trial)
        shutil.copytree(place, copy)
        (copy / "s.db-wal").write_bytes(damage(log, dice))
        began_s = time.monotonic()
        outbox = Outbox.open(Store(path=copy / "s.db", synchronous="NORMAL"))
        slowest_s = max(slowest_s, time.monotonic() - began_s)
        rows = [r for r in outbox.read(1, 2**40, max_bytes=2**40) if r.kind is Kind.DATA]
        lost = outbox.causes.get("medium", Count())
        assert [row.n for row in rows] == list(range(1, len(rows) + 1))
        assert all(row.body.startswith(b'"t0":%d,' % row.n) for row in rows)
        assert Count(len(rows), 2 * len(rows)) + lost == Count(COMMITS, 2 * COMMITS)
        assert (outbox.epoch != epoch) == (outbox.notice is not None) == (lost.rows > 0)
        losses += lost.rows > 0
        outbox.close(clean=True)
        shutil.rmtree(copy)
    figure("logs damaged", trials)
    figure("losses, all counted to the row", losses)
    figure("slowest start, s", f"{slowest_s:.2f}")
    assert losses
    assert slowest_s < START_S
