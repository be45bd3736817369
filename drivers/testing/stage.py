"""The stage a test of the battery plays on: a started case, its plan, and what is held open.

Each scenario runs in an event loop of its own, is bounded in time, and stops its case whatever
happens.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from drivers.api import Frame, Plan, Polls, Quality, Tag, Value
from drivers.testing.expect import MARGIN_S, deadline, require
from drivers.testing.frames import assert_frame_valid, quality_at, tag_positions

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Callable,
        Coroutine,
        Hashable,
        Iterable,
        Iterator,
        Sequence,
    )
    from contextlib import AbstractAsyncContextManager

    from drivers.api import DeviceConfig
    from drivers.testing.case import Case

DEVICE = "device-1"
GROUP = "group-1"
_NEEDS = "needs_capability"
_SCENARIO_S = 30.0
_LOOP_TICK_S = 0.005
_DESCRIPTORS = Path("/proc/self/fd")


class HasCase(Protocol):
    """Anything that carries a case, as every part of the battery does."""

    @property
    def case(self) -> Case:
        """The case under test."""


HasCaseT = TypeVar("HasCaseT", bound=HasCase)
TestT = TypeVar("TestT", bound="Callable[..., None]")
Reading = tuple[Value, Quality, str]
"""Value, quality and reason of one tag."""


def scenario(
    play: Callable[[HasCaseT], Coroutine[Any, Any, None]],
) -> Callable[[HasCaseT], None]:
    """Make a test that runs in a loop of the case's own kind and stops the case at the end."""

    @functools.wraps(play)
    def run(self: HasCaseT) -> None:
        with asyncio.Runner(loop_factory=self.case.new_loop) as runner:
            runner.run(_bounded(self.case, play(self)))

    return run


def needs(capability: type[Any]) -> Callable[[TestT], TestT]:
    """Mark a test as one of those sessions only that satisfy a capability's protocol."""

    def mark(test: TestT) -> TestT:
        vars(test)[_NEEDS] = capability
        return test

    return mark


def unneeded(suite: type[Any], session: type[Any]) -> Iterator[str]:
    """Yield the names of the tests of a suite that sessions of this class need not pass."""
    for name in dir(suite):
        capability = getattr(getattr(suite, name), _NEEDS, None)
        if capability is not None and not issubclass(session, capability):
            yield name


async def _bounded(case: Case, play: Coroutine[Any, Any, None]) -> None:
    try:
        async with deadline(_SCENARIO_S, doing="the whole test"):
            await play
    finally:
        async with deadline(_SCENARIO_S, doing="stopping the case"):
            await case.stop()


@dataclass(frozen=True, slots=True)
class Stage:
    """A started case with a plan of its tags."""

    case: Case
    config: DeviceConfig
    link: Hashable
    plan: Plan

    @classmethod
    async def set_up(cls, case: Case, *, extra: Sequence[Tag] = ()) -> Stage:
        """Start the case's server and plan its tags, and `extra` ones in their midst."""
        config = await case.start()
        tags = list(case.expected)
        return cls.at(case, config, [tags[0], *extra, *tags[1:]])

    @classmethod
    def at(cls, case: Case, config: DeviceConfig, tags: Sequence[Tag]) -> Stage:
        """Plan tags for a config, without a server."""
        plan = case.driver.plan(config, tags, device=DEVICE, group=GROUP)
        return cls(case=case, config=config, link=case.driver.link(config), plan=plan)

    @property
    def polls(self) -> bool:
        """Whether the driver's sessions read on demand."""
        return issubclass(self.case.driver.session, Polls)

    @property
    def open_within_s(self) -> float:
        """Within what opening must succeed or fail."""
        case = self.case
        return (case.open_timeout_s or case.timeout_s) + MARGIN_S

    @property
    def answer_within_s(self) -> float:
        """Within what `current` must give its frames or an error."""
        case = self.case
        return (case.timeout_s if self.polls else case.silence_s or case.timeout_s) + MARGIN_S

    def open(self) -> AbstractAsyncContextManager[Any]:
        """Open a session on the stage's link."""
        return self.case.driver.open(self.link)

    async def current(self, session: Any) -> dict[str, Reading]:
        """Get every tag's value once, by a read or, if sessions only push, by a subscription."""
        if self.polls:
            frame = await session.read(self.plan)
            assert_frame_valid(frame, self.plan, complete=True)
            return readings([frame], self.plan)
        async with self.stream(session) as frames:
            return await collect(frames, self.plan)

    @asynccontextmanager
    async def stream(self, session: Any) -> AsyncIterator[AsyncGenerator[Frame, None]]:
        """Subscribe, and end the subscription with the block."""
        frames = session.subscribe(self.plan, interval_s=self.case.interval_s)
        require(
            hasattr(frames, "aclose"),
            "subscribe() must give an async generator (or an iterator with `aclose`)",
        )
        try:
            yield frames
        finally:
            async with deadline(self.answer_within_s, doing="closing a subscription"):
                await frames.aclose()

    def expects(self, *, changed: bool = False) -> dict[str, Value]:
        """Give the value each tag of the case must have, before or after its `change`."""
        values = {tag.name: value for tag, value in self.case.expected.items()}
        if changed:
            values[self.case.change[0].name] = self.case.change[1]
        return values


