"""One bus: the units behind one endpoint, what they are asked, and how their answers go astray.

Requests of all connections are served in the order they come, as by the one serial line behind a
gateway. Guarantees that answers of one unit keep their order, however late. Never touches a
socket: connections are `Conversation`s.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from simulators.modbus.drafts import Draft, Stage
from simulators.modbus.framing import framing_of
from simulators.modbus.moods import Temper
from simulators.modbus.units import exception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from simulators.modbus.framing import FramingName, Request
    from simulators.modbus.moods import Mood
    from simulators.modbus.timing import LineTiming
    from simulators.modbus.units import Unit

GATEWAY_SILENT: Final = 0x0B
"""A gateway's exception: the unit does not answer."""

_ORDER_S: Final = 1e-6
"""Least distance between two answers of one unit: timers of one moment have no order."""


class Conversation(Protocol):
    """A connection, or the line itself."""

    opened_s: float
    """When it was opened, on the loop's clock."""

    @property
    def is_open(self) -> bool:
        """Whether anything can still be written."""

    def write(self, content: bytes) -> None:
        """Put bytes on the wire; nothing happens when it is closed."""

    def close(self) -> None:
        """End it at once."""


@dataclass(slots=True)
class _Due:
    """An answer that is to be delivered, and whether its time has come."""

    conversation: Conversation
    draft: Draft
    ripe: bool = False


class Bus:
    """The units of one endpoint and their common fate."""

    def __init__(
        self,
        units: Mapping[int, Unit],
        *,
        framing: FramingName = "tcp",
        temper: Temper | None = None,
        timing: LineTiming | None = None,
        unknown: Literal["11", "silence"] | None = None,
    ) -> None:
        """Serve units by number.

        `unknown` is how a unit that is not there answers: a gateway's exception 11 (the default
        of Modbus TCP), or silence (the default of lines).
        """
        self.units = dict(units)
        self.framing = framing_of(framing)
        self.temper = temper or Temper()
        self.timing = timing
        self.unknown = unknown or ("11" if framing == "tcp" else "silence")
        self.conversations: list[Conversation] = []
        self.asked: Counter[int] = Counter()
        """Requests by unit."""
        self.answered: Counter[int] = Counter()
        """Answers by unit, whatever became of them."""
        self.junk_bytes = 0
        """Received bytes that belonged to no request."""
        self.on_reboot: Callable[[float], None] | None = None
        """Told when a personality reboots the device, with the time it is away."""
        self._due_s: dict[int, float] = {}
        self._owed: dict[int, deque[_Due]] = {}
        self._previous = b""
        self._born_s = asyncio.get_running_loop().time()

    @property
    def age_s(self) -> float:
        """How long the bus exists: what generations are counted by."""
        return asyncio.get_running_loop().time() - self._born_s

    def receive(self, conversation: Conversation, received: bytearray) -> None:
        """Serve every whole request received; what is incomplete stays."""
        while True:
            request, junk = self.framing.take(received)
            self.junk_bytes += junk
            if request is None:
                return
            self._serve(conversation, request)

    def _serve(self, conversation: Conversation, request: Request) -> None:
        self.asked[request.unit] += 1
        unit = self.units.get(request.unit)
        now_s = asyncio.get_running_loop().time()
        heard_s = self.timing.heard_s(now_s, request.size_bytes) if self.timing else now_s
        slow = self.temper.value("slow-start")
        if slow is not None and now_s < conversation.opened_s + float(slow):
            return
        if unit is not None:
            unit.tick(now_s - self._born_s)
        drawn = self.temper.draw(request.unit) if self.temper.moods else []
        pdu = self._pdu(unit, request)
        turnaround_s = unit.turnaround_s if unit is not None else 0.0
        if pdu is not None and not (
            drawn or self.timing or turnaround_s or request.unit in self._due_s
        ):
            self.answered[request.unit] += 1
            frame = self.framing.wrap(request.unit, pdu, transaction=request.transaction)
            self._previous = frame
            conversation.write(frame)
            return
        draft = self._draft(request, pdu, drawn)
        if draft.frame:
            self._schedule(conversation, draft, heard_s + turnaround_s)

    def _pdu(self, unit: Unit | None, request: Request) -> bytes | None:
        if unit is not None:
            return unit.answer(request.pdu)
        return exception(request.pdu[0], GATEWAY_SILENT) if self.unknown == "11" else None

    def _draft(self, request: Request, pdu: bytes | None, drawn: list[Mood]) -> Draft:
        """Make an answer and let the drawn moods work on it."""
        draft = Draft(
            request, self.framing.name, request.unit, request.transaction, pdu,
            previous=self._previous,
        )  # fmt: skip
        self.temper.act(drawn, draft, Stage.CONTENT)
        if draft.pdu is None:
            return draft
        draft.frame = self.framing.wrap(draft.unit, draft.pdu, transaction=draft.transaction)
        self._previous = draft.frame
        self.temper.act(drawn, draft, Stage.FRAME)
        draft.pieces = [(0.0, draft.frame)]
        self.temper.act(drawn, draft, Stage.PIECES)
        return draft

    def _schedule(self, conversation: Conversation, draft: Draft, ready_s: float) -> None:
        """Send an answer when its time has come, after those of the same unit before it."""
        number = draft.request.unit
        begin_s = max(ready_s + draft.delay_s, self._due_s.get(number, 0.0) + _ORDER_S)
        if self.timing is not None:
            size = sum(len(piece) for _, piece in draft.pieces)
            taken_s = self.timing.free_at_s
            begin_s = self.timing.sent_s(begin_s, size)
            if draft.delay_s:  # nobody else waits for a unit that thinks for long
                self.timing.free_at_s = taken_s
        self._due_s[number] = begin_s
        self.answered[number] += 1
        due = _Due(conversation, draft)
        self._owed.setdefault(number, deque()).append(due)
        asyncio.get_running_loop().call_at(begin_s, self._ripe, number, due)

    def _ripe(self, number: int, due: _Due) -> None:
        """Deliver an answer whose time has come, but never before an earlier one of its unit.

        Timers alone do not keep that order: a loop may count them in whole milliseconds from
        different moments.
        """
        due.ripe = True
        owed = self._owed[number]
        while owed and owed[0].ripe:
            first = owed.popleft()
            if not owed:
                del self._owed[number], self._due_s[number]
            self._deliver(first.conversation, first.draft)

    def _deliver(self, conversation: Conversation, draft: Draft) -> None:
        """Begin to write an answer that is due."""
        if draft.reboot_s and self.on_reboot is not None:
            self.on_reboot(draft.reboot_s)
            return
        if draft.elsewhere and self.conversations:
            conversation = self.conversations[-1]
        self._write(conversation, draft, iter(draft.pieces))

    def _write(
        self, conversation: Conversation, draft: Draft, pieces: Iterable[tuple[float, bytes]]
    ) -> None:
        """Write pieces until one has to wait; then go on when it is due."""
        loop = asyncio.get_running_loop()
        rest = iter(pieces)
        for wait_s, piece in rest:
            if not conversation.is_open:
                return
            if wait_s > 0:
                again = iter([(0.0, piece), *rest])
                loop.call_later(wait_s, self._write, conversation, draft, again)
                return
            conversation.write(piece)
        if draft.close:
            conversation.close()
