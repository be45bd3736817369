"""Certificates, policies and logins, met by asyncua's client."""

from datetime import UTC, datetime

import pytest
from asyncua import ua
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)
from cryptography import x509
from integration.simulators.opcua.hearing import connected, read

from simulators.opcua.access import Access
from simulators.opcua.certificates import server_pair, user_pair
from simulators.opcua.device import APPLICATION_URI, Device
from simulators.opcua.plain import Plain
from simulators.opcua.words import CERTIFICATES, POLICIES

CLASSES = (
    SecurityPolicyBasic256Sha256,
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
)
MODES = (ua.MessageSecurityMode.Sign, ua.MessageSecurityMode.SignAndEncrypt)


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return tmp_path_factory.mktemp("pki")


@pytest.fixture
def secure(pki):
    """Prepare a client: a policy, a mode, a login."""

    def prepare(policy=CLASSES[0], mode=MODES[1], *, user="", password="", certificate=None):
        async def done(client):
            own = user_pair(pki, name="agent")
            client.application_uri = "urn:chulian:user:agent"
            await client.set_security(policy, own.certificate, own.key, mode=mode)
            if user:
                client.set_user(user)
                client.set_password(password)
            if certificate is not None:
                await client.load_client_certificate(certificate.certificate)
                await client.load_private_key(certificate.key)

        return done

    return prepare


async def reads(device, prepare=None):
    async with connected(device.url, prepare=prepare) as client:
        [value] = await read(client, device.node_id("V0"))
        return value.StatusCode.is_good()


async def test_every_policy_signed_and_encrypted(pki, secure):
    """All policies are offered, each signed and encrypted, and each works."""
    access = Access(policies=POLICIES, pki=pki)
    async with Device(Plain(1), access=access) as device:
        assert await reads(device)
        for policy in CLASSES:
            for mode in MODES:
                assert await reads(device, secure(policy, mode))


async def test_users_and_their_certificates(pki, secure):
    """Who has the password or a known certificate is let in; nobody else is."""
    known, other = user_pair(pki, name="known"), user_pair(pki, name="other")
    access = Access(
        policies=("Basic256Sha256",),
        pki=pki,
        users={"op": "geheim"},
        user_certificates=(known.certificate.read_bytes(),),
    )
    async with Device(Plain(1), access=access) as device:
        assert await reads(device, secure(user="op", password="geheim"))
        assert await reads(device, secure(certificate=known))
        for wrong in (
            secure(user="op", password="falsch"),
            secure(user="x", password="geheim"),
            secure(certificate=other),
        ):
            with pytest.raises(ua.UaStatusCodeError, match="BadUserAccessDenied"):
                await reads(device, wrong)
        with pytest.raises(ua.UaStatusCodeError, match="BadIdentityTokenRejected"):
            await reads(device, secure())


async def test_a_suspicious_server_waits_for_a_person(pki, secure):
    """An unknown client certificate is refused until somebody trusts it."""
    access = Access(policies=("Basic256Sha256",), pki=pki, suspicious=True)
    async with Device(Plain(1), access=access) as device:
        with pytest.raises(ua.UaStatusCodeError, match="BadSecurityChecksFailed"):
            await reads(device, secure())
        assert device.trust.trust() == 1
        assert await reads(device, secure())


def test_each_certificate_is_wrong_in_its_own_way(pki):
    """Every kind is made once and kept, and is what its name says."""
    now = datetime.now(UTC)
    made = {}
    for kind in CERTIFICATES:
        pair = server_pair(pki, kind=kind, uri=APPLICATION_URI, host="127.0.0.1")
        again = server_pair(pki, kind=kind, uri=APPLICATION_URI, host="127.0.0.1")
        made[kind] = x509.load_der_x509_certificate(pair.certificate.read_bytes())
        assert again.certificate.read_bytes() == pair.certificate.read_bytes()
        assert pair.key.stat().st_mode & 0o077 == 0
    valid = {
        kind: each.not_valid_before_utc < now < each.not_valid_after_utc
        for kind, each in made.items()
    }
    assert {kind for kind, holds in valid.items() if not holds} == {"expired", "not-yet"}
    assert {kind for kind, each in made.items() if each.subject != each.issuer} == {"chain"}
    assert made["old"].public_key().key_size == 1_024
    names = {
        kind: each.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        for kind, each in made.items()
    }
    uris = {
        kind: each.get_values_for_type(x509.UniformResourceIdentifier)
        for kind, each in names.items()
    }
    assert {kind for kind, each in uris.items() if each != [APPLICATION_URI]} == {"other-uri"}


async def test_a_wrong_certificate_and_a_foreign_address_are_served(pki, secure):
    """A server shows its expired certificate and the URL it believes to have, and serves."""
    claimed = "opc.tcp://cnc-07.plant.invalid:4840/x"
    access = Access(policies=("Basic256Sha256",), pki=pki, certificate="expired")
    async with (
        Device(Plain(1), access=access, endpoint=claimed) as device,
        connected(device.url, prepare=secure()) as client,
    ):
        endpoints = await client.get_endpoints()
        [value] = await read(client, device.node_id("V0"))
    assert value.StatusCode.is_good()
    assert {each.EndpointUrl for each in endpoints} == {claimed}
    certificate = x509.load_der_x509_certificate(endpoints[0].ServerCertificate)
    assert certificate.not_valid_after_utc < datetime.now(UTC)


async def test_what_does_not_exist_is_refused(pki):
    """An unknown policy, an unknown kind, and a policy without a directory end with words."""
    for access, words in (
        (Access(policies=("Rot13",)), "Basic256Sha256"),
        (Access(policies=("Basic256Sha256",), pki=pki, certificate="golden"), "expired"),
        (Access(policies=("Basic256Sha256",)), "directory"),
    ):
        with pytest.raises(ValueError, match=words):
            await Device(Plain(1), access=access).start()
