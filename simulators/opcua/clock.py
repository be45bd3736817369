"""The clock of a simulated device: as far from the truth as it is told to be."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "y": 31_536_000}
_SPAN: Final = re.compile(r"([+-]\d+(?:\.\d+)?)([smhdy])")


class DeviceClock:
    """UTC as the device believes it; it runs at the right pace."""

    def __init__(self, setting: str = "true") -> None:
        """Set it as `set` does."""
        self.offset_ns = 0
        self.set(setting)

    def set(self, setting: str) -> None:
        """Set it: `true`, a date such as `2000-01-01`, or a difference such as `+1y` or `-90s`.

        Raises:
            ValueError: it is none of these.
        """
        if setting == "true":
            self.offset_ns = 0
        elif (span := _SPAN.fullmatch(setting)) is not None:
            self.offset_ns = round(float(span[1]) * _UNIT_S[span[2]] * 1e9)
        else:
            try:
                wanted = datetime.fromisoformat(setting)
            except ValueError:
                raise ValueError(
                    f"clock {setting!r}: true, a date such as 2000-01-01, or +1y, -90s"
                    " / 时钟：true、日期（如 2000-01-01）或偏差（如 +1y、-90s）"
                ) from None
            since = wanted.replace(tzinfo=wanted.tzinfo or UTC) - _EPOCH
            self.offset_ns = round(since.total_seconds()) * 10**9 - time.time_ns()

    def stamp(self, true_ns: int) -> datetime:
        """Give what the device calls a true moment; to the microsecond."""
        return stamp_of(true_ns + self.offset_ns)

    def now(self) -> datetime:
        """Give what the device calls now."""
        return self.stamp(time.time_ns())


def stamp_of(time_ns: int) -> datetime:
    """Give UTC nanoseconds as a datetime, exact to the microsecond."""
    seconds, rest_ns = divmod(time_ns, 10**9)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest_ns // 1_000)
