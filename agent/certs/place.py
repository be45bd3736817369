"""The folders of certificates of a configuration, and which devices use them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.config.certificates import Certified

if TYPE_CHECKING:
    from pathlib import Path

    from agent.config.plan import DevicePlan, Loaded


def folders(loaded: Loaded) -> dict[Path, list[DevicePlan]]:
    """Give every folder of certificates with the devices that use it, in the file's order."""
    found: dict[Path, list[DevicePlan]] = {}
    for device in loaded.devices:
        if isinstance(device.config, Certified) and device.config.pki is not None:
            found.setdefault(device.config.pki, []).append(device)
    return found


def hand_over(folder: Path) -> None:
    """Give what root has written to the user the folder, else its parent, belongs to.

    That is the user the agent runs as: it must read the key, and write what it refuses.

    Raises:
        OSError: the owner cannot be changed.
    """
    if os.geteuid() != 0:
        return
    owner = next((one for one in (folder.stat(), folder.parent.stat()) if one.st_uid), None)
    if owner is None:
        return
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid == 0:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
