"""Looks after the clock while the agent runs: tells its steps, and settles the times of held rows.

Guarantees: a settlement is on disk before anything is sent by it; rows are held until the clock is
in sync, or until the destination has been there for `max_hold_s` without that; steps are told at
once, and added up where the clock jumps all the time. Never sets a clock.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from agent.clock import texts
from agent.clock.clock import FREE, HOLD, LOOK_S, SYNC
from agent.looks import pause_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.clock.clock import Clock
    from agent.clock.seals import Seals
    from agent.telemetry.status import Message

TELL_EVERY_S: Final = 60.0
"""Steps and changes of state are told this often in the long run; what comes faster is added up."""
TELL_AT_ONCE: Final = 4
"""So many are told without a wait: a start and its first synchronisation, a hand that slips."""
_NS_PER_MS: Final = 1_000_000

_log = logging.getLogger("chulian.clock")


class Keeps(Protocol):
    """What this needs of the store; `agent.store.writer.Writer` is one."""

    def put_lessons(self, lessons: Sequence[tuple[str, str, str, int]]) -> None:
        """Have rows kept with the next commit."""

    async def flush(self) -> None:
        """Have everything handed in so far committed now."""


class Keeper:
    """One per agent; `run` is its life."""

    def __init__(
        self,
        clock: Clock,
        seals: Seals,
        *,
        store: Keeps,
        max_hold_s: float,
        held: Callable[[], bool],
        online: Callable[[], bool],
        tell: Callable[..., None],
        on_settled: Callable[[], None],
        on_trusted: Callable[[], None],
    ) -> None:
        """Take what to look after.

        Args:
            clock: the clock.
            seals: where settlements are looked up.
            store: where they are kept.
            max_hold_s: how long rows are held while they could be sent.
            held: whether rows are held.
            online: whether they could be sent now.
            tell: puts an event: its type and its fields.
            on_settled: called when held rows may go.
            on_trusted: called when the clock stops being free.
        """
        self._clock, self._seals, self._store = clock, seals, store
        self._max_hold_s = max_hold_s
        self._held, self._online, self._tell = held, online, tell
        self._on_settled, self._on_trusted = on_settled, on_trusted
        self._held_s = 0.0
        self._turned_s = time.monotonic()
        self._telling = float(TELL_AT_ONCE)
        self._telling_s = self._turned_s
        self._told_state = ""
        self._was_free = self._missed_sync = clock.free
        self._settled_in_sync = False
        self._early = asyncio.Event()
        if seals.vouched is not None:  # an earlier run of this boot saw the clock in sync
            clock.vouch(seals.vouched.offset_ns, seals.vouched.at_ns)

    async def run(self) -> None:
        """Look at the clock every `LOOK_S`, until cancelled; then tell what was not told yet."""
        try:
            while True:
                self._early.clear()
                await self.turn()
                await self._next_look()
        finally:
            self._telling = 1.0
            self._tell_changes(self._clock.state())

    def committed(self) -> None:
        """Take note of a commit: rows that need not be held any longer do not wait for a look."""
        if self._clock.free and self._held() and self._online() and self._left_s <= 0:
            self._early.set()

    async def _next_look(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s(LOOK_S, now_s=loop.time())):
                await self._early.wait()

    async def turn(self) -> None:
        """Look once, tell what is new, settle what can be settled."""
        self._clock.look()
        state = self._clock.state()
        self._tell_changes(state)
        if self._was_free and state != FREE:
            self._on_trusted()
        self._was_free = state == FREE
        self._missed_sync |= self._was_free
        held = self._held()
        waiting = self._count_hold(held=held)
        if (state == SYNC and (held or self._unsettled)) or (state == HOLD and held):
            await self._settle(synchronised=True)
        elif state == FREE and waiting and self._left_s <= 0:
            await self._settle(synchronised=False)

    @property
    def counts_as_evidence(self) -> bool:
        """Whether what is stamped now is of a day that somebody vouches for."""
        return self._clock.state() != FREE

    @property
    def note(self) -> Message | None:
        """What people should know of the clock now; None when all is well."""
        clock, last = self._clock, self._seals.last
        return texts.note(
            clock.state(),
            plausible=clock.plausible,
            held=last is None or last.how != "free",
            hold_s=self._max_hold_s,
            error_ms=clock.error_ms,
        )

    # -- settling --------------------------------------------------------------------------------

    @property
    def _unsettled(self) -> bool:
        last = self._seals.last
        at_ns = -1 if last is None else last.at_ns
        return not self._settled_in_sync or self._clock.stamped_ns > at_ns

    @property
    def _left_s(self) -> float:
        """How much longer rows are held.

        Where the clock may be right and the gateway ran long before we began, a time source had its
        chance: that time counts. A clock that cannot be right, or that was in sync and was then
        moved, gives no such credit.
        """
        clock = self._clock
        idle_s = clock.begun_ns / 1e9 if clock.plausible and not clock.vouched else 0.0
        return self._max_hold_s - self._held_s - idle_s

    def _count_hold(self, *, held: bool) -> bool:
        """Count the time for which rows that could be sent are held; tell whether any are."""
        now_s = time.monotonic()
        waiting = held and self._online()
        if waiting and self._clock.free:
            self._held_s += now_s - self._turned_s
        self._turned_s = now_s
        return waiting

    async def _settle(self, *, synchronised: bool) -> None:
        """Keep a settlement, and then date by it."""
        clock, last = self._clock, self._seals.last
        new = self._seals.settlement(
            synchronised=synchronised, offset_ns=clock.offset_ns, at_ns=clock.up_ns
        )
        stamped = clock.stamped_ns > (-1 if last is None else last.at_ns) and self._missed_sync
        self._store.put_lessons(self._seals.lessons(new))
        await self._store.flush()
        self._seals.settle(new)
        self._held_s = 0.0
        self._settled_in_sync |= synchronised
        self._missed_sync = not synchronised
        if stamped:
            words = {"sync": "dated anew", "free": "sent with the time of a clock nobody set",
                     "kept": "had been sent as stamped"}  # fmt: skip
            _log.warning("data stamped by the unset clock: %s", words[new.how])
            self._tell("settled", boot=clock.boot, state=new.how, up_ms=new.at_ns // _NS_PER_MS)
        self._on_settled()

    # -- telling ---------------------------------------------------------------------------------

    def _tell_changes(self, state: str) -> None:
        """Tell a change of state and the steps made, added up where they come too fast."""
        now_s = time.monotonic()
        earned = (now_s - self._telling_s) / TELL_EVERY_S
        self._telling = min(self._telling + earned, float(TELL_AT_ONCE))
        self._telling_s = now_s
        if self._telling < 1:
            return
        moved_ns, steps = self._clock.take_steps()
        if not steps and state == self._told_state:
            return
        self._telling -= 1
        if steps:
            self._tell_steps(moved_ns // _NS_PER_MS, steps)
        if state != self._told_state:
            _log.log(logging.WARNING if state == FREE else logging.INFO, "clock: %s", state)
            up_ms = self._clock.up_ns // _NS_PER_MS
            self._tell("clock", state=state, boot=self._clock.boot, up_ms=up_ms)
            self._told_state = state

    def _tell_steps(self, by_ms: int, steps: int) -> None:
        to_ms = (self._clock.offset_ns + self._clock.up_ns) // _NS_PER_MS
        _log.warning("the clock was moved by %d ms (in %d steps)", by_ms, steps)
        self._tell(
            "clock_step", boot=self._clock.boot, by_ms=by_ms, steps=steps,
            **{"from": max(0, to_ms - by_ms)}, to=max(0, to_ms),
        )  # fmt: skip
