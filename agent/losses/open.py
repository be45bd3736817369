"""Losses that are not told yet, as they are kept beside the rows: a kill makes none of them silent.

A loss is counted for up to a minute before it is told. Meanwhile it stands in the store, and the
next start tells what it finds there. Pure.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson

from agent.losses.causes import DEVICE_DOWN, OVERFLOW, cause_of_gap
from agent.losses.spans import LossSpan

if TYPE_CHECKING:
    from collections.abc import Sequence

UNDATED_MS: Final = 120_000
"""Between two times of a clock nobody vouches for, polls are counted for so long at most."""


class LossKind(StrEnum):
    """What is counted; the type of the event that tells of it."""

    MISSED = "missed"
    GAP = "gap"
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True)
class OpenLoss:
    """Something lost that was not told yet."""

    kind: LossKind
    reason: str
    from_ms: int
    to_ms: int
    times: int = 1
    amount: int = 0
    """Polls or changes; 0 where not known."""
    every_ms: float = 0.0
    """Above 0: since `from_ms` a poll has been missed at every multiple of it, and still is."""

    def ended(self, end_ms: int, *, dated: bool) -> OpenLoss:
        """Give it as it was at the last moment of which anything is known."""
        if not self.every_ms:
            return self
        to_ms = max(end_ms, self.from_ms)
        lasted_ms = to_ms - self.from_ms if dated else min(to_ms - self.from_ms, UNDATED_MS)
        return replace(self, to_ms=to_ms, amount=int(lasted_ms / self.every_ms) + 1, every_ms=0.0)

    def fields(self) -> dict[str, Any]:
        """Give what the event says besides device and group."""
        span = {"from": self.from_ms, "to": self.to_ms}
        if self.kind is LossKind.MISSED:
            return {**span, "polls": self.amount, "reason": self.reason}
        if self.kind is LossKind.OVERFLOW:
            return {"values": self.amount}
        times = {"times": self.times} if self.times > 1 else {}
        return {"changes": "unknown", **span, "reason": self.reason, **times}

    def span(self, device: str) -> LossSpan:
        """Give it as it stands in the book of losses."""
        if self.kind is LossKind.GAP:
            cause = cause_of_gap(self.reason)
        else:
            cause = OVERFLOW if self.kind is LossKind.OVERFLOW else self.reason
        return LossSpan(cause, device, self.from_ms, self.to_ms, self.times, self.amount)


def silence(*, from_ms: int, interval_s: float) -> OpenLoss:
    """Give the polls of a device that does not answer, from the first of them on."""
    return OpenLoss(LossKind.MISSED, DEVICE_DOWN, from_ms, from_ms, every_ms=interval_s * 1000)


def packed(device: str, group: str, losses: Sequence[OpenLoss]) -> str:
    """Give the open losses of a group as the text that is kept; empty when there are none."""
    if not losses:
        return ""
    return orjson.dumps([device, group, [astuple(loss) for loss in losses]]).decode()


def unpacked(text: str) -> tuple[str, str, list[OpenLoss]]:
    """Give device, group and open losses of a text that `packed` has made."""
    device, group, losses = orjson.loads(text)
    return device, group, [OpenLoss(LossKind(kind), *rest) for kind, *rest in losses]
