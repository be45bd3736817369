"""Where the agent listens for orders: a unix socket beside its store, for its own user only."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_PATH_BYTES: Final = 100
"""Longer paths do not fit into a socket address. Source: unix(7), sun_path."""

MAX_NAME_BYTES: Final = 64
"""A store with a longer name has a socket with a name of its own: it must fit behind a folder."""


def socket_path(store: Path) -> Path:
    """Give the socket of the agent that has this store."""
    return store.with_name(_short(store) + ".control").absolute()


def login_path(store: Path) -> Path:
    """Give the socket at which the agent that has this store gives codes for its page."""
    return store.with_name(_short(store) + ".login").absolute()


def history_path(store: Path) -> Path:
    """Give the file that keeps when points were written."""
    return store.with_name(store.name + ".writes").absolute()


@contextmanager
def addressed(path: Path) -> Iterator[str]:
    """Give the address to bind or connect to; valid within the block, however deep the folder."""
    if len(os.fsencode(path)) <= MAX_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _short(store: Path) -> str:
    name = os.fsencode(store.name)
    return store.name if len(name) <= MAX_NAME_BYTES else hashlib.sha256(name).hexdigest()[:16]
