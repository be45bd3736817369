"""TLS under a wrong clock: dates may be left out, and nothing else ever is."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.config.destination import Tls
from agent.publish.mqtt import ConnectionRefused
from agent.publish.tls import context_of, is_private, only_dates

YEAR = timedelta(days=365)
NOW = datetime.now(UTC)
GENUINE = (NOW - YEAR, NOW + YEAR)
EXPIRED = (NOW - 3 * YEAR, NOW - YEAR)
NOT_YET = (NOW + YEAR, NOW + 3 * YEAR)


class Authority:
    """A CA of the plant, and what it signs."""

    def __init__(self, folder, name, *, dates=(NOW - 5 * YEAR, NOW + 5 * YEAR)):
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._subject, self._key.public_key(), dates)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = (
            builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca = folder / f"{name}.crt"
        self.ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *, dates=GENUINE, host="localhost", purpose=ExtendedKeyUsageOID.SERVER_AUTH):
        """Give the context of a server with a certificate of this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
        certificate = (
            self._builder(name, key.public_key(), dates)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem = self._folder / "server.pem"
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context

    def _builder(self, subject, public_key, dates):
        begins, ends = dates
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
        )


@asynccontextmanager
async def listening(context):
    """Serve TLS that says nothing; gives the port."""

    async def meet(_reader, writer):
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def refusal(port, tls, *, dates):
    """Give the error of a handshake; None when it succeeds."""
    context = context_of(tls, dates=dates)
    try:
        async with asyncio.timeout(10):
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname="localhost"
            )
    except ssl.SSLError as error:
        return error
    writer.transport.abort()
    return None


@pytest.fixture
def plant(tmp_path):
    return Authority(tmp_path, "plant")


@pytest.mark.parametrize("dates", [EXPIRED, NOT_YET], ids=["expired", "not yet valid"])
async def test_dates_alone_are_left_out(plant, dates):
    """A genuine broker out of its dates is refused for them alone, and accepted without them."""
    async with listening(plant.server(dates=dates)) as port:
        tls = Tls(ca=plant.ca)
        assert only_dates(await refusal(port, tls, dates=True))
        assert await refusal(port, tls, dates=False) is None


async def test_an_authority_out_of_its_dates_is_no_obstacle_either(tmp_path):
    """In 1970 the plant's own CA is not valid yet: it is still known by its key."""
    plant = Authority(tmp_path, "plant", dates=NOT_YET)
    async with listening(plant.server(dates=NOT_YET)) as port:
        tls = Tls(ca=plant.ca)
        assert only_dates(await refusal(port, tls, dates=True))
        assert await refusal(port, tls, dates=False) is None


@pytest.mark.parametrize("dates", [GENUINE, EXPIRED, NOT_YET], ids=["valid", "expired", "early"])
@pytest.mark.parametrize("lie", ["other authority", "other name", "other purpose"])
async def test_an_impersonator_is_refused_either_way(tmp_path, plant, lie, dates):
    """Whoever lacks the authority's signature, the name or the purpose never gets a byte."""
    signer = Authority(tmp_path, "stranger") if lie == "other authority" else plant
    more = {"other name": {"host": "elsewhere"},
            "other purpose": {"purpose": ExtendedKeyUsageOID.CLIENT_AUTH}}  # fmt: skip
    async with listening(signer.server(dates=dates, **more.get(lie, {}))) as port:
        tls = Tls(ca=plant.ca)
        for looked_at in (True, False):
            error = await refusal(port, tls, dates=looked_at)
            assert isinstance(error, ssl.SSLCertVerificationError)
            assert not only_dates(error)


async def test_a_valid_broker_needs_no_exception(plant):
    """In its dates a broker is accepted in full."""
    async with listening(plant.server()) as port:
        assert await refusal(port, Tls(ca=plant.ca), dates=True) is None


def test_only_the_plants_own_authority_is_private(tmp_path, plant):
    """The system's authorities, one of them, or a bundle that holds one, are public."""
    public = Authority(tmp_path, "public")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(public.ca.read_bytes())
    both = tmp_path / "both.pem"
    both.write_bytes(b"# comment\n" + plant.ca.read_bytes() + public.ca.read_bytes())
    known = [str(bundle), str(tmp_path / "missing")]
    assert is_private(plant.ca, known)
    assert not is_private(None, known)
    assert not is_private(public.ca, known)
    assert not is_private(both, known)
    assert not is_private(tmp_path / "missing", known)


def test_files_that_cannot_be_used_are_named(tmp_path):
    """A missing file is told with its name and what to do."""
    with pytest.raises(ConnectionRefused, match=r"nothing\.pem"):
        context_of(Tls(ca=tmp_path / "nothing.pem"), dates=True)
