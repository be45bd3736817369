"""A gateway's page with the workshop's ledger, and a person at a browser without a script."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

from unit.agent.telemetry.status_samples import well
from unit.agent.web.test_server import connect, read_response

from agent.config.model import Http, Store
from agent.ledger.edit import read_config
from agent.ledger.journal import Journal, journal_path
from agent.web.connection import Limits
from agent.web.editing.door import Door
from agent.web.editing.gate import Editable, Gate
from agent.web.server import serve

CONFIGS = Path(__file__).resolve().parents[5] / "configs"
WORKSHOP = (CONFIGS / "workshop.yaml").read_text("utf-8")
BY = "李工"


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


class Person:
    """Somebody with a browser: keeps the cookie, sends forms as a browser would."""

    def __init__(self, server, gate, file, clock):
        self.server, self.gate, self.file, self.clock = server, gate, file, clock
        self.cookie = ""
        self.renewed = 0

    @property
    def journal(self):
        return Journal(journal_path(self.gate.editable.config().store.path))

    async def get(self, path, *headers):
        """Give status, headers and text of a page."""
        return await self._ask("GET", path, b"", headers)

    async def post(self, path, fields, *headers, origin="http://localhost"):
        """Send a form."""
        body = urlencode(fields, doseq=True).encode()
        more = [f"Origin: {origin}"] if origin is not None else []
        kind = "Content-Type: application/x-www-form-urlencoded"
        return await self._ask("POST", path, body, (kind, *more, *headers))

    async def log_in(self):
        """Get a code and use it."""
        status, headers, _ = await self.post(
            "/ledger/login", {"code": self.gate.door.issue(), "who": BY}
        )
        assert (status, headers["location"]) == (303, "/ledger/edit")
        self.cookie = headers["set-cookie"].partition(";")[0]
        return headers["set-cookie"]

    async def form(self, kind, id_=""):
        """Open a record's form; gives its fields as a browser would send them."""
        _, _, page = await self.get(f"/ledger/record?lang=en&kind={kind}&id={quote(id_)}")
        return fields_of(page)

    async def send(self, fields, step, **changed):
        """Send a record's form."""
        return await self.post("/ledger/record?lang=en", fields | changed | {"step": step})

    async def _ask(self, method, path, body, headers):
        reader, writer = await connect(self.server)
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        if self.cookie:
            lines.append(f"Cookie: {self.cookie}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            status, found, answer = await read_response(reader)
        finally:
            writer.close()
        return int(status.split()[1]), found, answer.decode()


def fields_of(page):
    """Give what a browser would send of the record's form: inputs, choices, ticked boxes."""
    form = page[page.index('action="/ledger/record"') :]
    found = {}
    for element in re.findall(r"<input[^>]*>", form):
        got = dict(re.findall(r'([a-z-]+)="([^"]*)"', element))
        ticked = got.get("type") != "checkbox" or " checked" in element
        if ticked and "name" in got:
            found.setdefault(got["name"], []).append(plain(got.get("value", "")))
    for name, text in re.findall(
        r'<textarea[^>]* name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL
    ):
        found[name] = [plain(text)]
    for name, options in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form):
        chosen = re.search(r'value="([^"]*)" selected', options)
        first = re.search(r'value="([^"]*)"', options)
        found[name] = [plain((chosen or first)[1])]
    return found


def plain(text):
    """Undo the escapes of HTML."""
    for escape, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'")):
        text = text.replace(escape, char)
    return text.replace("&amp;", "&")


@asynccontextmanager
async def page(folder, *, text=WORKSHOP, limits=None):
    """Serve the ledger of a file for editing; gives a person in front of it."""
    file = folder / "agent.yaml"
    file.write_text(text, "utf-8")
    clock = Clock()
    people = []

    in_force = [_config(file)]

    def config():
        return in_force[-1]

    async def renew():
        people[0].renewed += 1
        in_force.append(_config(file))
        return ()

    gate = Gate(Editable(file, config, well, renew), Door(clock))
    async with serve(
        Http(port=0), well, config=config, editing=gate, limits=limits or Limits()
    ) as server:
        people.append(Person(server, gate, file, clock))
        yield people[0]


def _config(file):
    """Read what an agent of this file would run by."""
    return read_config(file)[0].model_copy(update={"store": Store(path=file.parent / "store.db")})
