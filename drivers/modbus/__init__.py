"""The Modbus TCP driver; `DRIVER` is what its entry point names.

Importing it loads no protocol library. What it reads and how addresses are written: README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.modbus.config import ModbusConfig, ModbusLink
from drivers.modbus.plan import ModbusPlan, compile_plan
from drivers.modbus.session import ModbusSession, open_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from drivers.api import Driver, Tag

__all__ = ["DRIVER", "ModbusConfig", "ModbusDriver", "ModbusLink", "ModbusPlan", "ModbusSession"]


@dataclass(frozen=True, slots=True)
class ModbusDriver:
    """Modbus TCP, as `drivers.api.Driver` wants it."""

    name: str = "modbus"
    api_version: tuple[int, int] = (1, 0)

    @property
    def config(self) -> type[ModbusConfig]:
        """The model of one device's settings."""
        return ModbusConfig

    @property
    def session(self) -> type[ModbusSession]:
        """The class of the sessions: it polls and identifies."""
        return ModbusSession

    def link(self, config: ModbusConfig) -> ModbusLink:
        """Tell the TCP endpoint; units behind one gateway share it."""
        return ModbusLink(config.host, config.port, config.connect_timeout_s)

    def plan(
        self, config: ModbusConfig, tags: Sequence[Tag], *, device: str, group: str
    ) -> ModbusPlan:
        """Compile the requests for the tags; raises AddressError with every bad address."""
        return compile_plan(config, tags, device=device, group=group)

    def open(self, link: ModbusLink) -> AbstractAsyncContextManager[ModbusSession]:
        """Connect and give a session; raises ConnectError when nobody accepts."""
        return open_session(link)


DRIVER: Final = ModbusDriver()

if TYPE_CHECKING:
    _CHECKED: Driver[ModbusConfig, ModbusLink, ModbusPlan] = DRIVER
