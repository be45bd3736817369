"""Counters as a damaged page may give them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from agent.store.totals import _ALL, read_totals


@pytest.mark.parametrize("damaged", [None, "7", b"\0", 7.5], ids=repr)
@pytest.mark.parametrize("column", ["stored_rows", "uptime_s", "last_ms"])
def test_counters_that_are_no_numbers_are_damage(column, damaged):
    """Whatever a column is declared to hold, a flipped bit makes it something else."""
    if (column, damaged) == ("uptime_s", 7.5):
        damaged = 7  # this one is a real
    whole = {name: 1.5 if name == "uptime_s" else 1 for name in _ALL}
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE TABLE totals ({', '.join(_ALL)})")
        insert = f"INSERT INTO totals VALUES ({', '.join('?' * len(_ALL))})"
        db.execute(insert, list(whole.values()))
        assert read_totals(db).last_seq == 1
        db.execute("DELETE FROM totals")
        db.execute(insert, list((whole | {column: damaged}).values()))
        with pytest.raises(sqlite3.DatabaseError, match="no numbers"):
            read_totals(db)
