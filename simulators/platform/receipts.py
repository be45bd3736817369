"""What the platform tells each gateway: how far it has stored, and which rows it wants again.

Pure. A mark is told when it has risen; a hole is asked for when it has stood a while, and again
when the answer stays out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.platform.receiver import Receiver
    from simulators.platform.stream import Stream

_MOST_SPANS: Final = 16


class Receipts:
    """Remembers what was told."""

    def __init__(self, receiver: Receiver, topic_root: str, *, patience_s: float) -> None:
        self._receiver = receiver
        self._root = topic_root
        self._patience_s = patience_s
        self._told: dict[tuple[str, str], int] = {}
        self._holes: dict[tuple[str, str], tuple[list[tuple[int, int]], float]] = {}

    def due(self, now_s: float) -> Iterator[tuple[str, bytes]]:
        """Give topic and payload of every receipt that is due."""
        for name, gateway in self._receiver.gateways.items():
            for epoch, stream in gateway.streams.items():
                wanted = self._wanted((name, epoch), stream, now_s)
                mark = stream.mark
                if not wanted and self._told.get((name, epoch), 0) >= mark:
                    continue
                self._told[name, epoch] = mark
                body = {"ep": epoch, "seq": mark} | ({"want": wanted} if wanted else {})
                yield f"{self._root}/{gateway.enterprise}/{name}/ack", orjson.dumps(body)

    def _wanted(self, key: tuple[str, str], stream: Stream, now_s: float) -> list[tuple[int, int]]:
        """Give the first holes, when they have stood for the platform's patience."""
        holes = [hole for hole in stream.holes if hole[1] > stream.mark][:_MOST_SPANS]
        known, since_s = self._holes.get(key, ([], now_s))
        if holes != known:
            self._holes[key] = holes, now_s
            return []
        if not holes or now_s - since_s < self._patience_s:
            return []
        self._holes[key] = holes, now_s
        return holes
