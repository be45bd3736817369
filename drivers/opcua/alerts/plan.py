"""Which events a device is asked for: settings and plan; pure, loads no protocol library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from drivers.api.shape import BaseModel, ConfigDict, Field, PydanticCustomError, field_validator
from drivers.opcua.address import NodeAddress, parse
from drivers.opcua.address_refusal import Refusal
from drivers.opcua.alerts.standing import Standing

if TYPE_CHECKING:
    from drivers.opcua.config import OpcuaConfig

SERVER_OBJECT: Final = "i=2253"
"""The node that gives the events of a whole server. Source: OPC 10000-5, 8.3.2."""

PUBLISH_S: Final = 1.0
"""An alarm reaches us this late at most; nothing is sent while there is none."""

QUEUED: Final = 1000
"""Events per notifier that the server is to hold between two messages."""


class AlertSettings(BaseModel):
    """Which alarms and events of a device are collected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notifiers: tuple[str, ...] = Field(
        (SERVER_OBJECT,),
        min_length=1,
        max_length=16,
        description="Nodes that give the events; the Server object i=2253 gives all of them.",
        json_schema_extra={"zh": "提供事件的节点；Server 对象 i=2253 提供整台服务器的事件。"},
    )
    min_severity: int = Field(
        1,
        ge=1,
        le=1000,
        description="Events less severe than this, 1 to 1000, are left out.",
        json_schema_extra={"zh": "低于此级别（1 到 1000）的事件不要。"},
    )
    max_per_minute: int = Field(
        120,
        ge=1,
        le=6000,
        description="Most events stored in a minute; the rest waits, and is counted if lost.",
        json_schema_extra={"zh": "每分钟最多入库多少条；超出的排队，放不下的计数。"},
    )

    @field_validator("notifiers")
    @classmethod
    def _are_addresses(cls, notifiers: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what is no address of a node before a machine is asked."""
        for text in notifiers:
            try:
                part = parse(text).part
            except Refusal as refused:
                raise _misfit(text, str(refused), refused.zh) from None
            if part:
                raise _misfit(text, "names a part of a value, not a node", "是值的一部分，不是节点")
        return notifiers


def _misfit(text: str, english: str, chinese: str) -> PydanticCustomError:
    """Give the error for a notifier, in both languages."""
    said = {"en": f"{text!r}: {english}", "zh": f"{text!r}：{chinese}"}
    return PydanticCustomError("misfit", "{en}", said)


@dataclass(frozen=True, slots=True)
class AlertPlan:
    """What `alerts` of a session takes: the notifiers of one device and the least severity."""

    device: str
    nodes: tuple[NodeAddress, ...]
    """The notifiers."""
    min_severity: int = 1
    keepalive_s: float = 3.0
    standing: Standing = field(default_factory=Standing, compare=False, repr=False)
    """What was told as active; outlives sessions, as the plan does."""


def make_alert_plan(config: OpcuaConfig, *, device: str) -> AlertPlan | None:
    """Compile the alert settings of a device; None where there are none."""
    settings = config.alerts
    if settings is None:
        return None
    return AlertPlan(
        device,
        tuple(parse(text) for text in settings.notifiers),
        settings.min_severity,
        config.keepalive_s,
    )
