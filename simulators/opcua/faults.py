"""What ails a simulated OPC UA server now, changed while it runs; what came of it is counted."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

SWITCHES: Final = {
    "freeze": ("publishes nothing; everything else is answered", "不再发布通知，其他请求照常应答"),
    "deaf": (
        "keep-alives go on, changes of values are no longer noticed",
        "保活照常，但数值变化不再通知",
    ),
    "silent": ("answers nothing at all; connections stay open", "完全不应答，连接保持"),
    "no-republish": ("lost messages cannot be asked for again", "拒绝补发丢失的通知（Republish）"),
    "no-sessions": ("new sessions are refused", "拒绝新会话"),
    "no-subscriptions": ("new subscriptions are refused", "拒绝新订阅"),
    "repeat-sequence": (
        "notification messages carry the sequence number of the one before",
        "通知消息重复使用上一个序号",
    ),
}
"""Faults that are on or off -> what they do, in English and Chinese."""


@dataclass(slots=True)
class Faults:
    """The faults that act; every field may be changed at any time."""

    on: set[str] = field(default_factory=set)
    """Names of `SWITCHES` that act."""
    slow_s: float = 0.0
    """Every answer comes this much later."""
    lose: int = 0
    """So many of the next notification messages are lost on their way."""
    refused: set[str] = field(default_factory=set)
    """Patterns of node identifiers that cannot be monitored; they can still be read."""
    unknown_until_s: float = 0.0
    """Until this moment of the monotonic clock no node of the machine is known."""
    odd: dict[str, str] = field(default_factory=dict)
    """Identifier -> oddity (`simulators.opcua.odd`) that stands in place of its value."""
    counts: Counter[str] = field(default_factory=Counter)
    """What was refused, lost and overflowed, by name."""

    def acts(self, name: str) -> bool:
        """Tell whether a switch is on."""
        return name in self.on

    def forget_nodes(self, for_s: float) -> None:
        """Know no node of the machine for so many seconds, as controllers that load them late."""
        self.unknown_until_s = time.monotonic() + for_s

    def knows_nodes(self) -> bool:
        """Tell whether the machine's nodes are known now."""
        return time.monotonic() >= self.unknown_until_s

    def refuses(self, identifier: str) -> bool:
        """Tell whether a node may not be monitored."""
        return any(re.search(pattern, identifier) for pattern in self.refused)

    def takes_loss(self) -> bool:
        """Tell whether this notification message is lost; counts it."""
        if not self.lose:
            return False
        self.lose -= 1
        self.counts["lost"] += 1
        return True

    def recover(self) -> None:
        """End every fault; counts stay."""
        self.on.clear()
        self.refused.clear()
        self.odd.clear()
        self.slow_s = self.unknown_until_s = 0.0
        self.lose = 0
