"""Protected sessions on a server nobody here wrote: node-opcua (tests/peers)."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from unit.drivers.opcua.security.certificates import key, make, pem

from drivers.api import AccessError, Tag
from drivers.opcua import DRIVER
from drivers.testing.frames import assert_frame_valid

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(240)]

TAGS = [Tag("still", "nsu=urn:chulian:peer:node-opcua;s=Still.Int32")]
LOGIN = {"username": "op", "password": SecretStr("geheim")}
POLICIES = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")


@pytest.fixture(scope="module")
def url(node_opcua):
    with node_opcua("--variables", "1", "--user", "op:geheim") as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pki")


@pytest.fixture
async def trusting(url, folder):
    """A folder of certificates in which a person has trusted the server, as the error says."""
    if not (folder / "trusted").exists():
        with pytest.raises(AccessError, match="not trusted yet"):
            await read(url, folder)
        (folder / "trusted").mkdir()
        (folder / "rejected" / "certs").rename(folder / "trusted" / "certs")
    return folder


async def read(url, folder, **settings):
    """Read one value; give it with the policy and the mode of the channel."""
    config = DRIVER.config(driver="opcua", url=url, pki=folder, **settings)
    plan = DRIVER.plan(config, TAGS, device="peer", group="all")
    async with DRIVER.open(DRIVER.link(config)) as session:
        frame = await session.read(plan)
        assert_frame_valid(frame, plan, complete=True)
        policy = session._services.client.security_policy
        await session._services.renew_channel()
        again = await session.read(plan)
    assert again.values == frame.values == (-(2**31),)
    return policy.URI.partition("#")[2], policy.Mode.name.lower()


@pytest.mark.parametrize("mode", ["sign", "sign_and_encrypt"])
@pytest.mark.parametrize("policy", POLICIES)
async def test_every_policy_in_every_mode(url, trusting, policy, mode):
    """Values come through every protection both sides know, before and after a renewal."""
    used = await read(url, trusting, security=policy, security_mode=mode)
    assert used == (policy, mode.replace("_", ""))


async def test_the_strongest_is_used(url, trusting):
    """Without a word in the configuration the channel is encrypted with the best policy."""
    assert await read(url, trusting) == ("Aes256_Sha256_RsaPss", "signandencrypt")


async def test_a_password_opens_and_a_wrong_one_does_not(url, trusting):
    """User and password go over the encrypted channel; the refusal says what to check."""
    assert (await read(url, trusting, **LOGIN))[1] == "signandencrypt"
    with pytest.raises(AccessError) as caught:
        await read(url, trusting, **LOGIN | {"password": SecretStr("falsch")})
    assert "用户名和密码" in caught.value.hint_zh


async def test_a_user_certificate_logs_in(url, trusting, tmp_path):
    """The server takes the user's certificate and its signature."""
    user = make("op", private_key=key("user"), uri="urn:user:op")
    files = {"user_certificate": tmp_path / "op.pem", "user_key": tmp_path / "op.key"}
    files["user_certificate"].write_bytes(pem(user))
    files["user_key"].write_bytes(pem(key("user")))
    assert (await read(url, trusting, **files))[1] == "signandencrypt"
