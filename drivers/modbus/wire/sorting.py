"""Takes what arrived on a line apart: heartbeats, late answers, the answer, and what fits nothing.

The slow and careful way; a whole answer on a healthy Modbus TCP connection never comes here.
Keeps no bytes itself. Never does I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.api import SessionLost

if TYPE_CHECKING:
    from drivers.modbus.config import TransactionIds
    from drivers.modbus.link import ModbusLink
    from drivers.modbus.wire.framing import Answer, Framing, Request

DOUBLED_HINT = "a second master or a gateway that doubles answers shares the connection"
DOUBLED_HINT_ZH = "可能还有别的主站，或网关重复转发应答"


class Sorter:
    """Sorts the bytes of one line."""

    __slots__ = ("_counts", "_fillers", "_framing", "_lives_on", "_trust")

    def __init__(self, link: ModbusLink, framing: Framing) -> None:
        self._framing = framing
        self._trust = link.trust
        self._counts = link.counts
        self._lives_on = link.lives_on
        # many DTUs say their registration again and again
        self._fillers = tuple(each for each in (link.heartbeat, link.registration) if each)

    def unasked(self, received: bytes) -> bytes:
        """Skip heartbeats among bytes that nobody asked for; give what has to be kept.

        Raises:
            SessionLost: there is something else among them.
        """
        rest = self._skip_fillers(received, b"")
        if rest and not self._may_be_filler(rest):
            raise SessionLost(
                f"{len(rest)} bytes arrived that nobody asked for",
                zh=f"没有请求时收到 {len(rest)} 个字节",
                hint=DOUBLED_HINT,
                hint_zh=DOUBLED_HINT_ZH,
            )
        return rest

    def behind_noise(self, received: bytes, request: Request) -> tuple[bytes, bytes]:
        """Look for the answer behind bytes that fit nothing; a datagram is a whole or nothing.

        Gives the bytes worth another look, or those to keep since an answer may begin in them.
        """
        head = b"" if self._framing.has_ids else request.head
        at = received.find(head, 1) if head else -1
        if at >= 0:
            self._counts.garbage_bytes += at
            return received[at:], b""
        kept = received[len(received) - len(head) + 1 :] if head else b""
        self._counts.garbage_bytes += len(received) - len(kept)
        return b"", kept

    def answer(
        self, received: bytes, request: Request, *, transaction: int, ids: TransactionIds
    ) -> tuple[Answer | None, bytes]:
        """Find the answer to a request; give it, or None while incomplete, and the bytes to keep.

        Raises:
            SessionLost: something is there that fits nothing.
        """
        while received := self._skip_fillers(received, request.head):
            frame = self._frame(received, request, transaction, ids)
            if frame is None:
                return None, received
            answer = self._judged(frame, request, transaction, ids)
            rest = received[len(frame) :]
            if answer is not None:
                return answer, self._after(received, rest, request, transaction, ids)
            self._counts.late_answers += 1
            received = rest
        return None, received

    def _frame(
        self, received: bytes, request: Request, transaction: int, ids: TransactionIds
    ) -> bytes | None:
        """Cut the first whole frame off; None while none is complete."""
        if self._may_be_filler(received) and not request.head.startswith(received):
            return None
        try:
            size = self._framing.size_of(received)
        except SessionLost:
            self._framing.check(received, request, transaction=transaction, ids=ids)
            raise
        if size is not None and len(received) >= size:
            return received[:size]
        if not self._trust.doubts:
            self._framing.check(received, request, transaction=transaction, ids=ids)
        return None

    def _judged(
        self, frame: bytes, request: Request, transaction: int, ids: TransactionIds
    ) -> Answer | None:
        """Take the answer out of a whole frame; None if it answers an earlier request."""
        try:
            answer = self._framing.check(frame, request, transaction=transaction, ids=ids)
        except SessionLost:
            if self._trust.doubts and self._trust.explains(frame, self._framing):
                return None
            raise
        if answer is None or not self._trust.doubts or (self._framing.has_ids and ids == "strict"):
            return answer
        return answer if self._trust.settle(request, answer, ids) else None

    def _after(
        self,
        received: bytes,
        rest: bytes,
        request: Request,
        transaction: int,
        ids: TransactionIds,
    ) -> bytes:
        """Judge what follows an answer; give what has to be kept."""
        rest = self._skip_fillers(rest, b"")
        if not rest or self._may_be_filler(rest):
            return rest
        if not self._lives_on:
            self._framing.check(received, request, transaction=transaction, ids=ids)
            return self.unasked(rest)
        self._counts.stray_bytes += len(rest)
        return b""

    def _skip_fillers(self, received: bytes, head: bytes) -> bytes:
        """Cut heartbeats off the begin, unless an answer that is due begins just so."""
        again = bool(self._fillers)
        while again:
            again = False
            for filler in self._fillers:
                if received.startswith(filler) and not (head and received.startswith(head)):
                    received = received[len(filler) :]
                    self._counts.heartbeats += 1
                    again = True
        return received

    def _may_be_filler(self, received: bytes) -> bool:
        """Tell whether a heartbeat may be on its way of which this is the begin."""
        return any(filler.startswith(received) for filler in self._fillers)
