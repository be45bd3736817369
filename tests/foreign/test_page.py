from __future__ import annotations

import os
from dataclasses import replace

import pytest
from foreign.chromium_pipe import CHROMIUM, browser
from unit.agent.telemetry.status_samples import SAMPLES, one_down, store, well

from agent.config.model import Http
from agent.telemetry.status import Count
from agent.web import words
from agent.web.page import REFRESH_S
from agent.web.server import serve

pytestmark = pytest.mark.foreign

SKIP = os.environ.get("CHULIAN_SKIP_FOREIGN") == "1"


@pytest.fixture(autouse=True)
def _chromium():
    """Insist on a browser: a page that was never opened is not tested."""
    if CHROMIUM is None:
        if SKIP:
            pytest.skip("chromium is missing and CHULIAN_SKIP_FOREIGN=1")
        pytest.fail("chromium is missing; `make peers` installs it")


@pytest.fixture
async def page(tmp_path):
    """Give a browser with an empty profile."""
    async with browser(tmp_path) as opened:
        yield opened


class Box:
    """A snapshot that a test may exchange while the page is open."""

    def __init__(self, status):
        self.status = status

    def __call__(self):
        return self.status


def complaints(page):
    """Give what the browser reported: policy violations, script errors, failed loads."""
    kinds = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
    return [m["params"] for m in page.messages if m["method"] in kinds]


@pytest.mark.parametrize("width", [360, 1280])
async def test_both_languages_fit_the_window(page, width):
    """Every snapshot shows in both languages at phone and desktop width without sideways scroll."""
    for name, sample in SAMPLES.items():
        async with serve(Http(port=0), sample) as server:
            for language, mark in (("zh", "本机存储"), ("en", "On this gateway")):
                await page.open(f"{server.url}/?lang={language}", width=width, height=800)
                text = await page.run("document.body.innerText")
                assert mark in text
                overflow = await page.run(
                    "[document.documentElement.scrollWidth, innerWidth,"
                    " [...document.querySelectorAll('main *')].filter(e =>"
                    " e.getBoundingClientRect().right > innerWidth + 1).length]"
                )
                assert overflow == [width, width, 0], (name, language)
    assert complaints(page) == []


async def test_a_script_in_a_value_does_not_run(page):
    """Whatever a machine or a name says, nothing of it runs, at load or at refresh."""
    box = Box(well())
    async with serve(Http(port=0), box) as server:
        await page.open(server.url)
        box.status = SAMPLES["hostile"]()
        await page.until("document.body.innerText.includes('<script>window.hit=1</script>')")
        assert await page.run("document.querySelectorAll('main script, main img').length") == 0
        assert await page.run("typeof window.hit") == "undefined"
        await page.open(f"{server.url}/?open=L1&lang=en")
        assert await page.run("typeof window.hit") == "undefined"


async def test_the_content_refreshes_by_itself(page):
    """A change shows within two refreshes, without a reload, and an opened card stays open."""
    box = Box(well())
    async with serve(Http(port=0), box) as server:
        await page.open(f"{server.url}/?lang=zh")
        await page.run("window.kept = 1")
        await page.run("document.querySelector('a[data-open=L1]').click()")
        await page.until("document.querySelector('#d-L1').innerText.includes('刀号')")
        box.status = replace(one_down(), store=store(waiting=Count(99_999, 1)))
        await page.until("document.body.innerText.includes('99,999')", 2 * REFRESH_S + 1)
        assert "1 台无数据" in await page.run("document.querySelector('h1').innerText")
        assert "刀号" in await page.run("document.querySelector('#d-L1').innerText")
        assert await page.run("window.kept") == 1


async def test_a_silent_gateway_is_never_shown_as_live(page):
    """When the gateway stops answering the page says so in large letters and greys the rest."""
    async with serve(Http(port=0), well) as server:
        await page.open(f"{server.url}/?lang=zh")
        assert await page.run("document.getElementById('stale').hidden") is True
    await page.until("!document.getElementById('stale').hidden", 3 * REFRESH_S + 6)
    assert words.STALE.zh in await page.run("document.body.innerText")
    assert await page.run("document.body.classList.contains('stale')") is True


async def test_the_language_switch_is_remembered(page):
    """A click changes the language, and the next visit keeps it."""
    async with serve(Http(port=0), well) as server:
        await page.open(f"{server.url}/?lang=zh")
        await page.open(f"{server.url}{await page.run('document.links.language.search')}")
        assert await page.run("document.documentElement.lang") == "en"
        await page.open(server.url)
        assert await page.run("document.documentElement.lang") == "en"


async def test_the_page_is_complete_without_scripts(tmp_path):
    """With scripts off the same content is there, and every point is one link away."""
    async with browser(tmp_path, javascript=False) as page, serve(Http(port=0), well) as server:
        await page.open(f"{server.url}/?lang=zh&open=L1")
        text = await page.run("document.body.innerText")
    for part in ("7 台设备全部在线", "刀号", "数据有没有丢", "47.78 %"):
        assert part in text
