"""How much memory a process takes from minute to minute, and whether it grows within its lives."""

from __future__ import annotations

import os
import time
from math import sqrt
from pathlib import Path
from typing import NamedTuple

EVERY_S = 60.0
LONG_S = 600.0
"""A life that tells something of growth."""
WARMING_SHARE = 0.1
"""What of a life is left out: caches fill, arenas find their size."""
DAY_S = 86_400
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Growth(NamedTuple):
    """How fast memory grows within lives, by least squares."""

    mb_per_day: float
    error_mb_per_day: float
    """One standard error of it."""
    hours: float
    """Length of the lives that were looked at."""


class Diary:
    """Samples of one process in all its lives."""

    def __init__(self):
        self.lives = []
        """Per life [(age in s, MB)], a sample each minute."""
        self._pid = None
        self._born_s = 0.0

    def look(self, pid):
        """Take a sample where one is due; another process id is another life."""
        now_s = time.monotonic()
        if pid != self._pid:
            self._pid, self._born_s = pid, now_s
            self.lives.append([])
        elif now_s - self._born_s >= EVERY_S * (len(self.lives[-1]) + 1):
            resident = _resident_mb(pid)
            if resident is not None:
                self.lives[-1].append((now_s - self._born_s, resident))

    @property
    def after_a_minute(self):
        """Memory of each life that got so old, one minute after its start, in MB."""
        return [life[0][1] for life in self.lives if life]

    @property
    def largest(self):
        """The most memory of any life, in MB; None where no life was a minute long."""
        return max((mb for life in self.lives for _, mb in life), default=None)


def growth(lives):
    """Give one slope for all long lives, each with a level of its own; None without one."""
    settled = [
        [(age_s, mb) for age_s, mb in life if age_s >= WARMING_SHARE * life[-1][0]]
        for life in lives
        if life and life[-1][0] >= LONG_S
    ]
    if not settled:
        return None
    apart = [pair for life in settled for pair in _from_their_mean(life)]
    spread = sum(age_s**2 for age_s, _ in apart)
    slope = sum(age_s * mb for age_s, mb in apart) / spread
    free = max(1, len(apart) - len(settled) - 1)
    noise = sum((mb - slope * age_s) ** 2 for age_s, mb in apart) / free
    hours = sum(life[-1][0] for life in settled) / 3600
    return Growth(slope * DAY_S, sqrt(noise / spread) * DAY_S, hours)


def _from_their_mean(life):
    count = len(life)
    mean_s, mean_mb = sum(age_s for age_s, _ in life) / count, sum(mb for _, mb in life) / count
    return [(age_s - mean_s, mb - mean_mb) for age_s, mb in life]


def _resident_mb(pid):
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, IndexError):  # it ended meanwhile
        return None
    return pages * _PAGE_BYTES / 1e6
