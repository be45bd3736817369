"""The ledger edited on the page of a real agent: its process, its socket, its rate."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import urlencode

import pytest
from integration.agent.agents import free_port
from unit.agent.ledger.test_edit import HEAD
from unit.agent.store.patience import until
from unit.agent.web.editing.bench import BY, fields_of

from agent.cli.main import main
from agent.config.model import Http
from agent.ledger.entry import Source, verify
from agent.ledger.journal import Journal

SHOP = """\
store: {{path: store.db}}
http: {{port: {port}}}
processes:
  - {{id: turning, name: 车削}}
  - {{id: grinding, name: 磨削}}   # two of them
equipment:
  - {{id: L1, control_type: CNC, processes: [turning]}}
  - {{id: G1, control_type: manual, processes: [grinding]}}
"""


class Browser:
    """Keeps cookies and sends forms as a browser would."""

    def __init__(self, base):
        self._base = base
        jar = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(jar)

    def get(self, path):
        with self._opener.open(self._base + path, timeout=60) as answer:
            return answer.read().decode()

    def post(self, path, fields):
        body = urlencode(fields, doseq=True).encode()
        asked = urllib.request.Request(self._base + path, body, {"Origin": self._base})
        with self._opener.open(asked, timeout=60) as answer:
            return answer.url, answer.read().decode()


@pytest.fixture
async def agent(tmp_path):
    """Run an agent of its own process; gives its file and its port."""
    port = free_port()
    file = tmp_path / "agent.yaml"
    file.write_text(HEAD.replace("mqtt://h", "mqtt://127.0.0.1:1") + SHOP.format(port=port))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", "run", "-c", str(file)], stderr=log,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        try:
            yield file, port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


async def test_a_change_on_the_page_is_in_force_at_once(agent, capsys):
    """From the command's code to the rate: file, journal and running agent agree."""
    file, port = agent
    socket = file.parent / "store.db.login"
    await until(lambda: socket.is_socket() and socket, within_s=60)
    command = ["ledger", "login", "-c", str(file), "--json"]
    assert await asyncio.to_thread(main, command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["url"] == f"http://127.0.0.1:{Http(port=port).port}/ledger/login"
    browser = Browser(f"http://127.0.0.1:{port}")

    def edit():
        browser.post("/ledger/login", {"code": told["code"], "who": BY})
        form = fields_of(browser.get("/ledger/record?kind=process&id=grinding&lang=en"))
        _, shown = browser.post("/ledger/record", form | {"f.key": "no", "step": "preview"})
        wanted = fields_of(shown) | {"step": "confirm", "note": "外协"}
        return shown, browser.post("/ledger/record", wanted)[0]

    shown, where = await asyncio.to_thread(edit)
    assert "50.00 % (1/2) → 100.00 % (1/1)" in shown
    assert where.endswith("/ledger/edit?done=force")
    (line,) = [one for one in file.read_text("utf-8").splitlines() if "grinding, name" in one]
    assert line.startswith("  - {id: grinding, name: 磨削, key: false}")
    assert line.endswith("# two of them")
    last = Journal(file.parent / "store.ledger.jsonl").read().entries[-1]
    assert (last.who, last.source, last.note) == (BY, Source.PAGE, "外协")
    assert verify(Journal(file.parent / "store.ledger.jsonl").lines()) is None
    rate = json.loads(await asyncio.to_thread(browser.get, "/api/rate"))
    assert rate["declared"] == [1, 1]
    assert "原因：外协" in await asyncio.to_thread(browser.get, "/ledger?lang=zh")
    assert await asyncio.to_thread(main, command) == 0


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_without_an_agent_the_command_says_what_to_do(tmp_path, capsys, lang):
    """No code without a running agent: exit code 3, with where it was looked for."""
    file = tmp_path / "agent.yaml"
    file.write_text(HEAD + SHOP.format(port=0), "utf-8")
    assert main(["--lang", lang, "ledger", "login", "-c", str(file)]) == 3
    assert str(tmp_path / "store.db.login") in capsys.readouterr().err
