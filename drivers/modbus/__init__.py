"""The Modbus driver; `DRIVER` is what its entry point names.

Importing it loads no protocol library. What it reads and how addresses are written: README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.api import API_VERSION
from drivers.modbus.config import ModbusConfig
from drivers.modbus.link import ModbusLink, link_of
from drivers.modbus.plan import ModbusPlan, compile_plan
from drivers.modbus.points.arrays import expand
from drivers.modbus.session import ModbusSession, open_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from drivers.api import Driver, Tag

__all__ = ["DRIVER", "ModbusConfig", "ModbusDriver", "ModbusLink", "ModbusPlan", "ModbusSession"]


@dataclass(frozen=True, slots=True)
class ModbusDriver:
    """Modbus over every carrier, as `drivers.api.Driver` wants it."""

    name: str = "modbus"
    api_version: tuple[int, int] = API_VERSION

    @property
    def config(self) -> type[ModbusConfig]:
        """The model of one device's settings."""
        return ModbusConfig

    @property
    def session(self) -> type[ModbusSession]:
        """The class of the sessions: it polls, identifies and writes."""
        return ModbusSession

    def link(self, config: ModbusConfig) -> ModbusLink:
        """Tell the endpoint or serial line; units behind it share it."""
        return link_of(config)

    def plan(
        self, config: ModbusConfig, tags: Sequence[Tag], *, device: str, group: str
    ) -> ModbusPlan:
        """Compile the requests for the tags; raises AddressError with every bad address."""
        return compile_plan(config, tags, device=device, group=group)

    def expand(self, tag: Tag) -> Sequence[Tag]:
        """Give the tags of an array; raises AddressError when it is too long."""
        return expand(tag)

    def open(self, link: ModbusLink) -> AbstractAsyncContextManager[ModbusSession]:
        """Open the line and give a session; raises ConnectError or AccessError if it cannot."""
        return open_session(link)


DRIVER: Final = ModbusDriver()

if TYPE_CHECKING:
    _CHECKED: Driver[ModbusConfig, ModbusLink, ModbusPlan] = DRIVER
