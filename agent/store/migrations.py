"""The store's schema, step by step; imported only when a file is new or from an older version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Database, Migrations

from agent.store.notes import note_crc
from agent.store.positions import LOWEST_SEQ
from agent.store.ranges import Ranges

if TYPE_CHECKING:
    import sqlite3

steps = Migrations("chulian-store")


@steps()
def outbox(db: Database) -> None:
    """Rows waiting, rows set aside, the counters of the law, and the store's identity."""
    db.table("rows").create(
        {"seq": int, "kind": int, "mv": int, "t_ms": int, "up_s": float, "n": int, "body": bytes},
        pk="seq",
        not_null={"kind", "mv", "t_ms", "up_s", "n", "body"},
        strict=True,
    )
    db.table("rejected").create(
        {
            "seq": int, "kind": int, "t_ms": int, "n": int, "reason": str, "code": int,
            "body": bytes,
        },
        pk="seq",
        strict=True,
    )  # fmt: skip
    columns = (
        "stored_rows", "stored_values", "acked_rows", "acked_values", "rejected_rows",
        "rejected_values", "dropped_rows", "dropped_values", "waiting_rows", "waiting_values",
        "waiting_bytes", "last_seq",
    )  # fmt: skip
    totals: dict[str, type] = {"id": int, **dict.fromkeys(columns, int), "uptime_s": float}
    db.table("totals").create(totals, pk="id", strict=True)
    db.table("totals").insert({"id": 1, **dict.fromkeys(columns, 0), "uptime_s": 0.0})
    db.table("identity").create({"key": str, "value": str}, pk="key", strict=True)


@steps()
def evidence(db: Database) -> None:
    """What was observed of each device on each day."""
    db.table("evidence").create(
        {
            "device": str, "day": str, "good": int, "metrics_changed": int, "control_good": int,
            "first_ms": int, "last_ms": int,
        },
        pk=("device", "day"),
        strict=True,
    )  # fmt: skip


@steps()
def lessons(db: Database) -> None:
    """What was learned of devices: one text per group; the group "" holds who a device is."""
    db.table("lessons").create(
        {"device": str, "grp": str, "text": str, "kept_ms": int},
        pk=("device", "grp"),
        not_null={"text", "kept_ms"},
        strict=True,
    )


@steps()
def positions(db: Database) -> None:
    """Checksums of rows; what each destination has settled; lives; causes of drops.

    Rows stay when they are acknowledged: what is settled is a few ranges, not a state of each row.
    Rows written before have no checksum, and are told by their number.
    """
    db.table("rows").add_column("crc", int)
    for column in ("kept_bytes", "settled_to"):
        db.table("totals").add_column(column, int, not_null_default=0)
    db.table("positions").create(
        {"destination": int, "first": int, "last": int},
        pk=("destination", "first"),
        not_null={"last"},
        strict=True,
    )
    db.table("lives").create({"last": int, "base": int, "epoch": str}, pk="last", strict=True)
    db.table("causes").create(
        {"cause": str, "row_count": int, "value_count": int}, pk="cause", strict=True
    )
    (last_seq,) = db.execute("SELECT last_seq FROM totals").fetchone()
    settled = Ranges([(LOWEST_SEQ, last_seq)])
    for (seq,) in db.execute("SELECT seq FROM rows ORDER BY seq"):
        settled.remove(seq, seq)
    (_, settled_to), *beyond = settled
    db.execute("UPDATE totals SET settled_to = ?", (settled_to,))
    db.conn.executemany("INSERT INTO positions VALUES (1, ?, ?)", beyond)
    db.table("identity").insert({"key": "unsealed_to", "value": str(last_seq)})


@steps()
def losses(db: Database) -> None:
    """What is missing, by cause and device; when the store last stored something."""
    db.table("losses").create(
        {
            "cause": str, "device": str, "dated": int, "nr": int, "from_ms": int, "to_ms": int,
            "times": int, "amount": int,
        },
        pk=("cause", "device", "dated", "nr"),
        not_null={"from_ms", "to_ms", "times", "amount"},
        strict=True,
    )  # fmt: skip
    db.table("totals").add_column("last_ms", int, not_null_default=0)
    db.execute(
        "INSERT INTO losses SELECT 'rejected', '', 0, 0, 0, 0, rejected_rows, rejected_values "
        "FROM totals WHERE rejected_rows"
    )
    db.execute(
        "INSERT INTO losses SELECT cause, '', 0, 0, 0, 0, row_count, value_count FROM causes"
    )


@steps()
def notes(db: Database) -> None:
    """A checksum for each row of evidence and of lessons."""
    for table in ("evidence", "lessons"):
        db.table(table).add_column("crc", int)
        rows = db.execute(f"SELECT rowid, * FROM {table}").fetchall()  # noqa: S608 - names of ours
        db.conn.executemany(
            f"UPDATE {table} SET crc = ? WHERE rowid = ?",  # noqa: S608 - names of ours
            [(note_crc(columns), rowid) for rowid, *columns, _ in rows],
        )


@steps()
def destinations(db: Database) -> None:
    """Several destinations: how far each is, and what became of the rows for it."""
    counts = [
        f"{name}_{part}"
        for name in ("before", "acked", "rejected", "dropped", "lost")
        for part in ("rows", "values")
    ]
    db.table("destinations").create(
        {
            "id": int, "name": str, "settled_to": int, **dict.fromkeys(counts, int),
            "lost_first": int, "lost_last": int,
        },
        pk="id",
        not_null={"name", "settled_to", *counts},
        defaults=dict.fromkeys(counts, 0),
        strict=True,
    )  # fmt: skip


@steps()
def destination_causes(db: Database) -> None:
    """Why rows were dropped for each destination; a checksum for each span of loss."""
    db.table("destination_causes").create(
        {"destination": int, "cause": str, "row_count": int, "value_count": int},
        pk=("destination", "cause"),
        not_null={"row_count", "value_count"},
        strict=True,
    )
    db.execute(
        "INSERT INTO destination_causes SELECT id, 'behind', dropped_rows, dropped_values "
        "FROM destinations WHERE dropped_rows OR dropped_values"
    )
    db.table("losses").add_column("crc", int)
    for rowid, *columns, _ in db.execute("SELECT rowid, * FROM losses").fetchall():
        db.execute("UPDATE losses SET crc = ? WHERE rowid = ?", (note_crc(columns), rowid))


@steps()
def evidence_detail(db: Database) -> None:
    """The rest of a device's day, as JSON; its checksum covers it."""
    db.execute("ALTER TABLE evidence ADD COLUMN detail TEXT NOT NULL DEFAULT ''")


def migrate(connection: sqlite3.Connection, *, version: int) -> None:
    """Run every step that has not run, each in a transaction, then mark the file as `version`."""
    steps.apply(Database(connection))
    connection.execute(f"PRAGMA user_version={version:d}")


def has_steps_unknown_here(connection: sqlite3.Connection) -> bool:
    """Tell whether a newer version has been at a file; the number in its header may be damaged.

    Every version that raises the number adds a step.
    """
    here = {one.name for one in steps.pending(Database(memory=True))}
    return not {one.name for one in steps.applied(Database(connection))} <= here
