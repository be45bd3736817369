"""A record changed on the page: tried, looked at, confirmed, saved; or refused without a trace."""

from __future__ import annotations

import asyncio
import errno
import os
import re

import pytest
from unit.agent.web.editing.bench import BY, WORKSHOP, fields_of, page

from agent.ledger import edit as edit_module
from agent.ledger import journal as journal_module
from agent.ledger.edit import read_config
from agent.ledger.entry import Source, verify
from agent.web.editing import work

HOSTILE = "<script>window.hit=1</script>\"'&<img src=x onerror=hit()>𠮷㐂𪚥\ue000 …"


@pytest.fixture
async def person(tmp_path):
    """Give somebody who is logged in."""
    async with page(tmp_path) as one:
        await one.log_in()
        yield one


def machines(person):
    return {one.id: one for one in read_config(person.file)[0].equipment}


def processes(person):
    return {one.id: one for one in read_config(person.file)[0].processes}


def unchanged(person):
    """Tell whether nothing was written anywhere."""
    files = [one.name for one in person.file.parent.iterdir()]
    same = person.file.read_text("utf-8") == WORKSHOP
    return same and not any(one.endswith((".new", ".jsonl")) for one in files)


async def confirmed(person, fields, step="preview", note="", **changed):
    """Look at a change and confirm it."""
    status, _, text = await person.send(fields, step, **changed)
    assert status == 200, text
    return await person.send(fields_of(text), "confirm", note=note)


async def test_a_change_is_looked_at_then_saved_under_a_name(person):
    """It is shown first, then saved, journalled with name and reason, and put in force."""
    fields = await person.form("equipment", "L5")
    status, _, text = await person.send(fields, "preview", **{"f.serial": "0123"})
    assert status == 200
    assert "<td>—</td><td>0123</td>" in text
    assert "66.67 % (2/3), stays the same" in text
    assert unchanged(person)
    status, headers, _ = await person.send(fields_of(text), "confirm", note="铭牌补录")
    assert (status, headers["location"]) == (303, "/ledger/edit?done=force")
    assert person.renewed == 1
    assert machines(person)["L5"].serial == "0123"
    last = person.journal.read().entries[-1]
    assert (last.who, last.source, last.note, last.id) == (BY, Source.PAGE, "铭牌补录", "L5")
    assert verify(person.journal.lines()) is None
    _, _, shown = await person.get("/ledger?lang=zh")
    assert "原因：铭牌补录" in shown


async def test_every_other_line_of_the_file_stays(person):
    """Comments and the other records keep their bytes."""
    fields = await person.form("equipment", "L5")
    await confirmed(person, fields, **{"f.serial": "0123"})
    old, new = WORKSHOP.splitlines(), person.file.read_text("utf-8").splitlines()
    assert [line for line in old if "{id: L5," not in line] == [
        line for line in new if "{id: L5," not in line
    ]


@pytest.mark.parametrize("kind", ["enterprise", "location", "process", "equipment"])
async def test_what_is_sent_as_it_came_changes_nothing(person, kind):
    """A form that is opened and sent is no change, whatever the record; nothing is written."""
    id_ = {"location": "shop-1", "process": "heat-treatment", "equipment": "L1"}.get(kind, "")
    status, _, text = await person.send(await person.form(kind, id_), "preview")
    assert (status, "Nothing was changed in the form" in text) == (200, True)
    assert unchanged(person)


async def test_a_new_machine_with_a_dated_link_and_a_document(person):
    """Rows of lists are added by a button; blank ones are none; who signs is filled in."""
    fields = await person.form("equipment")
    assert fields["f.declared_by"] == [BY]
    fields |= {"f.id": "V4", "f.control_type": "CNC", "f.links.0.process": "milling",
               "f.links.0.valid_from": "2026-03-01"}  # fmt: skip
    status, _, text = await person.send(fields, "more.links")
    assert (status, "f.links.2.process" in text) == (200, True)
    fields = fields_of(text)
    assert fields["f.links.0.process"] == ["milling"]
    fields |= {"f.documents.0.kind": "asset", "f.documents.0.number": "GZ-7"}
    assert (await confirmed(person, fields))[0] == 303
    made = machines(person)["V4"]
    assert [(one.process, str(one.valid_from)) for one in made.links] == [("milling", "2026-03-01")]
    assert [one.number for one in made.documents] == ["GZ-7"]
    assert made.declared_by == BY


async def test_a_place_and_the_enterprise_are_edited_too(person):
    """Every kind of record has its form; the enterprise keeps its number."""
    place = await person.form("location") | {"f.id": "line-9", "f.kind": "line"}
    assert (await confirmed(person, place))[0] == 303
    fields = await person.form("enterprise")
    fields |= {"f.id": "another", "f.size.staff": "31", "f.titles.0.number": "N-1"}
    assert (await confirmed(person, fields))[0] == 303
    config = read_config(person.file)[0]
    assert "line-9" in [one.id for one in config.locations]
    assert (config.enterprise.id, config.enterprise.size.staff) == ("hb-demo-0001", 31)
    assert config.enterprise.titles[0].number == "N-1"
    assert "31" not in [
        str(value) for value in (person.journal.read().entries[-1].after or {}).values()
    ]


