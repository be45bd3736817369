"""When one plan learns, and when what it learned is doubted.

Guarantees: nothing is learned from a device that refuses everything until it did so three times,
ten seconds apart; every lesson is tried again, one request at a time and beside the reads, so that
no legal point is lost by it; what is kept is bounded. Never does I/O: the session asks for it.
"""

from __future__ import annotations

import math
import time
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from drivers.api import NoReply, Silent
from drivers.modbus.blocks import GAP_CAP, Block
from drivers.modbus.learning.memory import Memory
from drivers.modbus.learning.pace import Pace, rounded, worth
from drivers.modbus.learning.search import Piece, Search, block_of, parts_of, teaches
from drivers.modbus.learning.silence import Silence
from drivers.modbus.wire.framing import ExceptionReply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.api import DriverError
    from drivers.modbus.learning.lessons import HoleLesson
    from drivers.modbus.plan import Compiled, ModbusPlan
    from drivers.modbus.points.address import Table
    from drivers.modbus.wire.framing import Answer

ALL_REFUSED_TIMES = 3
"""Reads refused as a whole before anything is learned from them: a device may be starting up."""

ALL_REFUSED_APART_S = 10.0
"""Least time between two of them."""

REST_S = 60.0
"""Pause of the learning after a search that met silence or left something unexplained."""

CUT_REST_S = 2.0
"""Pause after a search that the end of the session cut short: another unit may be to blame."""

LOOK_S = 10.0
"""How often the lessons are looked through for one that is due."""

TRIAL_APART_S = 10.0
"""Least time between two trials that may be met by silence: each may cost the connection."""


_FOREVER_S = 3e9
_NS_PER_S = 1_000_000_000


class Due(NamedTuple):
    """A request that checks something."""

    block: Block
    hole: HoleLesson | None = None
    """The hole that is asked again."""
    limit: bool = False
    """Whether a limit is tried again; else, without a hole, it is one still searched."""


