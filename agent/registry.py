"""Finds drivers by the entry-point group `chulian.drivers`, and imports those that are asked for.

Guarantees: naming the installed drivers imports none of them; a plug-in that cannot be used (it
fails to import, lacks part of the contract, is built for another API) is an `Unusable` with its
reason, never a crash. The registry never configures, opens or runs a driver.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from drivers.api import (
    API_VERSION,
    HOST_KEYS,
    Browses,
    DeviceConfig,
    Driver,
    Identifies,
    Polls,
    Subscribes,
    Writes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "chulian.drivers"
"""The entry-point group; an entry's name is the driver's name."""

CAPABILITIES: Mapping[str, type[Any]] = {
    "poll": Polls,
    "subscribe": Subscribes,
    "identify": Identifies,
    "browse": Browses,
    "write": Writes,
}
"""What a session may be able to do, and the protocol that says so."""


class Fault(Enum):
    """Why a driver cannot be used."""

    UNKNOWN = "unknown"
    BROKEN = "broken"
    OTHER_API = "other_api"


class Unusable(Exception):  # noqa: N818 - names the driver's state
    """A driver cannot be used; says why, in English, as its maker would need it."""

    def __init__(self, name: str, fault: Fault, why: str = "") -> None:
        super().__init__(f"driver {name!r}: {why or fault.value}")
        self.name = name
        self.fault = fault
        self.why = why
        """For OTHER_API the API version the driver was built for, such as `2.0`."""


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """What can be told of one installed driver."""

    name: str
    version: str
    """Version of the distribution it comes from; empty for an injected driver."""
    capabilities: tuple[str, ...]
    """Keys of `CAPABILITIES`; empty when the driver cannot be used."""
    problem: str
    """Why it cannot be used; empty when it can."""


class Registry:
    """The drivers of this installation, and any given by hand, which come first."""

    def __init__(self, extra: Mapping[str, Driver[Any, Any, Any]] | None = None) -> None:
        self._loaded: dict[str, Driver[Any, Any, Any]] = dict(extra or {})
        self._failed: dict[str, Unusable] = {}
        self._found: dict[str, EntryPoint] | None = None

    def names(self) -> list[str]:
        """Give the names of all drivers, sorted, importing none."""
        return sorted({*self._loaded, *self._entries()})

    def get(self, name: str) -> Driver[Any, Any, Any]:
        """Give a driver, imported at its first call.

        Raises:
            Unusable: there is none of that name, or it is broken, or built for another API.
        """
        if name in self._loaded:
            return self._loaded[name]
        if name not in self._failed:
            try:
                self._loaded[name] = self._load(name)
                return self._loaded[name]
            except Unusable as error:
                self._failed[name] = error
        raise self._failed[name]

    def info(self, name: str) -> DriverInfo:
        """Tell version, capabilities and trouble of one driver; imports it."""
        entry = self._entries().get(name)
        version = entry.dist.version if entry is not None and entry.dist is not None else ""
        try:
            driver = self.get(name)
        except Unusable as error:
            return DriverInfo(name, version, (), str(error))
        return DriverInfo(name, version, capabilities(driver), "")

    def _entries(self) -> dict[str, EntryPoint]:
        if self._found is None:
            self._found = {entry.name: entry for entry in entry_points(group=GROUP)}
        return self._found

    def _load(self, name: str) -> Driver[Any, Any, Any]:
        entry = self._entries().get(name)
        if entry is None:
            raise Unusable(name, Fault.UNKNOWN)
        try:
            driver = entry.load()
            _examine(driver, name)
        except Unusable:
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise Unusable(name, Fault.BROKEN, why) from error
        return driver  # type: ignore[no-any-return]  # an entry point has no type; examined above


def capabilities(driver: Driver[Any, Any, Any]) -> tuple[str, ...]:
    """Tell what the driver's sessions can do, as keys of `CAPABILITIES`."""
    return tuple(
        name for name, protocol in CAPABILITIES.items() if issubclass(driver.session, protocol)
    )


def _examine(driver: Any, name: str) -> None:
    """Refuse what does not keep the contract; anything missing raises AttributeError."""
    major, minor = driver.api_version
    if major != API_VERSION[0]:
        raise Unusable(name, Fault.OTHER_API, f"{major}.{minor}")
    if driver.name != name:
        raise Unusable(name, Fault.BROKEN, f"it calls itself {driver.name!r}")
    if not issubclass(driver.config, DeviceConfig):
        raise Unusable(name, Fault.BROKEN, "its config is no drivers.api.DeviceConfig")
    taken = sorted(HOST_KEYS & driver.config.model_fields.keys())
    if taken:
        raise Unusable(name, Fault.BROKEN, f"its config uses keys of the host: {', '.join(taken)}")
    if not {"poll", "subscribe"} & set(capabilities(driver)):
        raise Unusable(name, Fault.BROKEN, "its sessions can neither read nor subscribe")
    for method in ("link", "plan", "open"):
        if not callable(getattr(driver, method)):
            raise Unusable(name, Fault.BROKEN, f"its {method} is not callable")
