"""Where the certificates of the devices lie: a folder beside the store, unless a device names one.

A driver that uses certificates is known by its settings: they name a folder `pki` and can make our
own certificate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    from agent.config.plan import DevicePlan, Loaded

FOLDER: Final = "pki"
"""Name of the folder beside the store."""


@runtime_checkable
class Certified(Protocol):
    """Settings of a device whose driver uses certificates."""

    pki: Path | None

    def make_certificate(self, folder: Path, *, anew: bool = False) -> Path:
        """Give the file of our own certificate in a folder; made if there is none, or `anew`."""


def placed(loaded: Loaded) -> Loaded:
    """Give the configuration with the folder of certificates filled in where a device names none.

    Paths in the file are absolute already; what is filled in lies beside the store.
    """
    folder = loaded.config.store.path.parent / FOLDER
    return replace(loaded, devices=tuple(_placed(one, folder) for one in loaded.devices))


def _placed(device: DevicePlan, folder: Path) -> DevicePlan:
    config: Any = device.config
    if not isinstance(config, Certified) or config.pki is not None:
        return device
    config = config.model_copy(update={"pki": folder})  # type: ignore[attr-defined]
    return replace(device, config=config, link=device.driver.link(config))