class Learner:
    """The learning of one plan: the session reports what happens, and asks what to do."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.clock = clock
        """Monotonic seconds."""
        self.memory = Memory(wall_ns)
        self._wall_ns = wall_ns
        self.silence = Silence()
        self.timing = False
        """Whether the next read is to be timed."""
        self.calm_from_ns = 0
        self.calm_until_ns = 0
        """UTC nanoseconds between which a read without refusals needs no `due`."""
        self._pace = Pace()
        self._worked = False
        """Whether a read with the present requests was answered without refusals."""
        self._look_s = -math.inf
        self._trial_s = -math.inf
        self._rest_s = -math.inf
        self._all_refused = 0
        self._all_refused_s = -math.inf
        self._turn = 0

    def recall(self, lessons: str, plan: ModbusPlan) -> None:
        """Take up lessons of an earlier life; odd ones, and another device's, are dropped."""
        if self.memory.take_up(lessons, plan.points, place=plan.place):
            self._apply(plan)

    # refusals

    def search(
        self, plan: ModbusPlan, compiled: Compiled, answers: Sequence[Answer]
    ) -> Search | None:
        """Begin to explain the refusals of a read; None where nothing can be learned now."""
        now_s = self.clock()
        pairs = zip(compiled.blocks, answers, strict=True)
        asked = [Piece(block, answer) for block, answer in pairs if not teaches(answer)]
        starting = not asked and now_s - self._all_refused_s < ALL_REFUSED_APART_S
        if starting or now_s < self._rest_s or self.memory.full:
            return None
        config, known = plan.config, self.memory.knowledge
        return Search(
            plan.points,
            max_registers=min(config.max_registers, known.max_registers or config.max_registers),
            max_bits=min(config.max_bits, known.max_bits or config.max_bits),
            asked=asked,
        )

    def take(self, search: Search, plan: ModbusPlan, *, cut: DriverError | None) -> None:
        """Learn from a search; `cut` is the error that cut it short, if one did."""
        now_s = self.clock()
        holes = search.holes()
        if search.unexplained or isinstance(cut, (NoReply, Silent)):
            self._rest_s = now_s + REST_S
        elif cut is not None:
            self._rest_s = now_s + CUT_REST_S
        if search.accepted:
            self._all_refused = 0
        elif cut is not None:
            return
        else:
            self._all_refused += 1
            self._all_refused_s = now_s
            self.calm_until_ns = 0
            if self._all_refused < ALL_REFUSED_TIMES:
                return
        if holes:
            self.memory.add_holes(holes)
        for holds_bits, count in search.limits.items():
            self.memory.set_limit(count, holds_bits=holds_bits)
        if holes or search.limits:
            self._apply(plan)

    # silence

    def met_silence(self, plan: ModbusPlan, compiled: Compiled, answered: int) -> None:
        """Note that a read was met by silence after so many answers."""
        worked = self._worked or compiled is not plan.compiled
        if worked or not plan.config.learn or answered >= len(compiled.blocks):
            return
        block = compiled.blocks[answered]
        first = parts_of(block, plan.points)[0]
        self.silence.met(block, block_of(block.table, [first]))
        self._look_s, self.calm_until_ns = -math.inf, 0

    def probe_answered(self, plan: ModbusPlan) -> None:
        """Note that the short request before a suspected block was answered."""
        self._settle(self.silence.probe_answered(), plan)

    # every read

    @property
    def wary(self) -> bool:
        """Whether a short request must be answered before the next read."""
        return self.silence.probe is not None

    def timed(self, read_s: float) -> None:
        """Note how long a read took while no other shared the line."""
        self._pace.note(read_s)

    def due(self, plan: ModbusPlan, *, clean: bool) -> Due | None:
        """Note a read, without refusals or not; gives the one request to be asked beside it."""
        now_s = self.clock()
        if clean:
            self._all_refused, self._worked = 0, True
        if now_s < self._look_s or not plan.config.learn:
            self.timing = False
            self._calm(self._look_s - now_s if plan.config.learn else _FOREVER_S)
            return None
        self._look_s, self.timing = now_s + LOOK_S, True
        if clean:
            self._settle(self.silence.worked(plan.compiled.blocks), plan)
        if self.silence.searching:
            return self._trial(now_s)
        holes = self.memory.due_holes()
        if holes:
            self._look_s = now_s if len(holes) > 1 else self._look_s
            return Due(self._crossing(holes[0]), hole=holes[0])
        limit = self.memory.due_limit()
        if limit is not None:
            return self._longer(plan, limit[0].count, holds_bits=limit[1])
        self._measure(plan, now_s)
        return None

    def checked(self, due: Due, answer: Answer | None, plan: ModbusPlan) -> None:
        """Note what a check brought; None is silence. What says nothing of addresses is passed."""
        answered = isinstance(answer, bytes)
        if isinstance(answer, ExceptionReply) and not teaches(answer):
            return
        if due.hole is not None:
            if answered:
                self.memory.drop_hole(due.hole)
                self._apply(plan)
            elif answer is not None:
                self.memory.confirm_hole(due.hole)
        elif due.limit:
            holds_bits = due.block.table.holds_bits
            if answered:
                self.memory.drop_limit(holds_bits=holds_bits)
                self._apply(plan)
            else:
                self.memory.confirm_limit(holds_bits=holds_bits)
        else:
            self._settle(self.silence.tried(due.block, answered=answered), plan)

    # a plan of which nothing can be read

    def sign_of_life(self, plan: ModbusPlan) -> Block:
        """Give a request for one of the points in turn, where all of them lie in holes."""
        self._turn = (self._turn + 1) % len(plan.points)
        point = plan.points[self._turn]
        limit = self.memory.limit(holds_bits=point.table.holds_bits)
        return Block(
            point.table, point.start, min(point.width, limit.count) if limit else point.width, ()
        )

    def revived(self, plan: ModbusPlan) -> None:
        """Forget every hole: a device of which nothing could be read answers."""
        self.memory.drop_holes()
        self._apply(plan)

    # inside

    def _apply(self, plan: ModbusPlan) -> None:
        """Have the plan made anew from what is known."""
        plan.recompile(self.memory.knowledge)
        self._pace.begin()
        self._worked, self.calm_until_ns = False, 0

    def _calm(self, for_s: float) -> None:
        """Let reads without refusals pass for a while; a wall clock that jumps only ends it."""
        self.calm_from_ns = self._wall_ns()
        self.calm_until_ns = self.calm_from_ns + int(for_s * _NS_PER_S)

    def _settle(self, found: tuple[Table, int] | None, plan: ModbusPlan) -> None:
        """Obey a limit that silence taught."""
        if found is not None:
            table, count = found
            self.memory.set_limit(count, holds_bits=table.holds_bits)
            self._apply(plan)
            self._look_s = -math.inf

    def _trial(self, now_s: float) -> Due | None:
        """Give the next trial of a length, not more often than a connection may be lost for it."""
        self._look_s = self._trial_s + TRIAL_APART_S
        block = self.silence.trial()
        if block is None or now_s < self._look_s:
            return None
        self._trial_s, self._look_s = now_s, now_s + TRIAL_APART_S
        return Due(block)

    def _crossing(self, hole: HoleLesson) -> Block:
        """Give the request that asks for a hole again; a border is crossed by an address each."""
        start, end = hole.start, hole.end
        if start == end:
            start, end = start - 1, end + 1
        limit = self.memory.limit(holds_bits=hole.table.holds_bits)
        return Block(hole.table, start, min(end - start, limit.count) if limit else end - start, ())

    def _longer(self, plan: ModbusPlan, count: int, *, holds_bits: bool) -> Due | None:
        """Give a request longer by one than a limit; without room for it the limit is dropped."""
        for block, after in pairwise(plan.compiled.blocks):
            if (
                block.table is after.table
                and block.table.holds_bits == holds_bits
                and after.start <= block.end + GAP_CAP
                and after.end - block.start > count
            ):
                return Due(Block(block.table, block.start, count + 1, ()), limit=True)
        self.memory.drop_limit(holds_bits=holds_bits)
        self._apply(plan)
        return None

    def _measure(self, plan: ModbusPlan, now_s: float) -> None:
        """Make the plan anew when requests turn out to cost something else than it reckoned."""
        read_s = self._pace.result_s(now_s)
        if read_s is None or not plan.compiled.blocks:
            return
        request_s = plan.request_s(read_s)
        if worth(self.memory.knowledge.request_s, request_s):
            self.memory.set_request_s(rounded(request_s))
            self._apply(plan)
