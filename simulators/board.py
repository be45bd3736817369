"""What the simulated servers hold, and held: the truth a test compares against.

Every value stands here exactly as a flawless reader would get it from the wire (raw, in the
precision of its type) with the time since which the server has held it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.machine import Value


@dataclass(frozen=True, slots=True)
class Held:
    """A raw value and since when it is held."""

    value: Value | None
    """None when the server says that it has no good value."""
    time_ns: int
    """UTC nanoseconds; on OPC UA, the value's source timestamp."""

    @property
    def good(self) -> bool:
        """Whether the server holds a good value."""
        return self.value is not None


class Board:
    """What every point of every device holds now and, if asked for, held before."""

    def __init__(self, *, history: int = 0) -> None:
        """Keep up to `history` past values per point; 0 keeps none."""
        self._history = history
        self._now: dict[str, dict[str, Held]] = {}
        self._past: dict[tuple[str, str], deque[Held]] = {}

    def post(
        self, device: str, values: Mapping[str, Value | None], *, time_ns: int
    ) -> dict[str, Held]:
        """Note what a device's points hold from `time_ns` on; return only what changed."""
        now = self._now.setdefault(device, {})
        changed = {
            tag: Held(value, time_ns)
            for tag, value in values.items()
            if tag not in now or not _same(now[tag].value, value)
        }
        now.update(changed)
        if self._history:
            for tag, held in changed.items():
                past = self._past.setdefault((device, tag), deque(maxlen=self._history))
                past.append(held)
        return changed

    def snapshot(self) -> dict[str, dict[str, Held]]:
        """Copy what is held now, by device and tag."""
        return {device: dict(tags) for device, tags in self._now.items()}

    def between(self, device: str, tag: str, *, from_ns: int, to_ns: int) -> tuple[Held, ...]:
        """Give every value held at some moment of [from_ns, to_ns], oldest first.

        Raises:
            LookupError: the history does not reach back to `from_ns`.
        """
        past = self._past.get((device, tag), ())
        earlier = [held for held in past if held.time_ns <= from_ns]
        if not earlier:
            raise LookupError(f"{device} {tag}: nothing known at {from_ns}; keep more history")
        return (earlier[-1], *(held for held in past if from_ns < held.time_ns <= to_ns))


def _same(old: Value | None, new: Value | None) -> bool:
    """Compare as a machine does: 1, 1.0 and True are different values."""
    return type(old) is type(new) and old == new
