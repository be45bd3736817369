"""Why a block was refused: a search that asks as little as possible and keeps what it reads.

The longest beginning of the block that is accepted is found by halving, at the borders of points
only: no value is ever asked for in part. What follows it is a hole if it is refused alone, else
the device refuses to cross from one to the next, or refuses the length: a request over the same
place that is no longer than one that worked tells which. Pure: the caller asks; no I/O, no clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from drivers.modbus.blocks import Block, Hole
from drivers.modbus.wire.framing import ExceptionReply
from drivers.modbus.wire.pdu import UNREACHABLE_CODES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from drivers.modbus.points.address import Point, Table
    from drivers.modbus.wire.framing import Answer

TEACHING_CODES = frozenset({2, 3})
"""Illegal address, illegal value: what a device says to a hole, and to a request too long."""

MAX_REQUESTS = 24
"""Most requests one read may add: enough for two holes, little enough not to hold a bus."""


_CAUSE_REQUESTS = 2
"""Requests that tell a hole from a border or a length, once the place is known."""


class Part(NamedTuple):
    """Addresses that are asked for in one piece: a value and the values within it."""

    start: int
    end: int
    columns: tuple[int, ...]


class Piece(NamedTuple):
    """What was asked, and the answer."""

    block: Block
    answer: Answer


class Search:
    """The search of one read; what it found stands in its attributes."""

    def __init__(
        self, points: Sequence[Point], *, max_registers: int, max_bits: int, asked: Iterable[Piece]
    ) -> None:
        self._points = points
        self._longest = {False: max_registers, True: max_bits}
        self._left = MAX_REQUESTS
        self._holes: list[Hole] = []
        self.pieces = list(asked)
        """Everything worth decoding: no column twice, those that are missing stay unread."""
        self.limits: dict[bool, int] = {}
        """Whether of bits -> most addresses in one request, where the device has a limit."""
        self.unexplained = False
        """Whether refusals remain that are neither a hole nor a length."""

    @property
    def accepted(self) -> bool:
        """Whether the device accepted any request of the read."""
        return any(isinstance(piece.answer, bytes) for piece in self.pieces)

    def holes(self) -> list[Hole]:
        """Give the holes found; nothing that was read with success lies in one."""
        found: list[Hole] = []
        for hole in self._holes:
            parts = list(_without(hole, self._read_spans(hole.table)))
            self.unexplained |= not parts
            found += parts
        return found

    def explore(self, block: Block, refusal: ExceptionReply) -> Generator[Block, Answer, None]:
        """Find out about one refused block: yields what to ask, takes the answers."""
        table, alone = block.table, False
        rest: Sequence[Part] = parts_of(block, self._points)
        if block.count <= self._longest[table.holds_bits] and self._affords(rest):
            rest, alone = yield from self._learn(table, rest, refusal)
        while rest and self._left > 0:
            chunk = rest[:1] if alone else self._fitting(table, rest)
            answer = yield from self._ask(block_of(table, chunk))
            if teaches(answer):
                if not self._affords(chunk):
                    return
                unread, alone = yield from self._learn(table, chunk, answer)
                rest = [*unread, *rest[len(chunk) :]]
            else:
                self.pieces.append(Piece(block_of(table, chunk), answer))
                rest, alone = rest[len(chunk) :], False

    def _learn(
        self, table: Table, parts: Sequence[Part], refusal: Answer
    ) -> Generator[Block, Answer, tuple[Sequence[Part], bool]]:
        """Explain one refusal; gives what is still to be read, and whether its first part alone.

        Holes come in runs: what follows one is asked alone before all the rest is.
        """
        count, read, refusal = yield from self._accepted_beginning(table, parts, refusal)
        if isinstance(read, bytes):
            self.pieces.append(Piece(block_of(table, parts[:count]), read))
        if self._left <= 0 and len(parts) > 1:
            return (), False
        bad = parts[count]
        if count:
            refusal = yield from self._ask(block_of(table, [bad]))
        rest = parts[count + 1 :]
        if teaches(refusal):
            yield from self._refused(table, bad, refusal)
            return rest, True
        self.pieces.append(Piece(block_of(table, [bad]), refusal))
        if isinstance(refusal, bytes) and count:
            yield from self._border_or_length(table, parts, count)
        return rest, False

    def _accepted_beginning(
        self, table: Table, parts: Sequence[Part], refusal: Answer
    ) -> Generator[Block, Answer, tuple[int, Answer | None, Answer]]:
        """Halve until one part more would be refused; gives the count, its answer, the refusal."""
        count, refused, read = 0, len(parts), None
        while refused - count > 1 and self._left > 0:
            middle = (count + refused) // 2
            answer = yield from self._ask(block_of(table, parts[:middle]))
            if isinstance(answer, bytes):
                count, read = middle, answer
            else:
                refused, refusal = middle, answer
        return count, read, refusal

    def _refused(
        self, table: Table, bad: Part, refusal: ExceptionReply
    ) -> Generator[Block, Answer, None]:
        """Note a hole; the values within a longer one may still be there."""
        self._holes.append(Hole(table, bad.start, bad.end, refusal.reason))
        inner: dict[tuple[int, int], list[int]] = {}
        for column in bad.columns:
            point = self._points[column]
            if (point.start, point.end) != (bad.start, bad.end):
                inner.setdefault((point.start, point.end), []).append(column)
        for (start, end), columns in sorted(inner.items())[: max(0, self._left)]:
            block = Block(table, start, end - start, tuple(columns))
            answer = yield from self._ask(block)
            if isinstance(answer, bytes):
                self.pieces.append(Piece(block, answer))

    def _border_or_length(
        self, table: Table, parts: Sequence[Part], count: int
    ) -> Generator[Block, Answer, None]:
        """Tell why two neighbours are each accepted, and not together."""
        before, bad = parts[count - 1], parts[count]
        failed = bad.end - parts[0].start
        worked = max(before.end - parts[0].start, bad.end - bad.start)
        short = next((at for at in range(1, count) if bad.end - parts[at].start <= worked), None)
        if short is not None:
            answer = yield from self._ask(block_of(table, parts[short : count + 1]))
            too_long = isinstance(answer, bytes)
        elif bad.start == before.end and count + 1 < len(parts):
            answer = yield from self._ask(block_of(table, parts[count : count + 2]))
            too_long = teaches(answer)
        else:
            too_long = bad.start < before.end  # every place was crossed by one or the other
        if too_long:
            yield from self._length(table, parts[0].start, worked, failed)
        else:
            self._holes.append(Hole(table, before.end, bad.start))

    def _length(
        self, table: Table, start: int, worked: int, failed: int
    ) -> Generator[Block, Answer, None]:
        """Note the longest request that is accepted, between one that was and one that was not."""
        while failed - worked > 1 and self._left > 0:
            middle = (worked + failed) // 2
            answer = yield from self._ask(Block(table, start, middle, ()))
            if isinstance(answer, bytes):
                worked = middle
            else:
                failed = middle
        self._longest[table.holds_bits] = self.limits[table.holds_bits] = worked

    def _ask(self, block: Block) -> Generator[Block, Answer, Answer]:
        """Have one request asked; a gateway that cannot reach the device ends the search."""
        self._left -= 1
        answer = yield block
        if isinstance(answer, ExceptionReply) and answer.code in UNREACHABLE_CODES:
            self._left = 0
        return answer

    def _affords(self, parts: Sequence[Part]) -> bool:
        """Tell whether the requests left suffice to explain a refusal of these parts."""
        return len(parts) == 1 or len(parts).bit_length() + _CAUSE_REQUESTS <= self._left

    def _fitting(self, table: Table, parts: Sequence[Part]) -> Sequence[Part]:
        """Give the parts from the first on that one request may hold."""
        longest = self._longest[table.holds_bits]
        end = next(
            (at for at, part in enumerate(parts) if part.end - parts[0].start > longest), len(parts)
        )
        return parts[: max(1, end)]

    def _read_spans(self, table: Table) -> Iterator[tuple[int, int]]:
        """Give the addresses that were read with success."""
        for block, answer in self.pieces:
            if block.table is table and isinstance(answer, bytes):
                yield block.start, block.end


def teaches(answer: Answer) -> TypeGuard[ExceptionReply]:
    """Tell whether an answer says that an address or a length is refused."""
    return isinstance(answer, ExceptionReply) and answer.code in TEACHING_CODES


def parts_of(block: Block, points: Sequence[Point]) -> list[Part]:
    """Take a block apart where it may be cut; starts and ends both grow along the list."""
    parts: list[Part] = []
    for column in block.columns:
        point = points[column]
        if parts and point.end <= parts[-1].end:
            last = parts[-1]
            parts[-1] = Part(last.start, last.end, (*last.columns, column))
        else:
            parts.append(Part(point.start, point.end, (column,)))
    return parts


def block_of(table: Table, parts: Sequence[Part]) -> Block:
    """Give the block that reads some parts."""
    start = parts[0].start
    columns = tuple(column for part in parts for column in part.columns)
    return Block(table, start, parts[-1].end - start, columns)


def _without(hole: Hole, spans: Iterable[tuple[int, int]]) -> Iterator[Hole]:
    """Take what was read out of a hole; a border, which has no length, stays."""
    if hole.start == hole.end:
        yield hole
        return
    at = hole.start
    for start, end in sorted(spans):
        if start < hole.end and end > at:
            if start > at:
                yield hole._replace(start=at, end=start)
            at = end
    if at < hole.end:
        yield hole._replace(start=at)
