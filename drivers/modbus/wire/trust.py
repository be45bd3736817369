"""Which answers may still come, and how to make sure that none is taken for another.

Without transaction ids a late answer looks like the answer to the next request of the same
function and length, and a new connection does not help: a serial server forwards late bytes into
it. So after an unanswered request its unit is in doubt: it is asked only what must be answered in
another length than everything it still owes. A unit answers in order: once such an answer is there,
all older ones have come or never will, and the doubt is over. Otherwise it ends with time.

Kept for the life of a link, across its sessions. Never does I/O.
"""

from __future__ import annotations

import secrets
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.api import Busy, SessionLost
from drivers.modbus.wire.framing import ExceptionReply
from drivers.modbus.wire.pdu import TABLES, read_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drivers.modbus.config import TransactionIds
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.framing import Answer, Framing, Request

_ANY_UNIT = -1
"""Whose debts these are where not even the unit of an answer is looked at."""


@dataclass(slots=True)
class Doubt:
    """The requests of one unit that may still be answered."""

    ids: TransactionIds
    until_s: float = 0.0
    owed: dict[tuple[int, int], Request] = field(default_factory=dict)


class Trust:
    """The doubts about the units of one link."""

    __slots__ = ("doubts", "transaction")

    def __init__(self) -> None:
        self.transaction = secrets.randbits(16)
        """The last transaction id used. A gateway may send what an earlier connection, or an
        earlier life of this program, asked for: ids go on over connections and begin anywhere."""
        self.doubts: dict[int, Doubt] = {}
        """Empty while nothing is in doubt; the path of a good line asks only this."""

    def owe(self, request: Request, terms: Terms, framing: Framing) -> None:
        """Remember that a request was not answered, where its answer would bear no id."""
        if framing.has_ids and terms.ids == "strict":
            return
        doubt = self.doubts.setdefault(_key(request.unit, terms.ids), Doubt(terms.ids))
        doubt.until_s = time.monotonic() + terms.late_s
        doubt.owed[request.function, request.size_bytes] = request

    def settle(self, request: Request, answer: Answer, ids: TransactionIds) -> bool:
        """Judge what fits a request of a unit in doubt: False if it may be a late answer.

        A good answer ends the unit's doubt. A refusal looks the same whatever was asked, and a
        gateway may give it before the unit has answered: it ends no doubt, and is an answer only
        where nothing is owed of its function.
        """
        concerned = self._concerned(request.unit, ids)
        owed = [each for _, doubt in concerned for each in doubt.owed.values()]
        if isinstance(answer, ExceptionReply):
            return all(each.function != request.function for each in owed)
        proves = not any(_alike(request, each) for each in owed)
        if proves:
            self.doubts.pop(_key(request.unit, ids), None)
        return proves

    def askable(
        self, request: Request, others: Iterable[Request], terms: Terms, framing: Framing
    ) -> Request:
        """Give what may be asked now: the request itself, or a read that clears the doubt.

        Raises:
            Busy: nothing can be told from what is owed; the unit has to be left alone.
        """
        own = _key(request.unit, terms.ids)
        doubts = dict(self._concerned(request.unit, terms.ids))
        owed = [each for doubt in doubts.values() for each in doubt.owed.values()]
        foreign = [
            each for key, doubt in doubts.items() if key != own for each in doubt.owed.values()
        ]
        # another unit's answer proves nothing: what it owes can only be waited for
        if not any(_alike(request, each) for each in foreign):
            reads = [each for each in others if each.function in TABLES]
            for candidate in (request, *reads, *_shorter((request, *reads), framing)):
                if not any(_alike(candidate, each) for each in owed):
                    return candidate
        raise _wait(request, max(doubt.until_s for doubt in doubts.values()), terms)

    def explains(self, frame: bytes, framing: Framing) -> bool:
        """Tell whether a whole frame is the late answer to something owed."""
        return any(
            _answers(frame, request, framing, doubt.ids)
            for doubt in self.doubts.values()
            for request in doubt.owed.values()
        )

    def _concerned(self, unit: int, ids: TransactionIds) -> Iterator[tuple[int, Doubt]]:
        """Yield the doubts that touch a unit, after dropping those that ended with time."""
        now_s = time.monotonic()
        self.doubts = {key: each for key, each in self.doubts.items() if each.until_s > now_s}
        for key, doubt in self.doubts.items():
            if ids == "off" or key in {unit, _ANY_UNIT}:
                yield key, doubt


def _key(unit: int, ids: TransactionIds) -> int:
    """Tell under which key the doubts about a unit are kept."""
    return _ANY_UNIT if ids == "off" else unit


def _alike(one: Request, other: Request) -> bool:
    """Tell whether the good answers of two requests could be mistaken for each other."""
    return one.function == other.function and (
        one.size_bytes == other.size_bytes or 0 in {one.size_bytes, other.size_bytes}
    )


def _shorter(requests: Iterable[Request], framing: Framing) -> Iterator[Request]:
    """Yield reads of a part of what the requests read: always legal, and of another length."""
    for request in requests:
        table = TABLES.get(request.function)
        if table is None:
            continue
        start, count = struct.unpack(">HH", request.data)
        size_bytes = request.size_bytes
        for fewer in range(count - 1, 0, -1):
            made = read_request(framing, table, unit=request.unit, start=start, count=fewer)
            if made.size_bytes != size_bytes:
                size_bytes = made.size_bytes
                yield made


def _answers(frame: bytes, request: Request, framing: Framing, ids: TransactionIds) -> bool:
    try:
        return framing.check(frame, request, transaction=0, ids=ids) is not None
    except SessionLost:
        return False


def _wait(request: Request, until_s: float, terms: Terms) -> Busy:
    """Word that a unit is left alone until nothing late can come any more."""
    wait_s = max(until_s - time.monotonic(), 0.1)
    busy = Busy(
        f"unit {request.unit}: an earlier answer may still come and could not be told from that "
        f"to {request.asked}: left alone for {wait_s:.0f} s",
        wait_s=wait_s,
        device=terms.device,
        hint="raise timeout_s above the slowest answer; late_s is how late an answer may come",
    )
    busy.zh = (
        f"站号 {request.unit}：上一次的应答可能还会迟到，与 {request.asked} 的应答无法区分，"
        f"{wait_s:.0f} 秒内暂不询问"
    )
    busy.hint_zh = "请把 timeout_s 设得比最慢的应答还长；late_s 是应答最多可能迟到的时间"
    return busy
