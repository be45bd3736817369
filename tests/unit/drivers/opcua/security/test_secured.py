"""Protected sessions on a real server: policies, trust, logins, renewal."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta

import pytest
from asyncua.common.utils import ServiceError
from asyncua.ua import StatusCodes
from pydantic import SecretStr
from unit.drivers.opcua.security.certificates import der, key, make, pem
from unit.drivers.opcua.security.visiting import EVERY, IDENTITY, PLAIN

import drivers.opcua.connect
from drivers.api import AccessError
from drivers.opcua.opening import open_session
from drivers.opcua.security.certificate import read_facts

LOGIN = {"username": "op", "password": SecretStr("geheim")}
BEST = ((7,), "Aes256_Sha256_RsaPss", "SignAndEncrypt")
SHORT = read_facts(IDENTITY[0]).short


@pytest.mark.parametrize("mode", ["sign", "sign_and_encrypt"])
@pytest.mark.parametrize(
    "policy", ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]
)
async def test_every_policy_in_every_mode(visitor, policy, mode):
    """What the configuration names is what protects the channel, and values come through it."""
    visitor.trust(IDENTITY[0])
    values, used, used_mode = await visitor.read(security=policy, security_mode=mode)
    assert (values, used, used_mode.lower()) == ((7,), policy, mode.replace("_", ""))


async def test_an_unknown_server_is_refused_until_a_person_trusts_it(visitor):
    """Refused with the command; the file kept for it, moved to the trusted ones, is enough."""
    with pytest.raises(AccessError) as caught:
        await visitor.read()
    assert f"chulian cert trust {SHORT}" in caught.value.hint_zh
    assert visitor.rejected == [IDENTITY[0]]
    visitor.trust(visitor.rejected[0])
    assert await visitor.read() == BEST


async def test_an_expired_certificate_needs_a_pin(visitor, peer):
    """Trusted but expired: refused by name; pinned by thumbprint or by file: taken."""
    expired = der(make(begins=-400, ends=-2))
    peer.become((expired, IDENTITY[1]))
    visitor.trust(expired)
    with pytest.raises(AccessError, match="has expired") as caught:
        await visitor.read()
    thumbprint = read_facts(expired).sha256
    assert f"server_certificate: {thumbprint}" in caught.value.hint
    assert await visitor.read(server_certificate=f"/etc/chulian/{thumbprint}") == BEST
    file = visitor.folder / "pinned.pem"
    file.write_bytes(pem(make()))
    with pytest.raises(AccessError, match="not the one named by server_certificate"):
        await visitor.read(server_certificate=file)
    file.write_bytes(expired)
    assert await visitor.read(server_certificate=file) == BEST


async def test_a_server_with_the_wrong_key_gets_no_session(visitor, peer):
    """Whoever copies a trusted certificate without its key cannot open a channel."""
    visitor.trust(IDENTITY[0])
    peer.become((IDENTITY[0], der(key("thief"))))
    with pytest.raises((AccessError, drivers.opcua.connect.DriverError)):
        await visitor.read(timeout_s=1)
    assert peer.passwords_seen == []


async def test_a_password_goes_over_an_encrypted_channel(visitor, peer):
    """The right one opens, the wrong one is told; a signed channel is not enough for it."""
    visitor.trust(IDENTITY[0])
    peer.passwords["op"] = "geheim"
    assert await visitor.read(**LOGIN) == BEST
    with pytest.raises(AccessError, match="BadUserAccessDenied") as caught:
        await visitor.read(**LOGIN | {"password": SecretStr("falsch")})
    assert "用户名和密码" in caught.value.hint_zh
    assert peer.passwords_seen == ["geheim", "falsch"]
    peer.become(
        IDENTITY, security=tuple(one for one in EVERY if one.name.endswith("_Sign")) + PLAIN
    )
    with pytest.raises(AccessError, match="hide the password"):
        await visitor.read(**LOGIN)
    assert peer.passwords_seen == ["geheim", "falsch"]


async def test_a_downgrade_to_nothing_gets_no_password(visitor, peer):
    """A server that suddenly offers no protection gets no password, nor a session if pinned."""
    peer.passwords["op"] = "geheim"
    peer.become(IDENTITY, security=PLAIN)
    for settings in (LOGIN, LOGIN | {"security": "none"}):
        with pytest.raises(AccessError, match="hide the password"):
            await visitor.read(**settings)
    assert peer.passwords_seen == []
    peer.passwords.clear()
    with pytest.raises(AccessError, match="nothing that fits"):
        await visitor.read(server_certificate=f"/x/{read_facts(IDENTITY[0]).sha256}")
    assert await visitor.read() == ((7,), "None", "None_")


async def test_a_user_certificate_logs_in(visitor, peer):
    """The certificate of the user, not of the program, is what the server sees as the user."""
    visitor.trust(IDENTITY[0])
    user = make("op", private_key=key("user"), uri="")
    files = {"user_certificate": visitor.folder / "op.pem", "user_key": visitor.folder / "op.key"}
    files["user_certificate"].write_bytes(pem(user))
    files["user_key"].write_bytes(pem(key("user")))
    peer.certificates.append(der(user))
    assert await visitor.read(**files) == BEST
    peer.certificates[:] = [der(make("other", private_key=key("user")))]
    with pytest.raises(AccessError, match="BadUserAccessDenied"):
        await visitor.read(**files)


async def test_a_server_that_does_not_trust_us_is_told_as_that(visitor, peer):
    """The person learns which certificate to trust on the server, and how to export it."""

    async def distrust(certificate, description):
        raise ServiceError(StatusCodes.BadCertificateUntrusted)

    visitor.trust(IDENTITY[0])
    peer.validator = distrust
    peer.become(IDENTITY)
    with pytest.raises(AccessError, match="does not trust our certificate") as caught:
        await visitor.read()
    ours = read_facts((visitor.folder / "own" / "certs" / "chulian.der").read_bytes())
    assert ours.sha1 in caught.value.hint_zh
    assert "chulian cert export" in caught.value.hint_zh


async def test_a_shortened_list_is_noticed(visitor, monkeypatch):
    """When the list read first left out what the server offers in truth, no session is used."""
    visitor.trust(IDENTITY[0])
    discover = drivers.opcua.connect.discover

    async def shortened(*args, **more):
        return [one for one in await discover(*args, **more) if str(one) == "Basic256Sha256 Sign"]

    monkeypatch.setattr(drivers.opcua.connect, "discover", shortened)
    with pytest.raises(AccessError, match="left it out"):
        await visitor.read()
    assert (await visitor.read(security="Basic256Sha256", security_mode="sign"))[0] == (7,)


class OtherYear(datetime):
    """The clock of a server that is a year behind."""

    @classmethod
    def now(cls, tz=None):
        behind = threading.current_thread().name == "opcua-peer"
        return datetime.now(tz) - timedelta(days=365 * behind)


async def test_a_hundred_renewals_with_a_server_a_year_behind(visitor, monkeypatch):
    """Neither clock decides about a channel: none of 100 renewals costs a read."""
    monkeypatch.setattr("asyncua.common.connection.datetime", OtherYear)
    visitor.trust(IDENTITY[0])
    async with open_session(visitor.link()) as session:
        for _ in range(100):
            probe = asyncio.create_task(session._services.namespaces(timeout_s=5))
            await session._services.renew_channel()
            await probe
            # the server learns that we use the new one
            await session._services.namespaces(timeout_s=5)
        assert session.alive


async def test_the_configured_address_is_dialled(visitor, peer, monkeypatch):
    """Behind NAT the server's own idea of its address is no concern of ours."""
    visitor.trust(IDENTITY[0])
    monkeypatch.setattr(peer._server, "endpoint", peer._server.endpoint._replace(netloc="plc:4840"))
    peer.become(IDENTITY)
    assert await visitor.read() == BEST
