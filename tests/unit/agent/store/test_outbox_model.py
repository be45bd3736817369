"""The outbox against a list: any sequence of operations, restarts and crashes, the same result."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from unit.agent.store.outboxes import EVERYTHING, FakeTime, check_law, waiting

from agent.config.model import Store
from agent.store.events import REJECTION_MARK
from agent.store.limits import AGE_CHECK_S
from agent.store.outbox import Batch, Kind, NewRow, Rejection
from agent.store.sqlite import Outbox
from agent.store.totals import ROW_OVERHEAD_BYTES
from agent.telemetry.status import Count

LIMIT_BYTES = 1_000_000
MAX_AGE_S = 86_400
STEPS = 100_000
SEQ = st.integers(0, 60)
RANGE = st.tuples(SEQ, st.integers(0, 8)).map(lambda r: (r[0], r[0] + r[1]))
ROW = st.builds(
    NewRow,
    st.sampled_from([Kind.DATA, Kind.DATA, Kind.STATE, Kind.EVENT]),
    st.integers(0, 2**40),
    st.integers(0, 50),
    st.sampled_from([20, 1000, 90_000, 350_000]).map(lambda n: b"x" * n),
)


def memory_place():
    """Make a directory where a sync costs nothing: power cuts are another test's."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="outbox-", dir=shared if shared.is_dir() else None))


@cache
def fresh_file():
    """Make a store in which there was nothing yet: each life begins with a copy of it."""
    place = memory_place()
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    Outbox.open(Store(path=place / "s.db")).close(clean=True)
    return place / "s.db"


class Model:
    """What the store should hold: rows by seq, and sums of everything that left."""

    def __init__(self):
        self.rows = {}
        self.born_s = {}
        self.last_seq = 0
        self.stored, self.acked, self.rejected, self.dropped = (Count(),) * 4

    def enter(self, row, seq, at_s):
        """Take a row in under the seq it was given."""
        assert seq == self.last_seq + 1, "seqs rise by one"
        self.last_seq = seq
        self.rows[seq], self.born_s[seq] = row, at_s
        self.stored += Count(1, row.values)

    def leave(self, seq):
        """Take a row out; give what it counts."""
        row = self.rows.pop(seq, None)
        return Count() if row is None else Count(1, row.values)


class CrashError(Exception):
    """The process ends here."""


class Fragile:
    """A connection that dies after so many statements, and has the files copied as they lie."""

    def __init__(self, connection, left, image):
        self.connection, self.left, self._image = connection, left, image

    def execute(self, *args):
        """Run a statement, or die before it."""
        self._count()
        return self.connection.execute(*args)

    def executemany(self, *args):
        """Run a statement, or die before it."""
        self._count()
        return self.connection.executemany(*args)

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def _count(self):
        self.left -= 1
        if self.left == 0:
            self._image()
            raise CrashError


