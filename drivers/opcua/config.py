"""What must be known to reach one OPC UA server, and what identifies the session on it.

The models are pure: no I/O, no import of the protocol library. A password is never part of a
text: not of `str` or `repr` of the configuration, not of the link's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from drivers.api import DeviceConfig, Seconds

DEFAULT_PORT = 4840
"""Registered port of opc.tcp. Source: OPC 10000-6, 7.2."""


class OpcuaConfig(DeviceConfig):
    """One OPC UA server as a device."""

    driver: Literal["opcua"] = Field(description="Name of the driver: opcua.")
    url: str = Field(
        max_length=512, description="Address of the server, opc.tcp://host:port/path; port 4840."
    )
    username: str = Field("", max_length=256, description="User name; empty: anonymous.")
    password: SecretStr | None = Field(None, description="Password: env:NAME or file:PATH.")
    allow_plain_password: bool = Field(
        default=False,
        description="Send the password readable on the wire if the server has no certificate.",
    )
    timeout_s: Seconds = Field(4.0, description="How long one answer may take.")
    session_timeout_s: Seconds = Field(
        60.0, description="How long the server keeps a silent session."
    )
    publish_interval_s: Seconds | None = Field(
        None, description="How often changes are sent; none: the sampling interval, from 0.5 to 1."
    )
    keepalive_s: Seconds = Field(
        3.0, description="How often an idle subscription says that it lives; lost after three."
    )
    queue_size: int | None = Field(
        None, ge=1, le=100_000, description="Samples the server holds per point; none: derived."
    )
    max_items_per_call: int = Field(
        1000, ge=1, le=100_000, description="Most points in one request; the server's limit holds."
    )

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        """Refuse a URL that names no host, or carries a login that would end up in logs."""
        parts = urlsplit(url)
        if parts.scheme != "opc.tcp" or not parts.hostname:
            raise ValueError(f"{url!r} is not opc.tcp://host:port/path")
        if parts.username is not None or parts.password is not None:
            raise ValueError("put the login into username and password, not into the url")
        try:
            port = parts.port or DEFAULT_PORT
        except ValueError:
            raise ValueError(f"the port in {url!r} is not 1 to 65535") from None
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"opc.tcp://{host}:{port}{parts.path}"

    @model_validator(mode="after")
    def _password_has_user(self) -> Self:
        if self.password is not None and not self.username:
            raise ValueError("a password needs a username")
        return self


@dataclass(frozen=True, slots=True)
class OpcuaLink:
    """The wire: one session per server and user; everything else does not identify it."""

    url: str
    username: str = ""
    password: SecretStr | None = field(default=None, compare=False, repr=False)
    allow_plain_password: bool = field(default=False, compare=False)
    timeout_s: float = field(default=4.0, compare=False)
    session_timeout_s: float = field(default=60.0, compare=False)

    def __str__(self) -> str:
        """Give the address for people, with the user and without the password."""
        if not self.username:
            return self.url
        return self.url.replace("opc.tcp://", f"opc.tcp://{self.username}@", 1)


def link_of(config: OpcuaConfig) -> OpcuaLink:
    """Tell how to reach the server of a device."""
    return OpcuaLink(
        url=config.url,
        username=config.username,
        password=config.password,
        allow_plain_password=config.allow_plain_password,
        timeout_s=config.timeout_s,
        session_timeout_s=config.session_timeout_s,
    )
