"""The journal: a chain nobody can change unseen, on a disk that may fail."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.agent.ledger.ledgers import any_ledger, machine, shop

from agent.config.ledger import Enterprise
from agent.ledger import journal as module
from agent.ledger.entry import MAX_LINE_BYTES, Source, checked, verify
from agent.ledger.history import History
from agent.ledger.journal import Journal, JournalDamaged, JournalError, journal_path
from agent.ledger.records import declared_of, document_of

BY = {"at_ms": 1_785_470_400_000, "day": date(2026, 7, 31), "who": "王工", "source": Source.CONFIG}


@pytest.fixture
def journal(tmp_path):
    """A journal that does not exist yet."""
    return Journal(journal_path(tmp_path / "chulian.db"))


@pytest.fixture
def lines(journal):
    """Lines of a journal with three edits."""
    journal.record(shop(), **BY)
    journal.record(shop(processes=shop().processes[:3]), **BY | {"at_ms": 2})
    journal.record(shop(), **BY | {"at_ms": 3})
    return journal.lines()


def test_a_ledger_is_written_down_once(journal):
    """The first time every record, then only what differs, and nothing where nothing does."""
    assert len(journal.record(shop(), **BY)) == 1 + 4 + 13
    assert journal.record(shop(), **BY) == ()
    more = shop(equipment=(*shop().equipment, machine("N1", "CNC", "turning")))
    (entry,) = journal.record(more, **BY)
    assert (entry.seq, entry.id, entry.before, entry.who) == (19, "N1", None, "王工")
    assert verify(journal.lines()) is None
    assert journal.path.name == "chulian.ledger.jsonl"


def test_the_order_of_records_is_no_change(journal):
    """A ledger sorted otherwise is the same ledger."""
    journal.record(shop(), **BY)
    assert journal.record(shop(equipment=shop().equipment[::-1]), **BY) == ()


def test_any_changed_byte_is_found(lines):
    """A byte changed anywhere makes the line bad in which it stands."""
    text = "\n".join(lines)
    step = max(1, len(text) // 400)
    for at in range(0, len(text), step):
        if text[at] == "\n":
            continue
        other = "x" if text[at] != "x" else "y"
        bad = verify((text[:at] + other + text[at + 1 :]).split("\n"))
        assert bad is not None, text[at - 20 : at + 20]
        assert bad.number == text.count("\n", 0, at) + 1


@pytest.mark.parametrize("change", ["removed", "swapped", "doubled", "rewritten"])
def test_a_line_moved_is_found(lines, change):
    """Lines cannot be removed, swapped, doubled, or written anew with a hash of their own."""
    altered = list(lines)
    if change == "removed":
        del altered[4]
    elif change == "swapped":
        altered[4], altered[5] = altered[5], altered[4]
    elif change == "doubled":
        altered.insert(4, altered[4])
    else:
        entry = checked(lines).entries[4]
        forged = replace(entry, who="somebody else", hash="")
        altered[4] = replace(forged, hash=forged.true_hash()).line()
    bad = verify(altered)
    assert bad is not None
    assert bad.number == (6 if change in {"doubled", "rewritten"} else 5)
    assert bad.why.zh != bad.why.en


def test_only_the_end_can_be_cut_off(lines):
    """A journal without its last lines is whole in itself: its last hash must be kept elsewhere."""
    assert verify(lines[:-1]) is None
    assert checked(lines[:-1]).last_hash != checked(lines).last_hash


def test_a_torn_last_line_is_told_and_nothing_written_behind_it(journal, lines):
    """What a power cut left is never continued; the lines before it still tell what they told."""
    journal.path.write_bytes(journal.path.read_bytes()[:-9])
    known = journal.read()
    assert known.bad is not None
    assert known.bad.number == len(lines) == len(known.entries) + 1
    size = journal.path.stat().st_size
    with pytest.raises(JournalDamaged, match="--set-aside"):
        journal.record(shop(processes=()), **BY)
    assert journal.path.stat().st_size == size


def test_a_whole_line_without_its_end_is_torn_too(journal, lines):
    """A line counts when its end of line is there, not before."""
    journal.path.write_bytes(journal.path.read_bytes()[:-1])
    bad = journal.read().bad
    assert bad is not None
    assert bad.number == len(lines)


def test_a_damaged_journal_is_set_aside_by_a_person(journal, lines):
    """The file stays under another name, and the new journal says what it follows."""
    data = journal.path.read_bytes().replace("王工".encode(), "李工".encode(), 1)
    journal.path.write_bytes(data)
    kept = journal.set_aside(at_ms=9, day=date(2026, 8, 1), who="李工")
    assert kept is not None
    assert kept.read_bytes() == data
    (note,) = journal.read().entries
    assert (note.source, note.kind, note.after["follows"]) == (Source.JOURNAL, None, kept.name)
    assert journal.set_aside(at_ms=9, day=date(2026, 8, 1), who="李工") is None
    assert len(journal.record(shop(), **BY)) == 18
    assert History.of(journal.read().entries).batches[0].after is None
    assert len(lines) > 18


def test_a_full_disk_leaves_nothing_half_written(journal, monkeypatch):
    """What could not be written whole is taken back, and the caller is told."""
    journal.record(shop(), **BY)
    before = journal.path.read_bytes()
    real = os.write

    def full(fd, data):
        if len(data) > 10:
            return real(fd, bytes(data[:10]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "write", full)
    monkeypatch.setattr(module.os, "fsync", lambda _fd: (_ for _ in ()).throw(
        OSError(errno.ENOSPC, "No space left on device")))  # fmt: skip
    with pytest.raises(JournalError, match="No space left"):
        journal.record(shop(processes=()), **BY)
    assert journal.path.read_bytes() == before


def test_a_record_too_long_for_a_line_is_refused(journal):
    """Lines are bounded: a record that does not fit is told, and nothing is written."""
    long = shop(enterprise=Enterprise(id="shop", name="长" * (MAX_LINE_BYTES // 3)))
    with pytest.raises(JournalError, match="too long"):
        journal.record(long, **BY)
    assert journal.lines() == ()


def test_a_folder_in_its_place_is_told(journal):
    """A path that is no file gives the system's reason, not a traceback."""
    journal.path.mkdir()
    with pytest.raises(JournalError):
        journal.read()
    with pytest.raises(JournalError):
        journal.record(shop(), **BY)


