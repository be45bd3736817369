"""The page's style sheet and script, served under names that change with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

_TYPES: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

PATHS: Final = tuple(f"/assets/{name}" for name in _TYPES)
"""Paths that `read` answers."""


@cache
def read(path: str) -> tuple[bytes, str]:
    """Give content and content type of one of `PATHS`."""
    name = path.rpartition("/")[2]
    return files(__name__).joinpath(name).read_bytes(), _TYPES[name]


@cache
def address(name: str) -> str:
    """Give the address of an asset, with a mark of its content, so that caches never go stale."""
    path = f"/assets/{name}"
    return f"{path}?v={hashlib.sha256(read(path)[0]).hexdigest()[:12]}"
