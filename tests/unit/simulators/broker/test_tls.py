"""The broker behind TLS, and on uvloop."""

import asyncio
import datetime as dt
import ipaddress
import ssl

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulators.mqtt import Broker, Reason
from simulators.mqtt.encode import encode
from simulators.mqtt.packets import Connect, Publish, Version


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1, with its key in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "broker.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


async def exchange(client, certificate):
    """Send one message through a TLS broker and give the PUBACK reason."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with Broker(ssl_context=context) as broker:
        assert broker.url.startswith("mqtts://")
        both = client("tls")
        both.paho.tls_set_context(ssl.create_default_context(cafile=certificate))
        await both.connect(broker)
        await both.subscribe("t")
        reason = await both.publish("t", b"secret" * 10_000)
        assert len((await both.message()).payload) == 60_000
        broker.disconnect("tls", reason=Reason.SERVER_SHUTTING_DOWN)
        assert await both.disconnected() == Reason.SERVER_SHUTTING_DOWN
    return reason


async def test_tls(client, certificate):
    """With a certificate the broker speaks TLS and paho checks its name."""
    assert await exchange(client, certificate) == Reason.SUCCESS


async def echo_by_hand():
    """Connect, publish at QoS 1 and give the last bytes that came back."""
    async with Broker() as broker, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(broker.host, broker.port)
        sent = (Connect("u", Version.V311), Publish("t", b"x", 1, packet_id=7))
        writer.write(b"".join(encode(packet, Version.V311) for packet in sent))
        await broker.until(lambda: broker.stats.acknowledged == 1)
        answer = await reader.readexactly(8)
        writer.close()
        await writer.wait_closed()
    return answer


def test_uvloop():
    """The broker works on uvloop as it does on asyncio."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(echo_by_hand()) == b"\x20\x02\x00\x00\x40\x02\x00\x07"
