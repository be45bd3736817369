"""How late things arrive: counts, extremes and quantiles over the latest samples."""

from __future__ import annotations

from collections import deque
from typing import Final

_KEPT: Final = 10_000


class Latency:
    """Milliseconds; the quantiles are over the last 10,000 samples."""

    def __init__(self) -> None:
        self.count = 0
        self.maximum_ms = 0
        self._latest: deque[int] = deque(maxlen=_KEPT)

    def add(self, milliseconds: int) -> None:
        """Take one sample; negative where the two clocks differ."""
        self.maximum_ms = milliseconds if not self.count else max(self.maximum_ms, milliseconds)
        self.count += 1
        self._latest.append(milliseconds)

    def quantile(self, share: float) -> int | None:
        """Give the value that `share` of the latest samples do not exceed; None without any."""
        if not self._latest:
            return None
        ordered = sorted(self._latest)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def as_dict(self) -> dict[str, int | None]:
        """Give it as JSON values."""
        return {
            "count": self.count,
            "p50_ms": self.quantile(0.5),
            "p95_ms": self.quantile(0.95),
            "p99_ms": self.quantile(0.99),
            "max_ms": self.maximum_ms if self.count else None,
        }
