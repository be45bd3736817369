"""What must not be lost between opening a form and saving it: other people's work, odd input."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest
from unit.agent.store.patience import until
from unit.agent.web.editing.bench import WORKSHOP, fields_of, page

from agent.ledger.edit import read_config
from agent.web.editing import desk

L5 = "{id: L5, name: 普通车床, model: CA6140, control_type: manual, processes: [turning],"


@pytest.fixture
async def person(tmp_path):
    """Give somebody who is logged in."""
    async with page(tmp_path) as one:
        await one.log_in()
        yield one


async def test_a_row_that_somebody_added_meanwhile_is_shown(person):
    """Rows of a list that the file has by now and the form has not stand in the form to compare."""
    fields = await person.form("equipment", "L5") | {"f.serial": "mine"}
    rows = ("{on: 2026-03-02, by: 赵核验, saw: 铭牌}", "{on: 2026-03-03, by: 钱核验, saw: 系统}")
    theirs = f"{L5} witnessed: [{', '.join(rows)}],"
    person.file.write_text(WORKSHOP.replace(L5, theirs, 1), "utf-8")
    status, _, text = await person.send(fields, "preview")
    assert status == 409
    assert text.count("Now in the file: 赵核验") == 1
    assert text.count("Now in the file: 钱核验") == 1
    assert 'name="f.witnessed.1.by"' in text


async def test_only_what_differs_is_shown_as_other_in_the_file(person):
    """A field that is at its default in the file and in the form is no difference."""
    fields = await person.form("process", "grinding") | {"f.name": "精磨"}
    person.file.write_text(WORKSHOP + "# 手工\n", "utf-8")
    status, _, text = await person.send(fields, "preview")
    assert status == 409
    assert re.findall(r"Now in the file: ([^<]*)<", text) == ["磨削"]


async def test_the_order_of_ticked_boxes_is_the_one_of_the_file(tmp_path):
    """A list of ids that is not in the order of the records is sent back as it was."""
    text = WORKSHOP.replace(L5, L5.replace("[turning]", "[washing, milling, turning]"), 1)
    async with page(tmp_path, text=text) as person:
        await person.log_in()
        fields = await person.form("equipment", "L5")
        assert fields["f.processes"] == ["washing", "milling", "turning"]
        _, _, shown = await person.send(fields, "preview")
        assert "Nothing was changed in the form" in shown


@pytest.mark.parametrize("day", ["2026-02-30", "2026022800", "２０２６-０２-２８", "0000-00-00"])
async def test_a_day_that_is_none_is_shown_as_it_was_typed(person, day):
    """A browser's date field would show it blank, and send it blank the next time."""
    fields = await person.form("equipment", "L5")
    status, _, text = await person.send(fields, "preview", **{"f.in_service_from": day})
    assert status == 422
    element = re.search(r'<input id="f.in_service_from"[^>]*>', text)[0]
    assert f'value="{day}"' in element
    assert 'type="text"' in element


async def test_the_refusal_of_a_method_names_those_that_are_served(person):
    """The list of records is looked at and takes no form."""
    status, headers, _ = await person.post("/ledger/edit", {"a": "b"})
    assert (status, headers["allow"]) == (405, "GET, HEAD")


async def test_pages_are_made_one_at_a_time(person, monkeypatch):
    """Many tabs that load together never take the memory of more than one process that reads."""
    fields = await person.form("equipment", "L5")
    go, lock, now, most = threading.Event(), threading.Lock(), 0, 0
    really = desk.run

    def counted(errand):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        go.wait(60)
        with lock:
            now -= 1
        return really(errand)

    monkeypatch.setattr(desk, "run", counted)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(person.get("/ledger/edit")) for _ in range(4)]
        tasks.append(group.create_task(person.send(fields, "preview")))
        await until(lambda: person.server.serving == len(tasks), within_s=60)
        go.set()
    assert [task.result()[0] for task in tasks] == [200] * 5
    assert most == 1


@pytest.mark.parametrize("char", ["\u200b", "\u00ad", "\u200e", "\u2060", "\u3164", "\U000e0041"])
async def test_what_nobody_sees_is_no_part_of_a_number(person, char):
    """A number pasted from a chat with an invisible character would equal no number typed."""
    fields = await person.form("equipment", "L5")
    status, _, text = await person.send(fields, "preview", **{"f.serial": f"A{char}1"})
    assert status == 422
    assert "cannot be seen" in text


async def test_rare_characters_of_names_are_taken(person):
    """Variants, rare and private characters stand in names of people and places; all are kept."""
    name = "葛\U000e0100𰻝\U00031350㐂\ue863"
    fields = await person.form("equipment", "L5")
    _, _, text = await person.send(fields, "preview", **{"f.name": name})
    status, _, _ = await person.send(fields_of(text), "confirm")
    assert status == 303
    assert {one.id: one for one in read_config(person.file)[0].equipment}["L5"].name == name
