"""Opening a connection: what is refused says why, in both languages, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import ipaddress
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from integration.agent.publishing import Bench, hurry, listening
from unit.agent.store.patience import until

from agent.config.destination import Destination, Tls
from agent.publish import mqtt
from agent.publish.beside import Beside
from agent.publish.mqtt import Connection, ConnectionRefused, Will
from simulators.mqtt import Broker, Faults
from simulators.mqtt.wire import Reason

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
"""paho leaves the socket of a failed handshake to the garbage collector."""
WILL = Will("w", b"gone")


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """No thread of a connection outlives it."""
    yield
    assert [t.name for t in threading.enumerate() if "paho" in t.name.lower()] == []


def certificate(path, name="127.0.0.1"):
    """Write a self-signed certificate and its key for an address into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))])
    usage = x509.BasicConstraints(ca=True, path_length=None)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


def server_context(path, *, client_ca=None):
    """Make the broker's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


async def opened(url, *, password=None, on_ack=lambda *_: None, **fields):
    """Open a connection as the publisher does."""
    settings = Destination(url=url, **fields)
    return await Connection.open(
        settings, client_id="gw", password=password, will=WILL, on_ack=on_ack, beside=Beside()
    )


async def refused(url, **fields):
    """Give the message of a refusal, held to both languages and to the URL or reason."""
    with pytest.raises(ConnectionRefused) as caught:
        async with asyncio.timeout(10):
            await opened(url, **fields)
    problem = caught.value.problem
    del caught
    gc.collect()  # what paho left open is closed here, not in another test
    assert any("\u4e00" <= c <= "\u9fff" for c in problem.zh)
    return problem


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
async def test_a_wrong_password_is_told(protocol):
    """A refused login names user name and password, in both protocols."""
    async with Broker(users={"gw": "right"}) as broker:
        fields = {"username": "gw", "password": "wrong", "protocol": protocol}
        problem = await refused(broker.url, **fields)
        assert "refuses our login" in problem.en
        assert "服务器拒绝登录" in problem.zh
        connection = await opened(broker.url, **fields | {"password": "right"})
        await connection.close()


async def test_a_busy_broker_is_told():
    """Any other refusal is told with the broker's own reason."""
    async with Broker(faults=Faults(refuse_connect=Reason.SERVER_UNAVAILABLE)) as broker:
        assert "unavailable" in (await refused(broker.url)).en


