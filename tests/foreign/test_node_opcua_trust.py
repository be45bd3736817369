"""The first contact with a server that trusts nobody, as docs/certificates tells it, line by line.

A person starts the agent, reads the page, types what it says, and ends with data. What the program
says on the way is held against the page of the documentation, in both languages.
"""

from __future__ import annotations

import re
import socket
import subprocess

import pytest
from foreign.node_server import NODES, NodeServer
from foreign.peer_server import ROOT
from system.agent_process import MODULE, AgentProcess
from system.mosquitto import Mosquitto
from system.waiting import free_port

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(120)]

PAGES = {"en": "certificates.md", "zh": "certificates.zh-CN.md"}
CHANGES = (
    (r"(?:[0-9A-F]{2} ){19,31}[0-9A-F]{2}", "THUMBPRINT"),
    (r"\b(?:[0-9A-F]{16}|[0-9A-F]{40})\b", "THUMBPRINT"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d\+00:00)?)?", "DATE"),
    (r"(?:\d+\.){3}\d+", "IP"),
    (r" +", " "),
)
"""What differs from run to run."""


def same(text, folder="/var/lib/chulian"):
    """Take from a text what differs from run to run."""
    text = text.replace(str(folder), "/var/lib/chulian").replace(socket.gethostname(), "vm")
    for pattern, word in CHANGES:
        text = re.sub(pattern, word, text)
    return text.strip()


class Person:
    """Who starts the agent, reads what it says, and types what it tells to type."""

    def __init__(self, agent, folder, language):
        page = (ROOT / "docs" / PAGES[language]).read_text("utf-8")
        self._page = {same(line.removeprefix("> ")) for line in page.splitlines()}
        self._agent = agent
        self._folder = folder
        self._language = language
        self.read = 0
        """Lines that are as the documentation shows them."""

    async def sees(self, words):
        """Wait until the page says of the device what has these words in it; give it."""

        def says(status):
            problem = status["devices"][0]["problem"]
            return problem and words in self._text(problem)

        status = await self._agent.until(says, what=f"says {words!r}")
        said = self._text(status["devices"][0]["problem"])
        self._known(said)
        return said

    def types(self, *words, code=0):
        """Type a command; what it prints is on the page of the documentation."""
        done = subprocess.run(
            [*MODULE, *words, "-c", self._agent.config, "--lang", self._language],
            capture_output=True, text=True, check=False, cwd=self._folder,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        for line in done.stdout.splitlines():
            self._known(line)

    def _known(self, said):
        assert same(said, self._folder) in self._page, f"the documentation does not show: {said}"
        self.read += 1

    def _text(self, problem):
        return problem[self._language] if isinstance(problem, dict) else problem


WORDS = {
    "en": ("refused the connection", "not trusted yet", "does not trust our certificate"),
    "zh": ("拒绝连接", "尚未受信任", "尚未信任本机证书"),
}


@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.long)])
async def test_from_refused_to_data(tmp_path, language, report):
    """From "refused" to data with nothing but what the program says, as the page shows it."""
    refused, unknown, unknown_to_it = WORDS[language]
    (tmp_path / "pw").write_text("geheim", "utf-8")
    (tmp_path / "pw").chmod(0o600)
    server = NodeServer(
        "--variables", 12, "--suspicious", "yes", "--anonymous", "no", "--user", "op:geheim",
    )  # fmt: skip
    server.port = free_port()
    device = {
        "id": "cnc-01", "name": "1号加工中心", "driver": "opcua", "url": server.url,
        "username": "op", "password": "file:pw",
        "tags": [
            {"name": "spindle.speed", "address": f"{NODES}V5"},
            {"name": "part.count", "address": f"{NODES}Generation"},
        ],
    }  # fmt: skip
    async with Mosquitto(tmp_path) as broker:
        agent = AgentProcess(
            tmp_path, broker_url=broker.url, devices=[device],
            environment={"CHULIAN_LANG": language},
        )  # fmt: skip
        async with agent:
            agent.start()
            person = Person(agent, tmp_path, language)
            await person.sees(refused)
            with server:
                thumbprint = re.search(r"cert trust (\w{16})", await person.sees(unknown))[1]
                person.types("cert", "list", code=1)
                person.types("cert", "show", thumbprint)
                person.types("cert", "trust", thumbprint)
                await person.sees(unknown_to_it)
                person.types("cert", "explain", "BadSecurityChecksFailed")
                person.types("cert", "export")
                assert int(await server.order("trust", answered="TRUSTED")) >= 1
                await agent.collecting()
            assert await agent.stop() == 0
    report(f"{person.read} lines as documented")