class OutboxMachine(RuleBasedStateMachine):
    """Every rule does the same to the store and to the model."""

    steps = 0
    """Taken by all lives together."""

    @initialize(keep_hours=st.sampled_from([0, 1, 72]))
    def begin(self, keep_hours):
        self.monkeypatch = pytest.MonkeyPatch()
        self.clock = FakeTime(self.monkeypatch)
        self.directory = memory_place()
        shutil.copy(fresh_file(), self.directory / "s.db")
        (self.directory / "s.db.ballast").touch()
        self.settings = Store(
            path=self.directory / "s.db", max_mb=1, max_age_days=1, keep_hours=keep_hours
        )
        self.outbox = Outbox.open(self.settings)
        self.epoch = self.outbox.epoch
        self.model = Model()
        self.alive_s = 0.0
        self.crashes = 0
        self.given = {}
        self.spoiled, self.found = set(), set()

    def commit(self, batch):
        """Commit, and do to the model what must follow."""
        done = self.outbox.commit(batch)
        model = self.model
        assert [NewRow(*row[1:2], *row[3:6]) for row in done.rows] == batch.rows
        for row, new in zip(done.rows, batch.rows, strict=True):
            model.enter(new, row.seq, self.alive_s)
        for first, last in batch.acked:
            for seq in range(first, last + 1):
                model.acked += model.leave(seq)
        self.follow_rejections(batch, done)
        for seq in self.found:
            model.dropped += model.leave(seq)
        self.found.clear()
        self.follow_drops(done)
        self.given |= {row.seq: row.body for row in done.rows}

    def follow_rejections(self, batch, done):
        """Rejected rows leave; each but an announcement leaves an event behind."""
        self.announced = [first for first, _ in done.announced]
        for rejection in batch.rejected:
            row = self.model.rows.get(rejection.seq)
            if row is None:
                continue
            self.model.rejected += self.model.leave(rejection.seq)
            if REJECTION_MARK not in row.body:
                self.expect_event(self.announced.pop(0))

    def follow_drops(self, done):
        """What went was the oldest of the least urgent, and it went for a reason."""
        dropped = 0
        for first, last in done.gone:
            kind = self.model.rows[first].kind
            oldest = [s for s, r in sorted(self.model.rows.items()) if r.kind is kind]
            gone = [s for s in oldest if first <= s <= last]
            assert gone == oldest[: len(gone)], "the oldest of a kind"
            too_old = all(self.alive_s - self.model.born_s[s] > MAX_AGE_S for s in gone)
            too_many = self.bytes() > LIMIT_BYTES and kind is self.least_urgent()
            assert too_many or (too_old and kind is not Kind.EVENT), "only over a limit"
            for seq in gone:
                self.model.dropped += self.model.leave(seq)
            dropped += len(gone)
        for seq in self.announced:
            self.expect_event(seq)
        if not dropped:
            assert self.bytes() <= LIMIT_BYTES

    def expect_event(self, seq):
        """An event row of the store's own making was added."""
        (row,) = self.plain().execute("SELECT * FROM rows WHERE seq = ?", (seq,)).fetchall()
        self.model.enter(NewRow(Kind(row[1]), row[3], row[5], row[6]), seq, self.alive_s)
        assert row[1] == Kind.EVENT

    def plain(self):
        """Give the connection for the model's own questions, of which the process does not die."""
        return getattr(self.outbox._db, "connection", self.outbox._db)

    def bytes(self):
        """Size of what the model holds."""
        return sum(len(r.body) + ROW_OVERHEAD_BYTES for r in self.model.rows.values())

    def least_urgent(self):
        """Give the kind that goes next."""
        kinds = {row.kind for row in self.model.rows.values()}
        return next(kind for kind in (Kind.DATA, Kind.STATE, Kind.EVENT) if kind in kinds)

    @rule(rows=st.lists(ROW, max_size=5), acked=st.lists(RANGE, max_size=3), wrong=st.lists(SEQ))
    def do_a_batch(self, rows, acked, wrong):
        known = self.model.last_seq + len(rows)  # nobody rejects what the batch itself announces
        rejections = [Rejection(seq, "Refused", 0x99) for seq in wrong if seq <= known]
        self.commit(Batch(rows=rows, acked=acked, rejected=rejections))

    @rule(seconds=st.sampled_from([1, AGE_CHECK_S, MAX_AGE_S / 2, MAX_AGE_S + 1]))
    def let_time_pass(self, seconds):
        self.clock.pass_by(seconds)
        self.alive_s += seconds

    @rule(wanted=RANGE, most=st.integers(1, 200_000))
    def read(self, wanted, most):
        rows = self.outbox.read(*wanted, max_bytes=most)
        expected = [s for s in sorted(self.model.rows) if wanted[0] <= s <= wanted[1]]
        sound = [seq for seq in expected if seq not in self.spoiled]
        got = [row.seq for row in rows]
        assert got == sound[: len(got)]
        assert bool(got) == bool(sound)
        full = sum(len(row.body) for row in rows) >= most
        assert full or len(got) == len(sound)
        if full:  # nobody looked at what comes after
            expected = [seq for seq in expected if seq <= got[-1]]
        self.found |= self.spoiled & set(expected)

    @precondition(lambda self: self.model.rows)
    @rule(data=st.data())
    def spoil(self, data):
        """The medium changes a byte of a row."""
        seq = data.draw(st.sampled_from(sorted(self.model.rows)))
        change = "UPDATE rows SET body = CAST('y' || substr(body, 2) AS BLOB) WHERE seq = ?"
        self.outbox._db.execute(change, (seq,))
        self.spoiled.add(seq)
        self.given.pop(seq, None)

    @rule(wanted=RANGE)
    def replay(self, wanted):
        """What is given again was acknowledged, and is as it was given."""
        for row in self.outbox.replay(*wanted, max_bytes=10**9):
            assert row.seq not in self.model.rows
            assert row.body == self.given.get(row.seq, row.body)

    @rule(rows=st.lists(ROW, max_size=3), acked=st.lists(RANGE, max_size=2), at=st.integers(1, 14))
    def crash_inside(self, rows, acked, at):
        """Die at some statement of a commit, or after it; nothing of it happened, or all."""
        fragile = Fragile(self.outbox._db, at, self.image)
        self.outbox._db = self.outbox._books.db = fragile
        batch = Batch(rows=rows, acked=acked)
        with contextlib.suppress(CrashError):
            self.commit(batch)
        self.outbox._db = self.outbox._books.db = fragile.connection
        if fragile.left <= 0:
            self.outbox.close(clean=False)
            self.open_image()

    @rule(clean=st.booleans())
    def restart(self, clean):
        self.outbox.close(clean=clean)
        self.outbox = Outbox.open(self.settings)
        assert self.outbox.opened_clean == clean
        self.came_back()

    @rule()
    def crash(self):
        """Go on from a copy of the files as they are on disk while the store is open."""
        self.outbox._db.execute("BEGIN")
        self.outbox._db.execute("INSERT INTO rows VALUES (9999, 0, 0, 0, 0, 0, x'00', 0)")
        self.image()
        self.outbox._db.execute("ROLLBACK")
        self.outbox.close(clean=False)
        self.open_image()

    def image(self):
        """Copy the files as they are on disk now."""
        self.crashes += 1
        self.copy = self.directory / f"copy{self.crashes}"
        self.copy.mkdir()
        (self.copy / "s.db.ballast").touch()
        for suffix in ("", "-wal", ".mark"):
            shutil.copy(f"{self.settings.path}{suffix}", self.copy / f"s.db{suffix}")

    def open_image(self):
        """Go on from the copy."""
        self.settings = self.settings.model_copy(update={"path": self.copy / "s.db"})
        self.outbox = Outbox.open(self.settings)
        assert not self.outbox.opened_clean
        self.came_back()

    def came_back(self):
        """After any opening the store is the same one."""
        self.found.clear()
        assert self.outbox.epoch == self.epoch
        assert self.outbox.notice is None
        ends = (min(self.model.rows), max(self.model.rows)) if self.model.rows else None
        assert self.outbox.waiting_range == ends

    @precondition(lambda self: self.model.rows)
    @rule()
    def acknowledge_everything(self):
        self.commit(Batch(acked=[(1, self.model.last_seq)]))
        assert self.outbox.read(*EVERYTHING, max_bytes=1) == [] or self.announced

    @invariant()
    def the_law_holds(self):
        if not hasattr(self, "outbox"):
            return
        OutboxMachine.steps += 1
        totals, model = self.outbox.totals, self.model
        assert (totals.stored, totals.acked) == (model.stored, model.acked)
        assert (totals.rejected, totals.dropped) == (model.rejected, model.dropped)
        assert totals.last_seq == model.last_seq
        check_law(self.outbox)
        settled = self.outbox._books.position.settled
        found = self.outbox._db.execute("SELECT seq, n FROM rows ORDER BY seq").fetchall()
        stored = [(seq, n) for seq, n in found if seq not in settled]
        assert stored == [(s, r.values) for s, r in sorted(model.rows.items())]

    def teardown(self):
        if hasattr(self, "outbox"):
            bodies = {r.seq: r.body for r in waiting(self.outbox) if r.seq in self.given}
            assert bodies == {s: self.given[s] for s in bodies}
            self.outbox.close(clean=True)
            shutil.rmtree(self.directory)
            self.monkeypatch.undo()


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = hypothesis_settings(
    max_examples=30, stateful_step_count=25, deadline=None
)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_a_hundred_thousand_steps():
    """The same for 1e5 steps, in lives of up to 100 steps each."""
    OutboxMachine.steps = 0
    while OutboxMachine.steps < STEPS:
        run_state_machine_as_test(
            OutboxMachine,
            settings=hypothesis_settings(
                max_examples=200,
                stateful_step_count=100,
                deadline=None,
                database=None,
                phases=(Phase.generate,),
                print_blob=True,
            ),
        )
