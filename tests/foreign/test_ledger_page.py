"""The ledger edited in a real browser, at phone and desk width, in both languages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from foreign.chromium_pipe import CHROMIUM, browser
from unit.agent.web.editing.bench import BY, WORKSHOP, page

from agent.ledger.edit import read_config

pytestmark = pytest.mark.foreign

SKIP = os.environ.get("CHULIAN_SKIP_FOREIGN") == "1"
PICTURES = os.environ.get("CHULIAN_PICTURES")
"""Folder for pictures of every page; none are taken without it."""
FITS = (
    "[document.documentElement.scrollWidth <= innerWidth,"
    " [...document.querySelectorAll('main *:not(button.unseen)')].filter(e =>"
    " e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))]"
)


@pytest.fixture(autouse=True)
def _chromium():
    """Insist on a browser: a page that was never opened is not tested."""
    if CHROMIUM is None:
        if SKIP:
            pytest.skip("chromium is missing and CHULIAN_SKIP_FOREIGN=1")
        pytest.fail("chromium is missing; `make peers` installs it")


async def press(tab, selector):
    """Click something that loads another page, and wait until that is there."""
    await tab.loading(tab.run(f"document.querySelector({selector!r}).click()"))


async def looked_at(tab, name):
    """Insist that nothing sticks out, and take a picture where one is wanted."""
    fits, out = await tab.run(FITS)
    assert (fits, out) == (True, []), name
    if PICTURES:
        await tab.picture(Path(PICTURES) / f"{name}.png")


@pytest.mark.parametrize(("language", "width"), [("zh", 390), ("en", 1200), ("zh", 1200)])
async def test_a_process_is_taken_out_of_the_count(tmp_path, language, width):
    """From code to journal by clicks alone: the rate's rise is told, and asks for a reason."""
    (tmp_path / "profile").mkdir()
    async with page(tmp_path) as person, browser(tmp_path / "profile") as tab:
        mark = f"{language}-{width}"
        url = person.server.url
        await tab.open(f"{url}/ledger?lang={language}", width=width)
        await looked_at(tab, f"{mark}-1-ledger")
        await press(tab, "main a[href='/ledger/edit']")
        await looked_at(tab, f"{mark}-2-login")
        await tab.run(f"document.getElementById('who').value = {BY!r}")
        await tab.run(f"document.getElementById('code').value = '{person.gate.door.issue()}'")
        await press(tab, "main form button")
        assert await tab.run("location.pathname") == "/ledger/edit"
        await looked_at(tab, f"{mark}-3-list")
        await tab.open(f"{url}/ledger/record?kind=equipment&id=L1", width=width)
        await looked_at(tab, f"{mark}-4-machine")
        await tab.open(f"{url}/ledger/record?kind=process&id=grinding", width=width)
        await tab.run("document.getElementById('f.valid_from').value = '2999-01-01'")
        await tab.run("document.getElementById('f.valid_to').value = '2026-01-01'")
        await press(tab, "main button[value=preview]:not(.unseen)")
        assert await tab.run("document.querySelectorAll('.field.wrong').length") == 1
        assert await tab.run("document.getElementById('f.valid_to').value") == "2026-01-01"
        await looked_at(tab, f"{mark}-5-wrong")
        await tab.run("document.getElementById('f.valid_from').value = ''")
        await tab.run("document.getElementById('f.valid_to').value = ''")
        await tab.run("document.getElementById('f.key').value = 'no'")
        await press(tab, "main button[value=preview]:not(.unseen)")
        text = await tab.run("document.querySelector('main').innerText")
        assert "66.67 % (2/3) → 88.89 % (8/9)" in text
        await looked_at(tab, f"{mark}-6-preview")
        await press(tab, "main button[value=confirm]")
        assert await tab.run("document.querySelectorAll('.field.wrong').length") == 1
        assert person.file.read_text("utf-8") == WORKSHOP
        await tab.run("document.getElementById('note').value = '磨床全部外协 <b>'")
        await press(tab, "main button[value=confirm]")
        assert await tab.run("location.search") == "?done=force"
        await looked_at(tab, f"{mark}-7-saved")
        keys = {one.id: one.key for one in read_config(person.file)[0].processes}
        assert keys["grinding"] is False
        assert person.journal.read().entries[-1].note == "磨床全部外协 <b>"
        await press(tab, "main form[action='/ledger/logout'] button")
        assert await tab.run("location.pathname") == "/ledger"
        await looked_at(tab, f"{mark}-8-after")
        await tab.open(f"{url}/ledger/edit", width=width)
        assert await tab.run("location.pathname") == "/ledger/login"
        kinds = {"Log.entryAdded", "Runtime.exceptionThrown"}
        said = [one["params"] for one in tab.messages if one["method"] in kinds]
        assert [one for one in said if "422" not in str(one)] == []


async def test_it_works_without_scripts(tmp_path):
    """With scripts off a browser logs in by the form's own submit, and its cookie is kept."""
    (tmp_path / "profile").mkdir()
    async with page(tmp_path) as person, browser(tmp_path / "profile", javascript=False) as tab:
        code = person.gate.door.issue()
        await tab.open(f"{person.server.url}/ledger/login?lang=en", width=390)
        for name, text in (("code", code), ("who", BY)):
            await tab.focus(f"#{name}")
            await tab.call("Input.insertText", text=text)
        await tab.loading(tab.key("Enter"))
        assert BY in await tab.source()
        assert "/ledger/logout" in await tab.source()
