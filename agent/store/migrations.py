"""The store's schema, step by step; imported only when a file is new or from an older version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Database, Migrations

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


def migrate(connection: sqlite3.Connection, *, version: int) -> None:
    """Run every step that has not run, each in a transaction, then mark the file as `version`."""
    steps.apply(Database(connection))
    connection.execute(f"PRAGMA user_version={version:d}")
