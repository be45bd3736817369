"""The OPC UA driver: subscriptions first, reads where they are asked for.

Importing it is cheap: the protocol library is loaded when the first session opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.api import API_VERSION
from drivers.opcua.alerts.plan import AlertPlan, make_alert_plan
from drivers.opcua.config import OpcuaConfig, OpcuaLink, link_of
from drivers.opcua.opening import open_session
from drivers.opcua.plan import OpcuaPlan, make_plan
from drivers.opcua.session import OpcuaSession
from drivers.opcua.structures.expand import expand

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from drivers.api import Tag

__all__ = ["DRIVER", "OpcuaConfig", "OpcuaDriver", "OpcuaLink", "OpcuaPlan", "OpcuaSession"]


@dataclass(frozen=True, slots=True)
class OpcuaDriver:
    """OPC UA over TCP, as the host sees it."""

    name: str = "opcua"
    config: type[OpcuaConfig] = OpcuaConfig
    session: type[OpcuaSession] = OpcuaSession
    api_version: tuple[int, int] = API_VERSION

    def link(self, config: OpcuaConfig) -> OpcuaLink:
        """Tell how to reach the server: devices with the same URL and user share a session."""
        return link_of(config)

    def plan(
        self, config: OpcuaConfig, tags: Sequence[Tag], *, device: str, group: str
    ) -> OpcuaPlan:
        """Parse every address; no I/O.

        Raises:
            AddressError: naming every bad one.
        """
        return make_plan(config, tags, device=device, group=group)

    def plan_alerts(self, config: OpcuaConfig, *, device: str) -> AlertPlan | None:
        """Compile which alarms and events to ask for; None where there is no key alerts."""
        return make_alert_plan(config, device=device)

    def expand(self, tag: Tag) -> tuple[Tag, ...]:
        """Give one tag per element of an array; the tag alone where it names one value.

        Raises:
            AddressError: the address names too many values.
        """
        return expand(tag)

    def open(self, link: OpcuaLink) -> AbstractAsyncContextManager[OpcuaSession]:
        """Give a session on the server; leaving the block closes it.

        Raises:
            ConnectError: the server is not there.
            AccessError: it is, and refuses us.
        """
        return open_session(link)


DRIVER: Final = OpcuaDriver()