def readings(frames: Iterable[Frame], plan: Plan) -> dict[str, Reading]:
    """Give the last reading of each tag that occurs in some valid frames."""
    found: dict[str, Reading] = {}
    for frame in frames:
        for position, at in enumerate(tag_positions(frame)):
            reason = (frame.reasons or {}).get(position, "")
            found[plan.tags[at].name] = (
                frame.values[position],
                quality_at(frame, position),
                reason,
            )
    return found


async def collect(frames: AsyncIterator[Frame], plan: Plan) -> dict[str, Reading]:
    """Take valid frames from a stream until every tag of the plan has been seen."""
    taken: list[Frame] = []
    seen: dict[str, Reading] = {}
    while len(seen) < len(plan.tags):
        frame = await anext(frames)
        assert_frame_valid(frame, plan)
        taken.append(frame)
        seen = readings(taken, plan)
    return seen


def require_values(seen: dict[str, Reading], values: dict[str, Value], *, doing: str) -> None:
    """Require tags to be good and to have these very values (1 is not True, nor 1.0)."""
    for name, value in values.items():
        require(name in seen, f"{doing}: no value of {name}")
        got, quality, reason = seen[name]
        same = type(got) is type(value) and got == value
        require(
            same and quality is Quality.GOOD,
            f"{doing}: {name} is {got!r} ({quality.name} {reason}), not {value!r} (GOOD)",
        )


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a process holds at an instant that a session might forget to give back."""

    tasks: frozenset[asyncio.Task[Any]]
    threads: frozenset[threading.Thread]
    descriptors: int

    @classmethod
    def now(cls) -> Holdings:
        """Count tasks of the running loop, threads, and (on Linux) file descriptors."""
        # threads of the loop's own executor are the loop's: they are reused and never end early
        threads = (t for t in threading.enumerate() if not t.name.startswith("asyncio_"))
        return cls(
            tasks=frozenset(asyncio.all_tasks()),
            threads=frozenset(threads),
            descriptors=len(list(_DESCRIPTORS.iterdir())) if _DESCRIPTORS.is_dir() else 0,
        )

    def surplus(self, since: Holdings) -> str:
        """Say what is held now and was not before; empty if nothing."""
        found = [f"task {task.get_name()!r}" for task in self.tasks - since.tasks]
        found += [f"thread {thread.name!r}" for thread in self.threads - since.threads]
        if (more := self.descriptors - since.descriptors) > 0:
            found.append(f"{more} file descriptors")
        return ", ".join(found)


class LoopTicker:
    """Measures the longest time the loop was blocked while the block was open."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._tick(), name="ticker")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _tick(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            before = clock()
            await asyncio.sleep(_LOOP_TICK_S)
            self.longest_s = max(self.longest_s, clock() - before - _LOOP_TICK_S)
