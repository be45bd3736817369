"""The doors of the page over real sockets: codes, cookies, foreign pages, hostile requests."""

from __future__ import annotations

import asyncio
import json

import pytest
from unit.agent.web.editing.bench import BY, WORKSHOP, page
from unit.agent.web.test_server import connect, read_response, until_closed

from agent.control.client import NoAgent, ask
from agent.control.place import login_path
from agent.web.connection import Limits
from agent.web.editing.codes import ASK, Code
from agent.web.editing.door import IDLE_S

CLOSED = ("/ledger/edit", "/ledger/record?kind=equipment&id=L1")


@pytest.fixture
async def person(tmp_path):
    async with page(tmp_path) as one:
        yield one


async def test_the_agent_gives_codes_on_its_own_socket_only(person, tmp_path):
    """The command's question is answered with a code that opens, and anything else is not."""
    path = login_path(tmp_path / "store.db")
    code = Code.from_line(await asyncio.to_thread(ask, path, ASK))
    assert code.url == person.server.url + "/ledger/login"
    answer = await asyncio.to_thread(ask, path, {"op": "write"})
    assert json.loads(answer) == {"error": "malformed"}
    status, _, _ = await person.post("/ledger/login", {"code": code.code, "who": BY})
    assert status == 303
    with pytest.raises(NoAgent):
        ask(tmp_path / "other.login", ASK)


async def test_without_a_session_there_is_only_the_way_to_one(person):
    """Pages send to the login, which says how a code is had; forms are refused; nothing changes."""
    for path in CLOSED:
        status, headers, text = await person.get(path)
        assert (status, headers["location"], text) == (303, "/ledger/login", "")
    status, headers, text = await person.get("/ledger/login?lang=en")
    assert status == 200
    assert f"ledger login -c {person.file}" in text
    assert "form-action 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    for path in ("/ledger/record", "/ledger/logout"):
        status, _, text = await person.post(path, {"csrf": "", "step": "confirm"})
        assert status == 403
    assert person.file.read_text("utf-8") == WORKSHOP
    _, headers, _ = await person.get("/")
    assert "form-action 'none'" in headers["content-security-policy"]


async def test_the_cookie_is_for_this_page_alone(person):
    """No script reads it, no other site sends it, and it is marked for TLS where that is spoken."""
    cookie = await person.log_in()
    assert cookie.endswith("; HttpOnly; SameSite=Strict; Path=/ledger")
    person.cookie = ""
    fields = {"code": person.gate.door.issue(), "who": BY}
    _, headers, _ = await person.post("/ledger/login", fields, origin="https://localhost")
    assert headers["set-cookie"].endswith("; Secure")


async def test_guessing_is_stopped_with_words(person):
    """A wrong code is refused, the sixth try in a minute is not looked at, and says how long."""
    code = person.gate.door.issue()
    for _ in range(5):
        status, _, text = await person.post("/ledger/login?lang=zh", {"code": "1", "who": BY})
        assert (status, "验证码不对" in text, f'value="{BY}"' in text) == (403, True, True)
    status, headers, text = await person.post("/ledger/login?lang=zh", {"code": code, "who": BY})
    assert (status, "尝试次数过多" in text) == (429, True)
    assert 0 < int(headers["retry-after"]) <= 61


@pytest.mark.parametrize("who", ["", " ", "x" * 65, "a\nb", "a\0b", "\u202eabc"])
async def test_a_name_is_a_name(person, who):
    """Nobody gets in without a name that can be read; the code is not used up."""
    code = person.gate.door.issue()
    status, _, _ = await person.post("/ledger/login", {"code": code, "who": who})
    assert status == 403
    assert (await person.post("/ledger/login", {"code": code, "who": BY}))[0] == 303


async def test_a_cookie_is_worthless_after_leaving_and_after_half_an_hour(person):
    """A token played again opens nothing."""
    await person.log_in()
    fields = await person.form("equipment", "L5")
    status, headers, _ = await person.post("/ledger/logout", {"csrf": fields["csrf"]})
    assert (status, headers["location"]) == (303, "/ledger")
    assert "Max-Age=0" in headers["set-cookie"]
    assert (await person.get("/ledger/edit"))[0] == 303
    assert (await person.send(fields, "preview"))[0] == 403
    person.clock.now_s += 100
    await person.log_in()
    person.clock.now_s += IDLE_S
    assert (await person.get("/ledger/edit"))[0] == 303


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://localhost.evil.example",
               "http://localhost:81", "file://", "http://[", "http://x@localhost"],
)  # fmt: skip
async def test_a_form_of_a_foreign_page_is_refused(person, origin):
    """What does not come from a page of the host that is asked is refused, login included."""
    await person.log_in()
    fields = await person.form("equipment", "L5")
    fields |= {"f.serial": "0123", "step": "preview"}
    assert (await person.post("/ledger/record", fields, origin=origin))[0] == 403
    login = {"code": person.gate.door.issue(), "who": BY}
    assert (await person.post("/ledger/login", login, origin=origin))[0] == 403


