"""A disk of one's own: ext4 in a file, which can lose its power, be torn off, or turn read-only."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

SHUTDOWN, DROP_THE_LOG = 0x8004587D, 2
"""EXT4_IOC_SHUTDOWN, and its mode that writes nothing more: what a power cut does."""
SECTOR_BYTES = 512
_STAT_WRITTEN = 6
"""Field of /sys/block/*/stat: sectors written."""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mkfs.ext4") is None,
    reason="mounting needs root and e2fsprogs; fallback: S4, every crash state of a traced run",
)


class Disk:
    """A small ext4 file system on a loop device."""

    def __init__(self, folder, size_mb):
        self.place = folder / "disk"
        self._image = folder / "disk.ext4"
        self._device = ""
        self.place.mkdir()
        with self._image.open("wb") as file:
            file.truncate(size_mb * 1_000_000)
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", self._image)

    def attach(self):
        """Mount it, as after a start: the journal is gone through."""
        self._device = _run("losetup", "--find", "--show", self._image).strip()
        try:
            _run("mount", self._device, self.place)
        except AssertionError:
            _run("losetup", "--detach", self._device)
            raise

    def detach(self, *, within_s=20.0):
        """Unmount it; whoever had files on it must have closed them."""
        end_s = time.monotonic() + within_s
        while subprocess.run(["umount", self.place], capture_output=True, check=False).returncode:
            assert time.monotonic() < end_s, "somebody still has files open on the disk"
            time.sleep(0.01)  # a killed process closes its files a moment later
        _run("losetup", "--detach", self._device)
        self._device = ""

    def cut_power(self):
        """Have nothing that is not on the medium yet get there any more."""
        here = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(here, SHUTDOWN, DROP_THE_LOG.to_bytes(4, "little"))
        finally:
            os.close(here)

    def turn_read_only(self):
        """Have the file system give up writing, as ext4 does after an error of the medium."""
        _run("mount", "-o", "remount,abort", self.place)

    def written_bytes(self):
        """Give what has gone to the medium so far, journal and metadata included."""
        subprocess.run(["sync", "--file-system", self.place], check=True)
        stat = Path("/sys/block", Path(self._device).name, "stat").read_text("ascii").split()
        return int(stat[_STAT_WRITTEN]) * SECTOR_BYTES

    def remove(self):
        """Leave no mount and no loop device behind."""
        if self._device:
            subprocess.run(["umount", "-l", self.place], capture_output=True, check=False)
            subprocess.run(["losetup", "--detach", self._device], capture_output=True, check=False)
        self._image.unlink(missing_ok=True)


@contextmanager
def disk(folder, *, size_mb=128):
    """Give a mounted disk; whatever happens, it is gone afterwards."""
    made = Disk(folder, size_mb)
    try:
        made.attach()
        yield made
    finally:
        made.remove()


def _run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout
