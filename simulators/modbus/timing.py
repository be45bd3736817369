"""The time of a serial line, accounted for instead of waited for byte by byte.

Every character takes its bits, every frame is followed by 3.5 characters of rest, and one frame
is on the line at a time. Pure: it only reckons. Source: Modbus over Serial Line V1.02, 2.5.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Parity: TypeAlias = Literal["none", "even", "odd"]
"""Parity of a serial line."""

_FAST_BAUD: Final = 19_200
_FAST_REST_S: Final = 0.001_75
"""Rest between frames above 19,200 bit/s, whatever the speed."""
_REST_CHARACTERS: Final = 3.5


@dataclass(slots=True)
class LineTiming:
    """A line's speed, and until when it is taken."""

    baud: int
    data_bits: int = 8
    parity: Parity = "none"
    stop_bits: int = 1
    free_at_s: float = 0.0
    """When the last frame known of has passed, on the loop's clock."""
    talking_s: tuple[float, float] = (0.0, 0.0)
    """When the last answer began and when it ended, or will end."""

    @property
    def character_s(self) -> float:
        """How long one character takes: start bit, data, parity, stop bits."""
        bits = 1 + self.data_bits + (self.parity != "none") + self.stop_bits
        return bits / self.baud

    @property
    def rest_s(self) -> float:
        """How long the line rests between two frames."""
        return _FAST_REST_S if self.baud > _FAST_BAUD else _REST_CHARACTERS * self.character_s

    def heard_s(self, now_s: float, size_bytes: int) -> float:
        """Tell when a request handed over now has been heard whole; takes the line until then."""
        start_s = max(now_s, self.free_at_s)
        self.free_at_s = start_s + size_bytes * self.character_s
        return self.free_at_s + self.rest_s

    def sent_s(self, begin_s: float, size_bytes: int) -> float:
        """Tell when an answer begun then has been sent whole; takes the line until then."""
        start_s = max(begin_s, self.free_at_s)
        self.free_at_s = start_s + size_bytes * self.character_s
        self.talking_s = (start_s, self.free_at_s)
        return self.free_at_s

    def exchange_s(self, request_bytes: int, answer_bytes: int, turnaround_s: float) -> float:
        """Tell the least time one question and its answer take, with the rest before the next."""
        frames_s = (request_bytes + answer_bytes) * self.character_s
        return frames_s + 2 * self.rest_s + turnaround_s
