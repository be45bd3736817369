from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

import pytest
from unit.agent.telemetry.status_samples import one_down, well

from agent.config.model import Http
from agent.web.connection import Limits
from agent.web.server import BindError, serve

HERE = Http(port=0)
QUICK = Limits(connections=4, header_bytes=4096, request_s=0.3, write_s=0.3, linger_s=0.3)


@pytest.fixture
async def server():
    async with serve(HERE, well) as running:
        yield running


@pytest.fixture
async def quick():
    async with serve(HERE, well, limits=QUICK) as running:
        yield running


async def connect(server):
    """Open a raw connection; the caller says every byte."""
    port = int(server.url.rpartition(":")[2])
    return await asyncio.open_connection("127.0.0.1", port, limit=2**20)


async def read_response(reader, *, head=False):
    """Read one response by its own length: status line, headers, body."""
    async with asyncio.timeout(5):
        block = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = block.strip().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        body = b"" if head else await reader.readexactly(int(headers["content-length"]))
    return status, headers, body


async def ask(server, path, *headers, method="GET"):
    """Send one well-formed request on a connection of its own."""
    reader, writer = await connect(server)
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        return await read_response(reader, head=method == "HEAD")
    finally:
        writer.close()


async def until_closed(reader):
    """Read until the server closes, which it must do by itself."""
    async with asyncio.timeout(5):
        try:
            return await reader.read(2**20)
        except ConnectionResetError:
            return b""


async def test_page_and_api_are_served_with_security_headers(server):
    """Every answer forbids foreign and inline content, sniffing and framing."""
    for path in ("/", "/fragment", "/api/status", "/metrics", "/healthz", "/nothing"):
        _, headers, body = await ask(server, path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert body


async def test_head_gives_the_length_and_no_body(server):
    """HEAD answers as GET would, without the body, and the connection goes on."""
    reader, writer = await connect(server)
    writer.write(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    status, headers, _ = await read_response(reader, head=True)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    _, _, body = await read_response(reader)
    writer.close()
    assert status == "HTTP/1.1 200 OK"
    assert int(headers["content-length"]) == len(body) > 0


async def test_unknown_path_is_404(server):
    """A path that is not in the table is 404, also one that decodes to a known path."""
    for path in ("/nope", "/%68ealthz", "//healthz", "/assets/../assets/page.js", "*"):
        status, _, _ = await ask(server, path)
        assert status == "HTTP/1.1 404 Not Found"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
async def test_other_methods_are_405(server, method):
    """Nothing but GET and HEAD is served."""
    status, headers, _ = await ask(server, "/", method=method)
    assert status == "HTTP/1.1 405 Method Not Allowed"
    assert headers["allow"] == "GET, HEAD"


async def test_body_of_a_request_is_never_read(server):
    """A request that announces a huge body is answered and the connection closed."""
    reader, writer = await connect(server)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nxxxx")
    status, headers, _ = await read_response(reader)
    assert status.startswith("HTTP/1.1 405")
    assert headers["connection"] == "close"
    assert await until_closed(reader) == b""
    writer.close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "127.0.0.1.evil.example"])
