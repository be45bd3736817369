"""What a server can take: announced or kept quiet, and enforced either way.

An operation limit of 0 is none. How the server tells them is a separate choice, for there are
servers that say 0, that have no such node, and that say the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
Telling = Literal["true", "zero", "absent"]
"""How operation limits are announced: as they are, as 0 (none), or not at all."""

NODES: Final = {
    "read": "MaxNodesPerRead",
    "write": "MaxNodesPerWrite",
    "browse": "MaxNodesPerBrowse",
    "translate": "MaxNodesPerTranslateBrowsePathsToNodeIds",
    "register": "MaxNodesPerRegisterNodes",
    "items": "MaxMonitoredItemsPerCall",
    "history": "MaxNodesPerHistoryReadData",
}
"""Our name -> node below ServerCapabilities/OperationLimits. Source: OPC 10000-5, 6.3.11."""
OPERATIONS: Final = tuple(NODES)
"""What can be limited per call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Everything a server refuses when it becomes too much; 0 is no limit of that kind."""

    per_call: Mapping[str, int] = field(default_factory=dict)
    """Most nodes or items of one request, by operation."""
    tell: Telling = "true"
    sessions: int = 0
    subscriptions: int = 0
    items: int = 0
    """Most monitored items of all subscriptions together."""
    items_per_subscription: int = 0
    queue: int = 10_000
    """Longest queue of an item, in values."""
    publishing_ms: float = 0.0
    """Shortest publishing interval, in ms; shorter ones are revised."""
    sampling_ms: float = 0.0
    """Shortest sampling interval, in ms; shorter ones are revised."""
    references: int = 0
    """Most references of one browse answer; the rest comes with a continuation point."""
    notifications: int = 0
    """Most notifications of one message; the rest follows at once."""
    buffer_bytes: int = 65_535
    """Send and receive buffer of the transport, in bytes; the standard's least is 8,192."""


PROFILES: Final[Mapping[str, Limits]] = MappingProxyType(
    {
        "none": Limits(),
        "s7-1200": Limits(
            per_call=dict.fromkeys(OPERATIONS, 1000),
            sessions=10, subscriptions=50, items=1_000, queue=10,
            publishing_ms=200, sampling_ms=100, buffer_bytes=8_192,
        ),
        "s7-1500": Limits(
            per_call=dict.fromkeys(OPERATIONS, 1000),
            sessions=32, subscriptions=64, items=4_000, queue=10,
            publishing_ms=100, sampling_ms=100, references=1_000,
        ),
        "sinumerik": Limits(
            per_call=dict.fromkeys(OPERATIONS, 100), tell="absent",
            sessions=5, subscriptions=10, items=500, queue=1,
            publishing_ms=100, sampling_ms=100, buffer_bytes=16_384,
        ),
        "kepware": Limits(
            per_call=dict.fromkeys(OPERATIONS, 10000), tell="zero",
            sessions=128, items=100_000, queue=100, publishing_ms=10, references=500,
        ),
        "fanuc": Limits(
            per_call=dict.fromkeys(OPERATIONS, 10),
            sessions=5, subscriptions=5, items=100, queue=1, publishing_ms=500, sampling_ms=500,
        ),
    }
)  # fmt: skip
"""Limits in the manner of well-known servers; the numbers are ours, not the makers' data sheets."""


def per_call(text: str) -> dict[str, int]:
    """Read `read=100,items=10` or one number for all.

    Raises:
        ValueError: an unknown operation or no number.
    """
    if text.isdecimal():
        return dict.fromkeys(OPERATIONS, int(text))
    found: dict[str, int] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        if name not in NODES or not number.isdecimal():
            raise ValueError(f"{part!r}: {'|'.join(OPERATIONS)}=NUMBER / 应为 操作=数量")
        found[name] = int(number)
    return found
