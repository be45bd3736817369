"""TLS under a wrong clock: dates may be left out, and nothing else ever is."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from unit.agent.publish.authority import EXPIRED, GENUINE, NOT_YET, Authority

from agent.config.destination import Tls
from agent.publish.mqtt import ConnectionRefused
from agent.publish.tls import context_of, is_private, only_dates


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
