"""What must be known to reach one OPC UA server, and what identifies the session on it.

The models do no I/O and import no protocol library, but for `make_certificate`, which is asked for
by name. A password is never part of a text: not of `str` or `repr` of the configuration, not of
the link's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from drivers.api import DeviceConfig, Seconds
from drivers.api.shape import Field, SecretStr, field_validator, model_validator
from drivers.opcua.alerts.plan import AlertSettings  # noqa: TC001 - pydantic evaluates it

Security = Literal[
    "auto", "none", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"
]
"""A security policy as the standard names it, or `auto`: the strongest the server offers."""
SecurityMode = Literal["auto", "sign", "sign_and_encrypt"]
"""How the channel is protected; `auto` encrypts where the server can."""
ProfileName = Literal[
    "auto", "s7-1200", "s7-1500", "sinumerik-828d", "sinumerik-840d", "kepware", "fanuc", "unknown"
]
"""Kinds of servers, as `drivers.opcua.profiles` knows them."""
Deadband = Literal["none", "points", "percent"]
"""Which changes the server is to keep to itself."""

DEFAULT_PKI: Final = Path("pki")
"""Folder of certificates where neither the file nor the host names one."""

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
        description="Send the password over a connection that is not encrypted.",
    )
    security: Security = Field(
        "auto", description="Security policy; auto: the strongest the server offers."
    )
    security_mode: SecurityMode = Field(
        "auto", description="auto, sign or sign_and_encrypt; auto encrypts where the server can."
    )
    certificate: Path | None = Field(
        None, description="Our own certificate, DER or PEM; none: made and kept in pki."
    )
    key: Path | None = Field(None, description="Private key of certificate, not encrypted.")
    user_certificate: Path | None = Field(
        None, description="Log in with this certificate instead of a user name."
    )
    user_key: Path | None = Field(None, description="Private key of user_certificate.")
    server_certificate: Path | None = Field(
        None,
        description="The only certificate the server may have: a file or a SHA-256 thumbprint.",
    )
    pki: Path | None = Field(
        None, description="Folder of own, trusted and rejected certificates; none: pki."
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
    check_interval_s: float = Field(
        60.0,
        ge=0,
        le=86_400,
        description="How often up to 100 points are read to prove the subscription; 0: never.",
    )
    queue_size: int | None = Field(
        None, ge=1, le=100_000, description="Samples the server holds per point; none: derived."
    )
    max_items_per_call: int = Field(
        1000, ge=1, le=100_000, description="Most points in one request; the server's limit holds."
    )
    profile: ProfileName = Field(
        "auto", description="Kind of server; auto: chosen by what it says of itself."
    )
    server_deadband: Deadband = Field(
        "none",
        description="Deadband kept by the server: none, points (each point's own) or percent.",
    )
    server_deadband_percent: float | None = Field(
        None, gt=0, le=100, description="With percent: of the range that the server knows."
    )
    machine: str = Field(
        "", max_length=256, description="Which machine of the server this is: browse name or node.",
        json_schema_extra={"zh": "本设备是服务器上的哪一台：浏览名或节点。"},
    )  # fmt: skip
    alerts: AlertSettings | None = Field(
        None, description="Alarms and events to collect; none: they are not asked for.",
        json_schema_extra={"zh": "要接收的报警和事件；不填则不接收。"},
    )  # fmt: skip

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

    @model_validator(mode="after")
    def _keys_have_certificates(self) -> Self:
        """Refuse half a pair: a certificate without its key proves nothing."""
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give both or neither")
        if (self.user_certificate is None) != (self.user_key is None):
            raise ValueError("user_certificate and user_key belong together: give both or neither")
        if self.user_certificate is not None and self.username:
            raise ValueError("log in with username or with user_certificate, not with both")
        return self

    @model_validator(mode="after")
    def _deadband_has_its_figure(self) -> Self:
        if (self.server_deadband == "percent") != (self.server_deadband_percent is not None):
            raise ValueError("server_deadband: percent and server_deadband_percent belong together")
        return self

    @model_validator(mode="after")
    def _protection_is_possible(self) -> Self:
        """Refuse what contradicts itself before a machine is asked."""
        if self.security == "none":
            for name in ("security_mode", "server_certificate", "user_certificate"):
                if getattr(self, name) not in {None, "auto"}:
                    raise ValueError(f"security: none protects nothing, so {name} cannot hold")
        if self.security_mode == "sign" and self.password is not None:
            raise ValueError("a password needs security_mode auto or sign_and_encrypt")
        return self

    def make_certificate(self, folder: Path, *, anew: bool = False) -> Path:
        """Give the file of our own certificate in a folder, made if there is none or if `anew`.

        Raises:
            AccessError: it cannot be read or written; says which file and why.
        """
        from drivers.opcua.security.own import make_anew, own_identity

        return make_anew(folder) if anew else own_identity(folder).path


@dataclass(frozen=True, slots=True)
class OpcuaLink:
    """The wire: one session per server and user; everything else does not identify it."""

    url: str
    username: str = ""
    password: SecretStr | None = field(default=None, compare=False, repr=False)
    allow_plain_password: bool = field(default=False, compare=False)
    timeout_s: float = field(default=4.0, compare=False)
    session_timeout_s: float = field(default=60.0, compare=False)
    security: str = "auto"
    security_mode: str = "auto"
    certificate: Path | None = None
    key: Path | None = None
    user_certificate: Path | None = None
    user_key: Path | None = None
    pin: Path | None = None
    """The only certificate the server may have: its file, or its thumbprint as the name."""
    pki: Path = DEFAULT_PKI
    profile: str = field(default="auto", compare=False)

    @property
    def pin_thumbprint(self) -> str:
        """SHA-256 thumbprint the pin says, in capital hexadecimal; empty where it is a file."""
        digits = re.sub(r"[\s:]", "", self.pin.name).upper() if self.pin is not None else ""
        return digits if re.fullmatch(r"[0-9A-F]{64}", digits) else ""

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
        security=config.security,
        security_mode=config.security_mode,
        certificate=config.certificate,
        key=config.key,
        user_certificate=config.user_certificate,
        user_key=config.user_key,
        pin=config.server_certificate,
        pki=config.pki or DEFAULT_PKI,
        profile=config.profile,
    )