async def test_a_rate_that_rises_without_a_machine_asks_for_a_reason(person):
    """The finding and both rates are shown before; without a reason nothing is saved."""
    fields = await person.form("process", "grinding")
    status, _, text = await person.send(fields, "preview", **{"f.key": "no"})
    assert "66.67 % (2/3) → 88.89 % (8/9)" in text
    assert "key process grinding 磨削 was taken out of the ledger" in text
    fields = fields_of(text)
    for note in ("", "  ", "x" * 501, "a\0b"):
        status, _, text = await person.send(fields, "confirm", note=note)
        assert (status, "field wrong" in text) == (422, True)
    assert unchanged(person)
    assert (await person.send(fields, "confirm", note="外协"))[0] == 303
    assert processes(person)["grinding"].key is False


async def test_a_record_is_taken_out_of_service_or_deleted_with_an_entry(person):
    """The button for it fills in the last day; a deletion needs a reason; both are journalled."""
    fields = await person.form("equipment", "L6")
    await confirmed(person, fields, "retire", retire_on="2026-06-30", note="报废")
    assert str(machines(person)["L6"].in_service_to) == "2026-06-30"
    fields = await person.form("equipment", "L5")
    _, _, text = await person.send(fields, "remove")
    assert "The whole record is deleted" in text
    assert (await person.send(fields_of(text), "confirm"))[0] == 422
    assert (await person.send(fields_of(text), "confirm", note="录重了"))[0] == 303
    assert "L5" not in machines(person)
    last = person.journal.read().entries[-1]
    assert (last.id, last.after, last.note) == ("L5", None, "录重了")


async def test_what_is_still_named_is_not_deleted(person):
    """A process that machines name stays, and the page says which."""
    status, _, text = await person.send(await person.form("process", "turning"), "remove")
    assert status == 422
    assert "equipment[L1].processes" in text
    assert unchanged(person)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("control_type", "steam"), ("in_service_from", "2026-02-30"), ("part_of", "L5"),
        ("location", "nowhere"), ("links.0.process", "nope"), ("documents.0.sha256", "zz"),
        ("witnessed.0.by", "王"), ("name", "a\0b"), ("serial", "\u202e1"),
        ("model", "x" * 501), ("device", "x"),
    ],
)  # fmt: skip
async def test_a_problem_stands_beside_its_field(person, field, text):
    """In the reader's language, with what was typed kept; nothing is written."""
    fields = await person.form("equipment", "L5") | {f"f.{field}": text, "step": "preview"}
    status, _, found = await person.post("/ledger/record?lang=zh", fields)
    assert status == 422
    wrong = re.findall(r'class="field(?: wide)? wrong">.*?</div>', found, re.DOTALL)
    head = field.rpartition(".")[0]
    assert any(f'name="f.{head}' in one and 'class="error"' in one for one in wrong)
    assert fields_of(found)[f"f.{field}"] == [text]
    assert unchanged(person)


async def test_no_text_becomes_markup_and_every_text_is_kept(person):
    """Markup, quotes and rare characters in every field are shown as text and saved as typed."""
    fields = await person.form("equipment", "L5")
    texts = ("name", "maker", "model", "serial", "controller", "declared_by")
    fields |= {f"f.{name}": HOSTILE for name in texts}
    fields |= {"f.witnessed.0.on": "2026-01-01", "f.witnessed.0.by": HOSTILE,
               "f.documents.0.kind": "other", "f.documents.0.number": HOSTILE}  # fmt: skip
    _, _, text = await person.send(fields, "preview")
    _, _, wrong = await person.send(fields | {"f.control_type": HOSTILE}, "preview")
    assert (await person.send(fields_of(text), "confirm", note=HOSTILE))[0] == 303
    _, _, listed = await person.get("/ledger/edit")
    _, _, form = await person.get("/ledger/record?kind=equipment&id=L5")
    _, _, shown = await person.get("/ledger")
    for one in (text, wrong, listed, form, shown):
        assert "<script" not in one
        assert "<img" not in one
    made = machines(person)["L5"]
    assert {getattr(made, name) for name in texts} == {HOSTILE}
    assert (made.witnessed[0].by, made.documents[0].number) == (HOSTILE, HOSTILE)
    assert person.journal.read().entries[-1].note == HOSTILE
    assert verify(person.journal.lines()) is None


