"""Servers that lie about what they offer: nothing secret is sent, nothing blocks, all is told."""

from __future__ import annotations

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from pydantic import SecretStr
from unit.drivers.opcua.security.certificates import der, key, make
from unit.drivers.opcua.security.scripted import endpoint, listing
from unit.drivers.opcua.turns import watched

from drivers.api import AccessError, DriverError
from drivers.opcua import DRIVER
from drivers.opcua.opening import open_session
from drivers.opcua.wire.chunks import MAX_OPENING_BYTES

SECRET = "geheim-123456"
ENCRYPTED = {"policy": "Aes256_Sha256_RsaPss", "mode": 3, "logins": (0, 1)}


async def visit(url, tmp_path, **settings):
    given = {"timeout_s": 1, "username": "op", "password": SecretStr(SECRET), "pki": tmp_path}
    config = DRIVER.config(driver="opcua", url=url, **(given | settings))
    async with open_session(DRIVER.link(config)):
        pass


CASES = {
    "nothing": [],
    "only None": [endpoint(logins=(0, 1))],
    "only deprecated": [endpoint("Basic128Rsa15", mode=3, certificate=der(make()), logins=(1,))],
    "no certificate": [endpoint(**ENCRYPTED)],
    "garbage certificate": [endpoint(certificate=b"\x30\x82\xff\xff" + bytes(100), **ENCRYPTED)],
    "endless certificate": [endpoint(certificate=bytes(100_000), **ENCRYPTED)],
    "short key": [endpoint(certificate=der(make(private_key=key("short", 1024))), **ENCRYPTED)],
    "unknown certificate": [endpoint(certificate=der(make()), **ENCRYPTED)],
    "foreign transport": [endpoint(certificate=der(make()), url="https://x", **ENCRYPTED)],
    "thousands": [endpoint() for _ in range(1500)],
    "short list": b"\x01\x00\xaf\x01" + bytes(10),
    "too long": bytes(4_000_000),
    "false count": struct_to_binary(ua.GetEndpointsResponse())[:-4] + b"\xff\xff\xff\x7f",
}


@pytest.mark.parametrize("case", CASES)
async def test_a_lying_list_gets_no_password(tmp_path, case):
    """Whatever a server claims to offer, the password stays here and the error says why."""
    async with listing(CASES[case]) as (rogue, url):
        with pytest.raises(DriverError) as caught:
            await visit(url, tmp_path)
    assert SECRET.encode() not in rogue.received
    assert rogue.received.count(b"OPN") == 1
    assert url in str(caught.value)


async def test_only_none_is_refused_by_name(tmp_path):
    """The downgrade is told as what it is, in both languages, with the way out."""
    async with listing(CASES["only None"]) as (_, url):
        with pytest.raises(AccessError, match="no encrypted connection") as caught:
            await visit(url, tmp_path)
    assert "allow_plain_password" in caught.value.hint_zh
    assert "None" in caught.value.zh


async def test_a_refused_channel_says_why(tmp_path):
    """A fault in answer to OpenSecureChannel reaches the person by its name."""
    refusal = ua.StatusCodes.BadSecurityChecksFailed
    async with listing([], refusal=refusal) as (_, url):
        with pytest.raises(AccessError, match="BadSecurityChecksFailed") as caught:
            await visit(url, tmp_path)
    assert url in str(caught.value)


async def test_a_huge_list_does_not_stop_the_others(tmp_path):
    """While the longest list that is taken is understood, the loop serves everybody else."""
    many = [endpoint(certificate=b"x", logins=(0,), url="opc.tcp://x") for _ in range(1_850)]
    async with listing(many) as (rogue, url), watched() as turns:
        assert 0.9 * MAX_OPENING_BYTES < len(rogue.body) < MAX_OPENING_BYTES
        with pytest.raises(AccessError, match="no encrypted connection"):
            await visit(url, tmp_path, timeout_s=5)
    assert turns.work_s < 0.1
