"""From silence to a limit: some devices do not refuse a request that is too long, they ignore it.

A block that was met by silence is suspected. Before it is asked again a short request must be
answered; when the block is met by silence twice, and the short request was answered right after
each, the length is the cause: it is halved, then the longest length that works is searched, one
trial at a time. Never concludes anything from a device that is silent to everything. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.modbus.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drivers.modbus.points.address import Table

_PROOF = 2
"""Silences that were each followed by an answer to a short request."""


@dataclass(slots=True)
class _Bracket:
    """Where a limit lies: at least `worked`, below `failed`."""

    table: Table
    start: int
    worked: int
    failed: int


class Silence:
    """What one plan knows of lengths that were met by silence."""

    __slots__ = ("_block", "_bracket", "_times", "probe")

    def __init__(self) -> None:
        self.probe: Block | None = None
        """The short request that must be answered before the next read; None without suspicion."""
        self._block: Block | None = None
        self._times = 0
        self._bracket: _Bracket | None = None

    @property
    def searching(self) -> bool:
        """Whether a limit was found and is still being narrowed down."""
        return self._bracket is not None

    def met(self, block: Block, short: Block) -> None:
        """Note that a block was met by silence; `short` is its first part."""
        if short.count >= block.count:
            self.clear()
            return
        same = self._block is not None and (self._block.start, self._block.count) == (
            block.start,
            block.count,
        )
        self._times = self._times + 1 if same else 1
        self._block, self.probe = block, short

    def probe_silent(self) -> None:
        """Note that the short request was met by silence too: the device is simply not there."""
        self._times = 0

    def probe_answered(self) -> tuple[Table, int] | None:
        """Note that the short request was answered; gives the limit to obey, once it is proven."""
        block, short = self._block, self.probe
        if block is None or short is None or self._times < (1 if self._bracket else _PROOF):
            return None
        if self._bracket is None or self._bracket.table.holds_bits != block.table.holds_bits:
            self._bracket = _Bracket(block.table, block.start, short.count, block.count)
        else:
            self._bracket.failed = min(self._bracket.failed, block.count)
        self.clear()
        return block.table, max(short.count, block.count // 2)

    def clear(self) -> None:
        """Drop the suspicion: the block was answered, or cannot be made shorter."""
        self._block = self.probe = None
        self._times = 0

    def worked(self, blocks: Iterable[Block]) -> tuple[Table, int] | None:
        """Note what a whole read asked with success; gives the limit once it is known exactly."""
        self.clear()
        bracket = self._bracket
        if bracket is None:
            return None
        kind = bracket.table.holds_bits
        counts = [block.count for block in blocks if block.table.holds_bits == kind]
        bracket.worked = max([bracket.worked, *counts])
        return self._settled()

    def trial(self) -> Block | None:
        """Give a request of a length of which nobody knows yet; None when none is needed."""
        bracket = self._bracket
        if bracket is None or bracket.failed - bracket.worked <= 1:
            return None
        return Block(bracket.table, bracket.start, (bracket.worked + bracket.failed) // 2, ())

    def tried(self, trial: Block, *, answered: bool) -> tuple[Table, int] | None:
        """Note how a trial went; gives the limit once it is known exactly."""
        if self._bracket is None:
            return None
        if answered:
            self._bracket.worked = max(self._bracket.worked, trial.count)
        else:
            self._bracket.failed = min(self._bracket.failed, trial.count)
        return self._settled()

    def _settled(self) -> tuple[Table, int] | None:
        """Give the limit and end the search when nothing is left between the two ends."""
        bracket = self._bracket
        if bracket is None or bracket.failed - bracket.worked > 1:
            return None
        self._bracket = None
        return bracket.table, bracket.worked
