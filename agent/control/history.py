"""When each point was written last, kept across restarts: memory cells wear out by writing.

A small file beside the store, replaced whole. One that cannot be read counts as empty, one that
cannot be replaced is told in the log; neither keeps a person from writing.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1_000_000
"""Largest file taken: some 20,000 points."""

_log = logging.getLogger("chulian.control")


class History:
    """Wall-clock time of the last write to each point, UTC milliseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last_ms = _read(path)

    def since_s(self, device: str, tag: str, *, now_ms: int) -> float | None:
        """Give the seconds since the last write; None when there was none."""
        last_ms = self._last_ms.get(f"{device}/{tag}")
        return None if last_ms is None else (now_ms - last_ms) / 1000

    def note(self, device: str, tag: str, *, now_ms: int) -> None:
        """Keep that a write begins now; called before anything is sent."""
        self._last_ms[f"{device}/{tag}"] = now_ms
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            fresh.write_text(json.dumps(self._last_ms), "utf-8")
            fresh.replace(self._path)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, error)


def _read(path: Path) -> dict[str, int]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, int)}
