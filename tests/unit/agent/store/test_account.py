"""The account: produced is counted where values come in, so a value that an encoder loses shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.agent.store.outboxes import data, put, settings

from agent.store.account import Account
from agent.store.intake import Intake
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox
from drivers.api import Frame


class Encoder:
    """Makes one row of all frames; may lose values."""

    def __init__(self, loses=0):
        self.loses = loses

    def encode(self, frames):
        """Encode."""
        return [data(sum(len(f.values) for f in frames) - self.loses)]


@pytest.fixture
def outbox(tmp_path):
    opened = Outbox.open(settings(tmp_path))
    put(opened, data(4))
    yield opened
    opened.close(clean=True)


def status(account):
    """Give the status as the writer does."""
    return account.status(oldest_ms=None, commits=0, problem=None)


def committed(outbox, account, intake):
    """Do what the writer does for one commit."""
    batch = Batch()
    intake.move_to(batch)
    done = outbox.commit(batch)
    intake.committed()
    account.committed(done)


def test_values_on_their_way_are_part_of_the_law(outbox):
    """Between taking a frame in and its commit its values are produced and on their way."""
    intake = Intake()
    account = Account(outbox, intake)
    assert (status(account).produced_values, status(account).balanced) == (4, True)
    intake.put(Encoder(), Frame("m1", "g", 1, (1, 2, 3)))
    seen = status(account)
    assert (seen.produced_values, seen.intake_values, seen.balanced) == (7, 3, True)
    committed(outbox, account, intake)
    seen = status(account)
    assert (seen.stored.values, seen.intake_values, seen.balanced) == (7, 0, True)


def test_a_value_that_is_lost_before_it_is_stored_breaks_the_law(outbox):
    """An encoder that gives fewer values than came in is found out."""
    intake = Intake()
    account = Account(outbox, intake)
    intake.put(Encoder(loses=1), Frame("m1", "g", 1, (1, 2, 3)))
    committed(outbox, account, intake)
    assert not status(account).balanced


def test_rows_that_came_otherwise_are_no_breach(outbox):
    """Rows that the store itself brings in (salvage) raise what was produced as well."""
    intake = Intake()
    account = Account(outbox, intake)
    done = put(outbox, data(5))
    account.committed(replace(done, rows=()))
    assert (status(account).produced_values, status(account).balanced) == (9, True)


def test_destinations_that_come_or_go_are_seen_before_the_next_commit(outbox):
    """A new destination has counters of its own at once, one that is gone has none any more."""
    account = Account(outbox, Intake())
    alone = status(account)
    outbox.serve([("one", True), ("two", True)])
    account.joined()
    number = outbox.places(["two"])["two"].number
    its = account.status(oldest_ms=None, commits=0, problem=None, number=number)
    assert (its.stored, its.waiting, its.balanced) == (alone.stored, alone.waiting, True)
    assert its.produced_values == 4
    outbox.serve([("one", True)])
    account.joined()
    gone = account.status(oldest_ms=None, commits=0, problem=None, number=number)
    assert gone == status(account) == alone