async def test_nobody_listens():
    """A closed port is told with the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"mqtt://127.0.0.1:{probe.getsockname()[1]}"
        problem = await refused(url)
    assert problem.en.startswith(f"{url}: cannot be reached")
    assert url in problem.zh


async def test_a_name_nobody_knows():
    """A name that cannot be resolved is told like an address that cannot be reached."""
    assert "cannot be reached" in (await refused("mqtt://no-such-host.invalid")).en


async def test_a_server_that_hangs_up():
    """A server that closes instead of answering is a refusal."""

    async def hang_up(_reader, writer):
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "refuses the connection" in (await refused(f"mqtt://127.0.0.1:{port}")).en


async def test_a_server_that_says_nothing(monkeypatch):
    """A server that accepts and keeps silent costs the time-out, not for ever."""
    monkeypatch.setattr(mqtt, "CONNECT_TIMEOUT_S", 0.2)
    held = []

    async def keep_silent(reader, writer):
        held.append(writer)
        await reader.read()

    async with await asyncio.start_server(keep_silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        began_s = time.monotonic()
        assert "TimeoutError" in (await refused(f"mqtt://127.0.0.1:{port}")).en
        assert time.monotonic() - began_s < 5
        for writer in held:
            writer.close()


async def test_a_trusted_certificate(tmp_path):
    """With its CA the broker is accepted, and rows go through TLS."""
    path = certificate(tmp_path / "broker.pem")
    async with Broker(ssl_context=server_context(path)) as broker:
        connection = await opened(broker.url, tls=Tls(ca=path))
        await connection.close()
        assert broker.stats.connects == 1


@pytest.mark.parametrize("case", ["unknown ca", "other name", "missing file"])
async def test_a_broker_that_is_not_who_it_should_be(tmp_path, case):
    """An untrusted certificate, or one of another address, ends before anything was sent."""
    name = "127.0.0.9" if case == "other name" else "127.0.0.1"
    path = certificate(tmp_path / "broker.pem", name)
    ca = {"unknown ca": None, "other name": path, "missing file": tmp_path / "none.pem"}[case]
    async with Broker(ssl_context=server_context(path)) as broker:
        problem = await refused(broker.url, tls=Tls(ca=ca), username="u", password="secret")
        assert (broker.stats.connects, broker.stats.refused) == (0, 0)
    expected = "none.pem" if case == "missing file" else "certificate is not accepted"
    assert expected in problem.en


async def test_mutual_tls(tmp_path):
    """A broker that wants our certificate gets it; without one it refuses us."""
    broker_pem = certificate(tmp_path / "broker.pem")
    our_pem = certificate(tmp_path / "we.pem")
    context = server_context(broker_pem, client_ca=our_pem)
    async with Broker(ssl_context=context) as broker:
        tls = Tls(ca=broker_pem, cert=our_pem, key=our_pem)
        connection = await opened(broker.url, tls=tls)
        await connection.close()
        assert "refuses" in (await refused(broker.url, tls=Tls(ca=broker_pem))).en


async def test_tls_to_a_port_without_tls():
    """A broker that speaks no TLS on its port is told as such, and gets no password."""
    async with Broker() as broker:
        url = broker.url.replace("mqtt:", "mqtts:")
        problem = await refused(url, username="u", password="secret")
        assert broker.stats.connects == 0
    assert "certificate" in problem.en or "cannot be reached" in problem.en


async def test_cancelling_leaves_nothing(monkeypatch):
    """An opening that is cancelled ends its thread and its socket."""
    closed = asyncio.Event()

    async def keep_silent(reader, writer):
        await reader.read(100)
        began.set()
        await reader.read()
        closed.set()
        writer.close()

    began = asyncio.Event()
    async with await asyncio.start_server(keep_silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        opening = asyncio.create_task(opened(f"mqtt://127.0.0.1:{port}"))
        await began.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        async with asyncio.timeout(5):
            await closed.wait()


async def test_publishing_after_the_end_is_refused(tmp_path):
    """A connection that is over takes no message: paho would keep it and send it later."""
    async with Broker() as broker:
        connection = await opened(broker.url)
        assert connection.publish("t", b"x") is not None
        broker.disconnect("gw", reason=Reason.SERVER_SHUTTING_DOWN)
        async with asyncio.timeout(5):
            assert "shutting down" in await connection.closed
        assert connection.publish("t", b"x") is None
        await connection.close()


async def test_limits_are_taken_from_the_broker():
    """Receive Maximum and Maximum Packet Size are known after opening; 3.1.1 has neither."""
    async with Broker() as broker:
        broker.limits.receive_maximum, broker.limits.max_packet_bytes = 7, 5000
        five = await opened(broker.url)
        assert (five.receive_maximum, five.maximum_packet_bytes) == (7, 5000)
        assert five.payload_limit("t") == 5000 - 1 - mqtt.PUBLISH_OVERHEAD_BYTES
        await five.close()
        old = await opened(broker.url, protocol="mqtt311")
        assert (old.receive_maximum, old.maximum_packet_bytes) == (65_535, None)
        await old.close()


@pytest.mark.parametrize("level", ["event", "t" * 60])
async def test_a_message_as_large_as_allowed_is_taken(level):
    """A payload of exactly the limit passes a broker that counts every byte; one more does not."""
    acks = []
    async with Broker() as broker:
        broker.limits.max_packet_bytes = 1000
        connection = await opened(broker.url, on_ack=lambda *a: acks.append(a))
        most = connection.payload_limit(level)
        connection.publish(level, b"x" * most)
        await until(lambda: acks)
        assert not connection.closed.done()
        connection.publish(level, b"x" * (most + 8))
        async with asyncio.timeout(5):
            await connection.closed
        await connection.close()


async def test_a_publisher_that_cannot_log_in_keeps_everything(tmp_path, monkeypatch):
    """While the login is refused rows wait and the status says why; then they go."""
    hurry(monkeypatch)
    users = {"gw": "other"}
    async with (
        Broker(users=users) as broker,
        Bench(tmp_path, broker.url, username="gw", password="right") as bench,
    ):
        await bench.put(2)
        bench.start()
        await until(lambda: bench.problem)
        assert "refuses our login" in bench.problem.en
        assert (bench.waiting, bench.publisher.status().connected) == (2, False)
        users["gw"] = "right"
        await bench.connected()
        broker._users = None
        async with listening(broker):
            await bench.drained()