@pytest.mark.parametrize("data", [b"\xff\xfe\n", b"{}\n", b"[]\n", b"null\n", b"\n", b"[" * 99_999])
def test_any_bytes_give_an_answer(journal, data):
    """What is no journal has a bad first line."""
    journal.path.write_bytes(data)
    bad = journal.read().bad
    assert bad is not None
    assert bad.number == 1


@settings(max_examples=20, deadline=None, suppress_health_check=(HealthCheck.too_slow,))
@given(st.lists(any_ledger(), min_size=1, max_size=3))
def test_the_journal_gives_every_ledger_back(tmp_path_factory, ledgers):
    """Whatever ledgers follow each other, each is what its edit left, exactly."""
    journal = Journal(tmp_path_factory.mktemp("j") / "x.jsonl")
    for number, one in enumerate(ledgers):
        journal.record(one, **BY | {"at_ms": number})
        last = History.of(journal.read().entries).batches[-1].after
        assert last is not None
        assert last.records() == one.records()
        assert document_of(declared_of(document_of(one))) == document_of(one)
        assert json.loads(json.dumps(document_of(one))) == document_of(one)
    assert verify(journal.lines()) is None


def test_setting_aside_never_leaves_no_journal(journal, monkeypatch):
    """If the new journal cannot take its place, the damaged one still stands under its name."""
    journal.path.write_bytes(b"{}\n")

    def refused(*_args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(type(journal.path), "replace", refused)
    with pytest.raises(JournalError, match="Input/output"):
        journal.set_aside(at_ms=1, day=BY["day"], who="王工")
    assert journal.path.read_bytes() == b"{}\n"
