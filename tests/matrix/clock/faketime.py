"""A gateway whose wall clock is what a test says, and a time source that comes when it says so."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

LIBRARY = "faketime/libfaketime.so.1"
BENEATH = Path(__file__).with_name("beneath")
"""Goes first on the path of modules: lets a process sleep under the library."""
FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib")
SYNCHRONISED = "synchronised"
"""The file that stands for a time source; see `clock.synchronised_file`."""


class WallClock:
    """The wall clock of one process; its monotonic clocks stay the true ones."""

    def __init__(self, folder, *, at_s=None):
        self._offset = folder / "faketime"
        self._source = folder / SYNCHRONISED
        self.set(at_s)

    @property
    def environment(self):
        """What a process needs to live by this clock."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": os.pathsep.join([str(BENEATH), *filter(None, _python_paths())]),
        }

    def set(self, at_s=None):
        """Have it be so many seconds after 1970 now; None: the true time."""
        offset_s = 0 if at_s is None else round(at_s - time.time())
        self._write(f"{offset_s:+d}")

    def move(self, offset_s):
        """Have it be so far from the true time."""
        self._write(f"{offset_s:+d}")

    def synchronise(self, *, now=True):
        """Have a time source come, or go."""
        if now:
            self._source.touch()
        else:
            self._source.unlink(missing_ok=True)

    def _write(self, text):
        fresh = self._offset.with_suffix(".new")
        fresh.write_text(f"{text}\n", "ascii")
        fresh.replace(self._offset)


def _python_paths():
    return os.environ.get("PYTHONPATH", "").split(os.pathsep)


def _library():
    for folder in FOLDERS:
        path = Path(folder) / LIBRARY
        if path.exists():
            return path
    return pytest.skip("libfaketime is not installed (apt-get install libfaketime)")
