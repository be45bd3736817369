"""Opening the file: new, old, newer, foreign, damaged, locked, out of reach."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils import Database
from unit.agent.store.outboxes import data, events, put, seqs, settings

from agent.store.file import SCHEMA_VERSION, connect
from agent.store.migrations import migrate, steps
from agent.store.outbox import StoreError, StoreLocked
from agent.store.sqlite import Outbox


def refused(store):
    """Give the error of opening; nothing of the failed opening is left."""
    with pytest.raises(StoreError) as caught:
        Outbox.open(store)
    assert str(store.path) in str(caught.value)
    assert str(store.path) in caught.value.zh
    return caught.value


def test_directories_are_made(tmp_path):
    """A store is created with the directories above it."""
    store = settings(tmp_path / "a" / "b")
    Outbox.open(store).close(clean=True)
    assert store.path.exists()


@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL"])
def test_the_file_is_set_up_for_power_cuts(tmp_path, synchronous):
    """WAL, the configured synchronous mode and pages of 8 KiB are in force."""
    outbox = Outbox.open(settings(tmp_path, synchronous=synchronous))
    ask = outbox._db.execute
    assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ask("PRAGMA synchronous").fetchone() == ({"FULL": 2, "NORMAL": 1}[synchronous],)
    assert ask("PRAGMA page_size").fetchone() == (8192,)
    outbox.close(clean=True)


def test_a_second_agent_on_the_same_store_is_refused(outbox, store):
    """While one has the store open, a second is told so in both languages, and hurts nothing."""
    put(outbox, data())
    with pytest.raises(StoreLocked) as caught:
        Outbox.open(store)
    assert "another process has this store open" in str(caught.value)
    assert "正被另一个进程使用" in caught.value.zh
    assert seqs(outbox) == [1]


def test_the_lock_ends_with_its_process(store):
    """A store whose process was killed can be opened at once."""
    code = (
        "import sys; from pathlib import Path\n"
        "from agent.config.model import Store\n"
        "from agent.store.sqlite import Outbox\n"
        "box = Outbox.open(Store(path=Path(sys.argv[1])))\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreLocked):
            Outbox.open(store)
        other.kill()
    Outbox.open(store).close(clean=True)


@pytest.mark.parametrize(
    "content",
    [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 8192],
    ids=["text", "broken header", "zeros"],
)
def test_a_file_that_is_no_store_is_set_aside_and_kept(store, content):
    """Garbage does not stop the start: it is renamed, a fresh store is in use, both told of."""
    store.path.write_bytes(content)
    outbox = Outbox.open(store)
    put(outbox, data())
    assert quarantined(store).read_bytes() == content
    assert "set aside" in outbox.notice.en
    assert "隔离" in outbox.notice.zh
    told = events(outbox)
    assert [e["state"] for e in told if e["type"] == "store"] == ["quarantined"]
    outbox.close(clean=True)


def quarantined(store):
    """Give the place of a file that was set aside."""
    return store.path.with_name(store.path.name + ".quarantine")


def test_an_empty_file_becomes_a_store(store):
    """A file of no bytes holds nothing to lose: it is made a store."""
    store.path.touch()
    outbox = Outbox.open(store)
    put(outbox, data())
    outbox.close(clean=True)


def test_a_newer_store_is_set_aside_whole_and_not_salvaged(store):
    """A store of a newer version is kept for that version; this one starts with a fresh one."""
    Outbox.open(store).close(clean=True)
    with sqlite3.connect(store.path) as other:
        other.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
        other.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('chulian-store', 'of tomorrow', '2036-01-01')"
        )
    other.close()
    outbox = Outbox.open(store)
    assert "newer version" in outbox.notice.en
    assert "更新版本" in outbox.notice.zh
    assert outbox.salvaging is None
    (told,) = events(outbox)
    assert (told["type"], told["reason"]) == ("store", "newer")
    outbox.close(clean=True)
    with sqlite3.connect(quarantined(store)) as kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)
    kept.close()


@pytest.mark.parametrize("bit", range(12))
def test_a_flipped_bit_in_the_version_is_no_newer_version(store, bit):
    """A file no newer version has been at is gone on with, whatever number its header bears."""
    outbox = Outbox.open(store)
    put(outbox, data(), data())
    outbox.close(clean=True)
    with sqlite3.connect(store.path) as other:
        other.execute(f"PRAGMA user_version={SCHEMA_VERSION ^ 1 << bit}")
    other.close()
    outbox = Outbox.open(store)
    assert (outbox.notice, seqs(outbox)) == (None, [1, 2])
    assert outbox._db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    outbox.close(clean=True)


@pytest.mark.parametrize("at", [18, 19])
@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_in_the_format_of_the_file_costs_no_row(store, at, bit):
    """SQLite would take such a file for read-only, or look past its log; it is salvaged instead."""
    outbox = Outbox.open(store)
    put(outbox, data(), data())
    outbox.close(clean=True)
    content = bytearray(store.path.read_bytes())
    content[at] ^= 1 << bit
    store.path.write_bytes(content)
    outbox = Outbox.open(store)
    assert "damaged" in outbox.notice.en
    while outbox.salvaging:
        outbox.salvage_step()
    assert len([seq for seq in seqs(outbox) if seq < 0]) == 2
    outbox.close(clean=True)


def test_a_damaged_name_of_a_column_is_found_at_the_start(store):
    """It cannot even be read as text: found before the agent runs, and every row is salvaged."""
    outbox = Outbox.open(store)
    put(outbox, data(), data())
    outbox.close(clean=True)
    content = bytearray(store.path.read_bytes())
    content[content.index(b'"up_s"') + 1] ^= 0x80
    store.path.write_bytes(content)
    outbox = Outbox.open(store)
    while outbox.salvaging:
        outbox.salvage_step()
    assert len([seq for seq in seqs(outbox) if seq < 0]) == 2
    outbox.close(clean=True)


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION])
def test_the_database_of_another_program_is_refused_and_kept(store, version):
    """Tables that are not ours are left alone, whatever version the file bears."""
    with sqlite3.connect(store.path) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
        other.execute(f"PRAGMA user_version={version}")
    other.close()
    before = store.path.read_bytes()
    assert "Move the file away" in str(refused(store))
    assert store.path.read_bytes()[100:] == before[100:]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM totals",
        "UPDATE totals SET acked_rows = acked_rows + 1",
        "UPDATE totals SET settled_to = 1, last_seq = 1",
        "DROP TABLE positions",
    ],
)
def test_books_that_cannot_be_true_are_set_aside(store, damage):
    """A store whose counters are gone or contradict its rows is salvaged, not gone on with."""
    outbox = Outbox.open(store)
    put(outbox, data(), data())
    outbox.close(clean=True)
    with sqlite3.connect(store.path) as other:
        other.execute(damage)
    other.close()
    outbox = Outbox.open(store)
    assert outbox.notice
    assert quarantined(store).exists()
    outbox.close(clean=True)


def test_a_place_that_cannot_be_written_says_so(tmp_path):
    """A path below a file, and one that is a directory, are told of in both languages."""
    (tmp_path / "file").touch()
    (tmp_path / "dir" / "store.db").mkdir(parents=True)
    for place in ("file", "dir"):
        error = refused(settings(tmp_path / place))
        assert "Check that this user may write there" in str(error)
        assert "无法写入" in error.zh


def test_a_failed_opening_leaves_nothing_open(store):
    """After a refusal the same process can open the store once the cause is gone."""
    with sqlite3.connect(store.path) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    refused(store)
    assert not any(str(store.path) in name for name in _open_files())
    store.path.unlink()
    Outbox.open(store).close(clean=True)


def test_migrations_can_be_repeated(store):
    """Running the steps again, or finishing a file half made, gives the same schema."""
    connection = connect(store)
    schema = _schema(connection)
    migrate(connection, version=SCHEMA_VERSION)
    assert _schema(connection) == schema
    connection.close()
    store.path.unlink()
    half = sqlite3.connect(store.path, isolation_level=None)
    steps.apply(Database(half), stop_before="evidence")
    half.close()
    finished = connect(store)
    assert _schema(finished) == schema
    finished.close()


def _open_files():
    names = []
    for fd in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists this directory
            names.append(str(fd.readlink()))
    return names


def _schema(connection):
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%auto%'")
    return sorted(found.fetchall())