async def test_foreign_host_is_refused(server, host):
    """A name that is not ours gets no data (DNS rebinding)."""
    reader, writer = await connect(server)
    writer.write(f"GET /api/status HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    status, _, body = await read_response(reader)
    writer.close()
    assert status == "HTTP/1.1 421 Misdirected Request"
    assert b"gateway" in body
    assert b"devices" not in body


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8642", "192.168.1.20", "[::1]:80"])
async def test_own_hosts_are_served(server, host):
    """Localhost and addresses are always ours."""
    reader, writer = await connect(server)
    writer.write(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    status, _, _ = await read_response(reader)
    writer.close()
    assert status == "HTTP/1.1 200 OK"


async def test_configured_host_is_served():
    """A name given in the settings is ours too."""
    async with serve(HERE, well, allowed_hosts=["Gateway.Plant"]) as server:
        reader, writer = await connect(server)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: gateway.plant:80\r\n\r\n")
        status, _, _ = await read_response(reader)
        writer.close()
    assert status == "HTTP/1.1 200 OK"


async def test_pipelined_requests_are_answered_in_order(server):
    """Requests sent in one piece get their answers one after the other."""
    reader, writer = await connect(server)
    paths = ["/healthz", "/nope", "/readyz", "/api/rate", "/healthz"]
    writer.write(b"".join(f"GET {p} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for p in paths))
    answers = [await read_response(reader) for _ in paths]
    writer.close()
    assert [a[0].split()[1] for a in answers] == ["200", "404", "200", "200", "200"]
    assert answers[0][2] == answers[4][2] != answers[2][2]


async def test_bytes_may_arrive_one_by_one(server):
    """A request torn into single bytes is a request."""
    reader, writer = await connect(server)
    for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    status, _, _ = await read_response(reader)
    writer.close()
    assert status == "HTTP/1.1 200 OK"


async def test_old_client_without_host_is_served_and_closed(server):
    """HTTP/1.0 without a Host is no browser; it gets its answer and the end of it."""
    reader, writer = await connect(server)
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    status, _, _ = await read_response(reader)
    assert status == "HTTP/1.1 200 OK"
    assert await until_closed(reader) == b""
    writer.close()


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03", b"GET  /  HTTP/1.1\r\n\r\n", b"hello\r\n\r\n"]
)
async def test_what_is_not_http_is_answered_400_and_closed(server, junk):
    """TLS on the plain port, wrong versions and noise end the connection at once."""
    reader, writer = await connect(server)
    writer.write(junk + b"\r\n\r\n")
    answer = await until_closed(reader)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_slow_header_is_cut_off(quick):
    """A header that drips in is cut after the time limit, not after its last byte."""
    reader, writer = await connect(quick)
    started = time.monotonic()
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")

    async def drip():
        while not writer.is_closing():
            writer.write(b"X-A: b\r\n")
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    assert await until_closed(reader) == b""
    dripping.cancel()
    writer.close()
    assert time.monotonic() - started > 0.2
    assert quick.connections == 0


async def test_header_of_10_megabytes_is_refused_early(server):
    """A huge header is answered 431 long before it has arrived, and never held in memory."""
    reader, writer = await connect(server)

    async def flood():
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        try:
            for _ in range(160):
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            return

    flooding = asyncio.create_task(flood())
    status, _, _ = await read_response(reader)
    await flooding
    writer.close()
    assert status.startswith("HTTP/1.1 431")


async def test_idle_peers_never_keep_a_scrape_out(server, figure):
    """With 200 connections that say nothing, metrics answer before one of them is given up."""
    idle = [await connect(server) for _ in range(200)]
    started = time.monotonic()
    status, _, body = await ask(server, "/metrics")
    took_s = time.monotonic() - started
    connections = server.connections
    for _, writer in idle:
        writer.close()
    assert status == "HTTP/1.1 200 OK"
    assert b"chulian_device_up" in body
    figure("slowest scrape, ms", round(took_s * 1000, 1))
    assert took_s < Limits().request_s
    assert connections <= Limits().connections
    assert server.displaced >= 200 - Limits().connections


async def test_slow_reader_is_cut_off_and_holds_one_response():
    """A peer that asks and never reads is cut; meanwhile it holds no more than one answer."""
    big = replace(well(), devices=well().devices * 400)
    async with serve(HERE, lambda: big, limits=QUICK) as server:
        _, writer = await connect(server)
        writer.transport.pause_reading()
        writer.write(b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        async with asyncio.timeout(5):
            await wait_for(lambda: server.connections == 1)
            await wait_for(lambda: server.connections == 0)
        writer.transport.abort()
        status, _, _ = await ask(server, "/healthz")
    assert status == "HTTP/1.1 200 OK"


async def test_when_all_places_are_busy_a_new_peer_gets_503():
    """Connections being served are never cut for a new one; that one is told to come again."""
    big = replace(well(), devices=well().devices * 400)
    patient = replace(QUICK, write_s=5.0)
    async with serve(HERE, lambda: big, limits=patient) as server:
        slow = [await connect(server) for _ in range(patient.connections)]
        for _, writer in slow:
            writer.transport.pause_reading()
            writer.write(b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        async with asyncio.timeout(5):
            await wait_for(lambda: server.connections == patient.connections)
            await wait_for(lambda: all_serving(server))
        reader, writer = await connect(server)
        status, headers, _ = await read_response(reader)
        writer.close()
        for _, stuck in slow:
            stuck.transport.abort()
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert headers["retry-after"] == "2"
    assert server.refused == 1


def all_serving(server):
    """Tell whether no open connection is waiting for a request."""
    return all(c.waiting_since is None for c in server._open.values())


async def wait_for(condition):
    """Give the loop its turns until a condition of the server holds; the caller bounds it."""
    while not condition():  # noqa: ASYNC110 - the condition is a plain attribute
        await asyncio.sleep(0.005)


async def test_leaving_the_block_cuts_every_connection():
    """Nothing of the server survives its block."""
    before = asyncio.all_tasks()
    async with serve(HERE, well) as server:
        peers = [await connect(server) for _ in range(5)]
        status, _, _ = await ask(server, "/healthz")
        assert status == "HTTP/1.1 200 OK"
    for reader, writer in peers:
        assert await until_closed(reader) == b""
        writer.close()
    assert server.connections == 0
    assert asyncio.all_tasks() == before


async def test_a_taken_port_is_explained_in_both_languages(server):
    """A port in use names itself and what to do."""
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(BindError) as caught:
        async with serve(Http(port=port), well):
            pass
    assert f"127.0.0.1:{port}" in caught.value.message.en
    assert "端口" in caught.value.message.zh


async def test_a_bug_in_a_page_is_logged_and_hurts_nobody_else(caplog):
    """When a snapshot cannot be made, that peer is cut, the log says why, others are served."""

    def broken():
        raise ZeroDivisionError

    async with serve(HERE, broken) as server:
        reader, writer = await connect(server)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await until_closed(reader) == b""
        writer.close()
        status, _, _ = await ask(server, "/healthz")
    assert status == "HTTP/1.1 200 OK"
    assert "a page could not be made" in caplog.text


async def test_health_names_the_stage_that_stands_still():
    """/healthz is 503 while a stage makes no progress, and names it."""
    stalled = ["writer"]
    async with serve(HERE, well, stalled=lambda: stalled) as server:
        status, _, body = await ask(server, "/healthz")
        assert status == "HTTP/1.1 503 Service Unavailable"
        assert json.loads(body) == {"healthy": False, "stalled": ["writer"]}
        stalled.clear()
        status, _, body = await ask(server, "/healthz")
    assert status == "HTTP/1.1 200 OK"
    assert json.loads(body) == {"healthy": True, "stalled": []}


async def test_readiness_follows_the_snapshot():
    """/readyz is 503 with reasons until the agent is ready; a device that is down is no reason."""
    snapshot = replace(one_down(), ready=False)
    async with serve(HERE, lambda: snapshot) as server:
        status, _, body = await ask(server, "/readyz")
        assert status == "HTTP/1.1 503 Service Unavailable"
        assert json.loads(body)["reasons"][0]["code"] == "starting"
        snapshot = one_down()
        status, _, body = await ask(server, "/readyz")
    assert status == "HTTP/1.1 200 OK"
    assert json.loads(body) == {"ready": True, "reasons": []}
