"""The report of a proof file in a real browser: on a phone, on a screen, without a network."""

from __future__ import annotations

import os

import pytest
from foreign.chromium_pipe import CHROMIUM, browser
from unit.agent.proof.conftest import AS_OF, SHOP, evidence

from agent.config.model import AgentConfig
from agent.proof.build import data_members, header_document
from agent.proof.documents import Material
from agent.proof.report.contents import contents
from agent.proof.report.html import to_html
from agent.proof.report.papers import Papers

pytestmark = pytest.mark.foreign


@pytest.fixture(autouse=True)
def _chromium():
    """Insist on a browser: a page that was never opened is not tested."""
    if CHROMIUM is None:
        if os.environ.get("CHULIAN_SKIP_FOREIGN") == "1":
            pytest.skip("chromium is missing and CHULIAN_SKIP_FOREIGN=1")
        pytest.fail("chromium is missing; `make peers` installs it")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_the_report_fits_a_screen_of_any_width(tmp_path, lang, width):
    """Nothing is wider than the screen but what scrolls by itself; the browser has no complaint."""
    material = Material(
        config=AgentConfig.model_validate(SHOP), as_of=AS_OF, days=evidence("lathe-1", 30),
        made_ms=0, made_by="test",
    )  # fmt: skip
    data = data_members(material)
    papers = Papers.of(header_document(material, data, key_sha256="0" * 64), data)
    file = tmp_path / "report.html"
    file.write_bytes(to_html(contents(papers, lang)))
    async with browser(tmp_path / "profile") as page:
        await page.open(file.as_uri(), width=width)
        assert await page.run("document.documentElement.scrollWidth") <= width
        assert await page.run("document.querySelectorAll('td').length") > 40
        said = [one for one in page.messages if one["method"] in {"Log.entryAdded",
                "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}]  # fmt: skip
        assert said == []
