"""The driver on a protected server, with a folder of certificates of its own."""

from __future__ import annotations

from asyncua import ua
from unit.drivers.opcua.opcua_server import NAMESPACE
from unit.drivers.opcua.security.certificates import der, key, make

from drivers.api import Tag
from drivers.opcua import DRIVER
from drivers.opcua.opening import open_session

NAMES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
PLAIN = (ua.SecurityPolicyType.NoSecurity,)
EVERY = PLAIN + tuple(
    ua.SecurityPolicyType[f"{name}_{mode}"] for name in NAMES for mode in ("Sign", "SignAndEncrypt")
)
IDENTITY = (der(make()), der(key()))


class Visitor:
    """The driver with a folder of certificates of its own."""

    def __init__(self, folder, url):
        self.folder = folder
        self.url = url

    def link(self, **settings):
        """Give a link to the server with these settings."""
        quick = {"timeout_s": 5, "pki": self.folder}
        config = DRIVER.config(driver="opcua", url=self.url, **(quick | settings))
        return DRIVER.link(config)

    async def read(self, **settings):
        """Open a session, read the one variable, give its value and the policy of the channel."""
        link = self.link(**settings)
        config = DRIVER.config(driver="opcua", url=self.url)
        tags = [Tag("v", f"nsu={NAMESPACE};s=V")]
        plan = DRIVER.plan(config, tags, device="d", group="g")
        async with open_session(link) as session:
            frame = await session.read(plan)
            policy = session._services.client.security_policy
        return frame.values, policy.URI.partition("#")[2], policy.Mode.name

    def trust(self, certificate):
        """Put a certificate among the trusted ones, as a person does."""
        target = self.folder / "trusted" / "certs"
        target.mkdir(parents=True, exist_ok=True)
        (target / "server.der").write_bytes(certificate)

    @property
    def rejected(self):
        """The certificates kept for a person to look at."""
        found = sorted((self.folder / "rejected" / "certs").glob("*.der"))
        return [path.read_bytes() for path in found]
