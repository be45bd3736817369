"""Where data is sent, and by whose word it counts as delivered."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import Literal, Self

from agent.config.section import Identifier, Section
from drivers.api.shape import Field, SecretStr, model_validator


class Tls(Section):
    """How the broker is recognised, and we by it."""

    ca: Path | None = Field(None, description="PEM file of the CAs to trust; none: the system's.")
    cert: Path | None = Field(None, description="PEM file of our certificate (mutual TLS).")
    key: Path | None = Field(None, description="PEM file of our private key.")

    @model_validator(mode="after")
    def _cert_with_key(self) -> Self:
        if (self.cert is None) != (self.key is None):
            msg = "cert and key go together"
            raise ValueError(msg)
        return self


class Destination(Section):
    """One MQTT broker that gets everything."""

    name: Identifier = Field("platform", description="Name of the destination.")
    url: str = Field(
        pattern=r"^mqtts?://[^/\s]+$", description="mqtt://host:1883 or mqtts://host:8883."
    )
    protocol: Literal["mqtt5", "mqtt311"] = Field(
        "mqtt5", description="mqtt311 is a degraded mode: a refused message looks accepted."
    )
    client_id: str = Field("", max_length=64, description="MQTT client id; empty: gateway id.")
    username: str = Field("", description="User name at the broker.")
    password: SecretStr | None = Field(None, description="env:NAME or file:PATH.")
    tls: Tls = Field(Tls(), description="Certificates, for mqtts.")
    topic_root: str = Field(
        "hb/v1", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", description="First topic levels."
    )
    keepalive_s: int = Field(30, ge=5, le=1200, description="MQTT keep alive.")
    max_delay_s: float = Field(
        0.0, ge=0, le=60, description="How long committed rows wait for company in one message."
    )
    reconnect_max_s: float = Field(
        30, ge=1, le=600, description="Longest pause between two attempts to connect."
    )
    probe_s: float = Field(
        1.0,
        ge=0,
        le=60,
        description="How often, in a pause, it is looked whether the broker is back; 0: never.",
    )
    max_message_kb: float = Field(
        48, ge=1, le=256_000, description="Largest message; the broker's own limit also holds."
    )
    window: int = Field(20, ge=1, le=1000, description="Most messages sent and not acknowledged.")
    backlog_share: float = Field(
        0.8, gt=0, le=1, description="Share of the window that the backlog may fill."
    )
    no_subscriber: Literal["accept", "keep"] = Field(
        "keep", description="What an acknowledgement 'no matching subscribers' (0x10) counts as."
    )
    policy: Literal["must", "best_effort"] = Field(
        "must",
        description="must: rows wait for it; best_effort: it gets what is still kept when it is "
        "there, and holds nothing back.",
    )
    ack: Literal["puback", "watermark", "reply"] = Field(
        "puback",
        description="Whose word lets rows leave: the broker's (puback), the platform's mark of "
        "what it has stored (watermark), or its answer to each message (reply).",
    )
    ack_timeout_s: float = Field(
        120,
        ge=1,
        le=86_400,
        description="With watermark or reply: rows not confirmed for so long are sent again.",
    )
