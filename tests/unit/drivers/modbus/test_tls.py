"""Modbus over TLS: certificates are always verified, and what is wrong with one is said."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from unit.drivers.modbus.rtu_peers import config, plan

from drivers.api import AccessError, ConnectError
from drivers.modbus import DRIVER

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def issue(folder, name, *, of, expired=False, issuer=None):
    """Write a certificate for a name and its key; give them for issuing more."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    try:
        alternative = x509.IPAddress(ipaddress.ip_address(of))
    except ValueError:
        alternative = x509.DNSName(of)
    end = NOW - DAY if expired else NOW + 9 * DAY
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 5 * DAY)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / f"{name}.pem").write_bytes(pem)
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, key


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """Give a folder with an authority, a stranger, and certificates of the authority."""
    folder = tmp_path_factory.mktemp("papers")
    authority = issue(folder, "authority", of="authority")
    issue(folder, "stranger", of="stranger")
    issue(folder, "good", of="127.0.0.1", issuer=authority)
    issue(folder, "named", of="plc-1", issuer=authority)
    issue(folder, "expired", of="127.0.0.1", issuer=authority, expired=True)
    issue(folder, "us", of="agent", issuer=authority)
    return folder


@pytest.fixture
async def serve(papers, wire_format):
    """Give a function that starts a device with a certificate and gives its port."""
    servers = []

    async def answer(reader, writer):
        try:
            while True:
                head = await reader.readexactly(6)
                request = head + await reader.readexactly(int.from_bytes(head[4:6], "big"))
                writer.write(wire_format.answer(request))
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async def start(name, *, asks_us=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(papers / f"{name}.pem", papers / f"{name}.key")
        if asks_us:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(papers / "authority.pem")
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        return server.sockets[0].getsockname()[1]

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # its failed handshakes
    yield start
    for server in servers:
        server.close()


def over_tls(port, papers, **settings):
    """Make a config that trusts the authority."""
    settings = {"tls_ca": papers / "authority.pem"} | settings
    return config(host="127.0.0.1", port=port, network="tls", **settings)


async def read(made):
    """Read one register over a session of its own."""
    async with DRIVER.open(DRIVER.link(made)) as session:
        return (await session.read(plan(made, "hr:4"))).values


async def test_reads_over_tls(serve, papers, wire_format):
    """A device with a certificate we can trust is read."""
    assert await read(over_tls(await serve("good"), papers)) == (wire_format.register(4),)


async def test_we_show_our_own_certificate(serve, papers, wire_format):
    """A device that wants to know us gets our certificate."""
    ours = {"tls_certificate": papers / "us.pem", "tls_key": papers / "us.key"}
    made = over_tls(await serve("good", asks_us=True), papers, **ours)
    assert await read(made) == (wire_format.register(4),)


async def test_the_name_may_be_given(serve, papers, wire_format):
    """A certificate for another name is taken only if that name is configured."""
    port = await serve("named")
    with pytest.raises(AccessError, match="not trusted") as caught:
        await read(over_tls(port, papers))
    assert "tls_name" in caught.value.hint
    assert "tls_name" in caught.value.hint_zh
    made = over_tls(port, papers, tls_name="plc-1")
    assert await read(made) == (wire_format.register(4),)


async def test_an_expired_certificate_is_said_to_be(serve, papers):
    """An expired certificate is refused, with the clocks named."""
    with pytest.raises(AccessError, match="expired") as caught:
        await read(over_tls(await serve("expired"), papers))
    assert "时钟" in caught.value.hint_zh


async def test_an_unknown_authority_is_refused(serve, papers):
    """A certificate of an authority we do not know is refused, with tls_ca named."""
    made = over_tls(await serve("good"), papers, tls_ca=papers / "stranger.pem")
    with pytest.raises(AccessError) as caught:
        await read(made)
    assert "tls_ca" in caught.value.hint


async def test_files_that_cannot_be_used_are_named(serve, papers):
    """A missing certificate file is named before anything is sent."""
    made = over_tls(await serve("good"), papers, tls_ca=papers / "missing.pem")
    with pytest.raises(AccessError, match=r"missing\.pem") as caught:
        await read(made)
    assert "missing.pem" in caught.value.zh


async def test_a_port_without_tls_is_told(peer):
    """A port that speaks no TLS is a ConnectError in words."""
    made = peer.config(network="tls", connect_timeout_s=0.3)
    with pytest.raises(ConnectError):
        await read(made)