@pytest.mark.parametrize("csrf", ["", "x", None])
async def test_a_form_without_the_sessions_secret_is_refused(person, csrf):
    """A cookie alone does not change anything."""
    await person.log_in()
    fields = await person.form("equipment", "L5")
    fields["csrf"] = csrf
    if csrf is None:
        del fields["csrf"]
    assert (await person.send(fields, "confirm", **{"f.serial": "1"}))[0] == 403
    assert person.file.read_text("utf-8") == WORKSHOP


async def raw(person, head, body=b""):
    """Send bytes; give the status line, empty where the connection is just cut."""
    reader, writer = await connect(person.server)
    writer.write(head.encode() + body)
    try:
        return (await read_response(reader))[0]
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return ""
    finally:
        writer.close()


def head(*headers):
    lines = ["POST /ledger/login HTTP/1.1", "Host: localhost", "Origin: http://localhost", *headers]
    return "\r\n".join([*lines, "", ""])


FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ((FORM, "Content-Length: 65537"), b"", "413"),
        ((FORM, "Content-Length: 99999999999999"), b"", "413"),
        ((FORM, "Transfer-Encoding: chunked"), b"3\r\na=b\r\n0\r\n\r\n", "411"),
        (("Content-Type: text/plain", "Content-Length: 3"), b"a=b", "415"),
        (("Content-Type: multipart/form-data; boundary=x", "Content-Length: 3"), b"a=b", "415"),
        (("Content-Length: 3",), b"a=b", "415"),
        ((FORM, "Content-Length: 7"), b"who=%ff", "400"),
        ((FORM, "Content-Length: 5"), b"who=\xff", "400"),
        ((FORM, "Content-Length: 8002"), b"&".join([b"a"] * 4001) + b"&", "400"),
        ((FORM, "Content-Length: x"), b"", "400"),
        ((FORM, "Content-Length: 65536"), b"who=" + b"x" * 65532, "403"),
        ((FORM,), b"", "403"),
    ],
)
async def test_what_is_no_small_form_is_refused(person, headers, body, status):
    """Too long, chunked, of another kind, or no UTF-8: each has its answer, before or after it."""
    assert (await raw(person, head(*headers), body)).split()[1] == status


async def test_a_form_is_sent_after_permission_too(person):
    """A client that asks before it sends the body is told to go on."""
    reader, writer = await connect(person.server)
    writer.write(head(FORM, "Content-Length: 3", "Expect: 100-continue").encode())
    async with asyncio.timeout(20):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(b"a=b")
    status, _, _ = await read_response(reader)
    writer.close()
    assert status.startswith("HTTP/1.1 403")


async def test_a_form_that_drips_is_cut_and_gives_way(tmp_path):
    """A body that does not come holds a connection for its time only, and is first to give way."""
    limits = Limits(connections=1, body_s=0.2)
    async with page(tmp_path, limits=limits) as person:
        reader, writer = await connect(person.server)
        writer.write(head(FORM, "Content-Length: 3").encode() + b"a")
        assert await until_closed(reader) == b""
        writer.close()
    async with page(tmp_path, limits=Limits(connections=1)) as person:
        reader, writer = await connect(person.server)
        writer.write(head(FORM, "Content-Length: 3").encode() + b"a")
        await writer.drain()
        assert (await person.get("/ledger/login"))[0] == 200
        assert await until_closed(reader) == b""
        writer.close()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused(person, method):
    """Only looking and sending forms is served."""
    for path, allow in (("/ledger/record", "GET, HEAD, POST"), ("/ledger/logout", "POST")):
        reader, writer = await connect(person.server)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        status, headers, _ = await read_response(reader)
        writer.close()
        assert (status.split()[1], headers["allow"]) == ("405", allow)
    assert (await person.post("/ledger/edit", {"a": "b"}))[0] == 405
