"""Records typed into forms: what was there typed again changes nothing, anything else is told."""

from __future__ import annotations

import fcntl
import os
import threading
from datetime import date

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from unit.agent.ledger.ledgers import any_ledger
from unit.agent.ledger.test_edit import BY, HEAD

from agent.ledger.edit import apply, change, prepare, read_config, read_current
from agent.ledger.entry import Source, verify
from agent.ledger.history import History
from agent.ledger.journal import Journal
from agent.ledger.naming import title_of, value_text
from agent.ledger.printable import unseen
from agent.ledger.records import Declared, RecordKind
from agent.ledger.sheets import SHEETS, Kind
from agent.ledger.typed import Refused, sheets_of, try_record, typed_of

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
SLOW = (HealthCheck.too_slow,)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "agent.yaml"
    path.write_text(HEAD, "utf-8")
    return path


def misleads(kind, name, texts):
    """Tell whether a field of one line, or one of several, holds what cannot be seen."""
    lines = {c.key for one in sheets_of(kind) for c in one.columns if c.kind is Kind.TEXT}
    if name.rpartition(".")[2] in lines:
        texts = [text.replace("\n", "") for text in texts]
    return any(map(unseen, texts))


@settings(max_examples=15, deadline=None, phases=QUICK, suppress_health_check=SLOW)
@given(any_ledger())
def test_any_record_typed_again_is_the_same(tmp_path_factory, ledger):
    """A form holds all of a record: sent as it came it changes nothing; what misleads is told."""
    path = tmp_path_factory.mktemp("typed") / "agent.yaml"
    path.write_text(HEAD, "utf-8")
    text = prepare(read_current(path), ledger.written()).text
    path.write_text(text, "utf-8")
    current = read_current(path)
    for key, record in current.declared.written().items():
        typed = typed_of(key[0], record)
        misleading = {name for name, texts in typed.items() if misleads(key[0], name, texts)}
        if misleading:
            with pytest.raises(Refused) as refused:
                try_record(current, key, typed)
            assert {one.name for one in refused.value.problems} == misleading
            continue
        tried = try_record(current, key, typed)
        assert tried.edit.changes == ()
        assert tried.edit.text == text


@settings(max_examples=60, deadline=None, phases=QUICK, suppress_health_check=SLOW)
@given(st.text(st.characters(codec="utf-8"), max_size=12))
def test_any_text_is_kept_as_typed_or_refused_at_its_field(tmp_path_factory, text):
    """Whatever is typed as a name stands in the file exactly, or is told beside the field."""
    path = tmp_path_factory.mktemp("typed") / "agent.yaml"
    path.write_text(HEAD, "utf-8")
    typed = {"id": ["L1"], "control_type": ["CNC"], "name": [text]}
    try:
        tried = try_record(read_current(path), (RecordKind.EQUIPMENT, ""), typed)
    except Refused as refused:
        told = [one.name for one in refused.problems]
    else:
        told = []
    if told:
        assert told == ["name"]
        return
    path.write_text(tried.edit.text, "utf-8")
    assert read_config(path)[0].equipment[0].name == text.strip()


def test_every_key_of_the_ledger_has_a_field():
    """No key of a record is missing from its form, and each has a Chinese name."""
    for kind in RecordKind:
        sheets = sheets_of(kind)
        keys = {one.key.partition(".")[0] for one in sheets[0].columns}
        keys |= {one.inside for one in sheets[1:]}
        assert keys == set(kind.model.model_fields)
        assert not [key for key in keys if title_of(kind, key, "zh") == key]
    assert {one.record for one in SHEETS} == set(RecordKind)


def test_values_are_written_as_people_read_them():
    """Choices and yes and no have words, rows of lists stand one after the other."""
    machine = RecordKind.EQUIPMENT
    assert value_text(machine, "control_type", "manual", lang="zh") == "手动"
    assert value_text(RecordKind.PROCESS, "key", False, lang="zh") == "否"
    rows = [{"process": "turning", "valid_to": "2026-01-01"}, {"process": "edm"}]
    assert value_text(machine, "links", rows, lang="zh") == "turning 2026-01-01；edm"
    assert value_text(machine, "serial", None, lang="en") == "—"


def test_a_note_stands_in_its_entries_and_under_their_hash(file, tmp_path):
    """The reason is part of the chain; entries without one are as they always were."""
    journal = Journal(tmp_path / "j")
    record = {"id": "L1", "control_type": "CNC"}
    first = change((RecordKind.EQUIPMENT, "L1"), record, path=file)
    apply(first, journal, BY)
    second = change((RecordKind.EQUIPMENT, "L1"), None, path=file)
    signed = type(BY)("李工", Source.PAGE, BY.at_ms + 1, date(2026, 8, 1), "录重了")
    apply(second, journal, signed)
    lines = journal.lines()
    assert ['"note"' in line for line in lines] == [False, False, True]
    assert ['"v":2' in line for line in lines] == [False, False, True]
    assert verify(lines) is None
    assert History.of(journal.read().entries).batches[-1].note == "录重了"
    for old, new in (("录重了", "别的"), ('"note":"录重了",', ""), ('"v":2', '"v":1')):
        bad = verify([*lines[:2], lines[2].replace(old, new)])
        assert bad is not None
        assert bad.number == 3


def test_an_edit_waits_for_another_program_that_edits(file, tmp_path):
    """While somebody holds the folder no edit goes on; then it does."""
    edit = change((RecordKind.EQUIPMENT, "L1"), {"id": "L1", "control_type": "CNC"}, path=file)
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    task = threading.Thread(target=apply, args=(edit, Journal(tmp_path / "j"), BY))
    task.start()
    task.join(0.2)
    waiting = task.is_alive()
    os.close(folder)
    task.join(30)
    assert waiting
    assert Declared.of(read_config(file)[0]).equipment[0].id == "L1"