async def test_a_text_of_several_lines_keeps_them(tmp_path):
    """What the file has on two lines is shown on two, and sent again it is no change."""
    text = WORKSHOP.replace("document: GY-2026-03", 'document: "GY-2026-03\\n<b>附件"', 1)
    async with page(tmp_path, text=text) as person:
        await person.log_in()
        fields = await person.form("process", "grinding")
        assert fields["f.document"] == ["GY-2026-03\n<b>附件"]
        fields["f.document"] = fields["f.document"][0].replace("\n", "\r\n")
        _, _, shown = await person.send(fields, "preview")
        assert "Nothing was changed in the form" in shown


async def test_a_file_changed_by_hand_meanwhile_is_not_overwritten(person):
    """Both versions are shown, nothing is written, and what was typed can be sent again."""
    fields = await person.form("equipment", "L5") | {"f.serial": "mine"}
    theirs = WORKSHOP.replace("name: 普通车床, model: CA6140", "name: 旧车床, model: CA6140", 1)
    person.file.write_text(theirs, "utf-8")
    for step in ("preview", "confirm"):
        status, _, text = await person.send(fields, step)
        assert status == 409
        assert "Now in the file: 旧车床" in text
        assert 'value="mine"' in text
        assert person.file.read_text("utf-8") == theirs
    assert (await confirmed(person, fields_of(text)))[0] == 303
    assert machines(person)["L5"].serial == "mine"


async def test_of_two_edits_at_once_one_is_told(person):
    """Two people confirm changes of the same file together: one is saved, the other sees why."""
    sent = []
    for name in ("L5", "L6"):
        fields = await person.form("equipment", name)
        _, _, text = await person.send(fields, "preview", **{"f.serial": name})
        sent.append(fields_of(text))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(person.send(one, "confirm")) for one in sent]
    assert sorted(task.result()[0] for task in tasks) == [303, 409]
    assert len([one for one in machines(person).values() if one.serial in {"L5", "L6"}]) == 1
    assert verify(person.journal.lines()) is None


async def test_another_program_that_writes_between_look_and_save_is_not_overwritten(
    person, monkeypatch
):
    """What changes the file in the last instant wins, and is told."""
    fields = await person.form("equipment", "L5")
    _, _, text = await person.send(fields, "preview", **{"f.serial": "1"})
    saving = work.apply

    def late(*args):
        person.file.write_text(WORKSHOP + "# 手工\n", "utf-8")
        return saving(*args)

    monkeypatch.setattr("agent.web.editing.work.apply", late)
    status, _, _ = await person.send(fields_of(text), "confirm")
    assert status == 409
    assert person.file.read_text("utf-8") == WORKSHOP + "# 手工\n"
    assert not person.journal.path.exists()


@pytest.mark.parametrize("where", ["file", "journal"])
async def test_a_full_disk_leaves_everything_as_it_was(person, monkeypatch, where):
    """A disk that takes no more is told; neither file nor journal is half written."""
    fields = await person.form("equipment", "L5")
    _, _, text = await person.send(fields, "preview", **{"f.serial": "1"})

    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    module = edit_module if where == "file" else journal_module
    monkeypatch.setattr(f"{module.__name__}.os.fsync", full)
    status, _, text = await person.send(fields_of(text), "confirm")
    monkeypatch.undo()
    assert status == 422
    assert "No space left" in text
    assert person.file.read_text("utf-8") == WORKSHOP
    assert person.journal.lines() == ()
    assert not list(person.file.parent.glob(".*.new"))
    assert person.renewed == 0


async def test_a_folder_that_cannot_be_written_is_told_with_the_command(person, monkeypatch):
    """Who, which file and what helps stand on the list, before anybody types for nothing."""
    monkeypatch.setattr("agent.web.editing.work.os.access", lambda *_args, **_more: False)
    _, _, text = await person.get("/ledger/edit?lang=zh")
    assert f"无法写入 {person.file}" in text
    assert f"sudo chgrp {work._group()} {person.file.parent} &amp;&amp; sudo chmod g+w" in text
    shielded = work.not_written(person.file, OSError(errno.EROFS, "Read-only file system"))
    assert f"ReadWritePaths={person.file.parent}" in shielded.en


async def test_a_broken_file_and_a_foreign_address_end_at_the_list(person):
    """A file with an error shows the error and no form; an unknown record leads to the list."""
    for query in ("", "?kind=x", "?kind=equipment&id=nope", "?kind=process&id=L1"):
        status, headers, _ = await person.get(f"/ledger/record{query}")
        assert (status, headers["location"]) == (303, "/ledger/edit")
    fields = await person.form("equipment", "L5")
    person.file.write_text(WORKSHOP + "rubbish: 1\n", "utf-8")
    _, _, text = await person.get("/ledger/edit?lang=en")
    assert "The configuration file has an error" in text
    status, _, text = await person.send(fields, "preview")
    assert "The configuration file has an error" in text
    assert 'action="/ledger/record"' not in text
