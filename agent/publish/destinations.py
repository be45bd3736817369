"""Every destination: each with a connection, a window, a pace and a place in the store of its own.

They share nothing but the rows: one that is away, slow or refuses stops no other.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.publish.publisher import Publisher
from agent.store.portion import Portion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from agent.config.destination import Destination
    from agent.publish.announce import Notices
    from agent.publish.sender import Sender
    from agent.publish.stamping import Datings
    from agent.store.outbox import Committed, Place
    from agent.store.sqlite import Outbox
    from agent.store.writer import Writer
    from agent.telemetry.status import DestinationStatus


STOP_S = 10.0
"""Within this a destination that is taken out has let go of its connection."""


def serve_all(outbox: Outbox, settings: Sequence[Destination]) -> None:
    """Tell the store who is to have its rows; called once, before its writer is made."""
    outbox.serve(_names(settings))


class Destinations:
    """The publishers; every method speaks to all of them."""

    def __init__(
        self,
        settings: Sequence[Destination],
        sender: Sender,
        *,
        store: tuple[Outbox, Writer],
        passwords: Mapping[str, str],
        clock: Callable[[], str],
        dates: Datings,
        notices: Notices,
        tell: Callable[..., None],
    ) -> None:
        self._outbox, self._writer = store
        self._sender = sender
        self._clock = clock
        self._dates = dates
        self._notices = notices
        self._tell = tell
        self._thrift = 1
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._broken: asyncio.Future[None] | None = None
        self.settings: tuple[Destination, ...] = ()
        """As they are configured, in that order."""
        self._portions: tuple[Portion, ...] = ()
        self.publishers: tuple[Publisher, ...] = ()
        """In the order of the configuration."""
        self._passwords: Mapping[str, str] = {}
        self._set(
            settings,
            passwords,
            self._outbox.places([one.name for one in settings]),
            kept=frozenset(),
        )

    def _set(
        self,
        settings: Sequence[Destination],
        passwords: Mapping[str, str],
        places: Mapping[str, Place],
        *,
        kept: AbstractSet[str],
    ) -> None:
        """Have a publisher for each destination, those of `kept` the same as before."""
        old = {
            one.name: (portion, publisher)
            for one, portion, publisher in zip(
                self.settings, self._portions, self.publishers, strict=True
            )
            if one.name in kept
        }
        several = len(settings) > 1
        made = [
            old.get(one.name)
            or self._made(one, passwords.get(one.name), places[one.name], several=several)
            for one in settings
        ]
        self.settings, self._passwords = tuple(settings), passwords
        self._portions = tuple(portion for portion, _ in made)
        self.publishers = tuple(publisher for _, publisher in made)

    def _made(
        self, one: Destination, password: str | None, place: Place, *, several: bool
    ) -> tuple[Portion, Publisher]:
        portion = Portion(self._writer, self._outbox, place.number)
        publisher = Publisher(
            one,
            self._sender,
            store=portion,
            waiting=place.waiting,
            last_seq=place.last_seq,
            password=password,
            clock=self._clock,
            dates=self._dates,
            meta=self._notices.meta,
            status=_status(self._notices, portion),
            tell=_telling(self._tell, one.name) if several else self._tell,
        )
        publisher.save_memory(self._thrift)
        return portion, publisher

    async def run(self) -> None:
        """Keep every connection, for ever; destinations may come and go meanwhile."""
        self._broken = asyncio.get_running_loop().create_future()
        self._start()
        try:
            await self._broken
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _start(self) -> None:
        for one, publisher in zip(self.settings, self.publishers, strict=True):
            if one.name not in self._tasks:
                task = asyncio.create_task(publisher.run(), name=f"publisher {one.name}")
                task.add_done_callback(self._ended)
                self._tasks[one.name] = task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Have a bug in one of them end all of them."""
        error = None if task.cancelled() else task.exception()
        if error is not None and self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)

    async def renew(self, settings: Sequence[Destination], passwords: Mapping[str, str]) -> None:
        """Go on for other destinations; called while `run` runs.

        One that is as before keeps its connection, but for where one becomes several, or several
        become one. What waits for those that stay goes on waiting.

        Raises:
            TimeoutError: one does not let go of its connection, or the disk takes nothing; the
                destinations are as before, but for the one that hangs.
        """
        several = len(self.settings) > 1 and len(settings) > 1
        same = {one.name for one in settings if several and one in self.settings}
        kept = {name for name in same if passwords.get(name) == self._passwords.get(name)}
        leaving = [name for name in self._tasks if name not in kept]
        tasks = [self._tasks.pop(name) for name in leaving]
        for task in tasks:
            task.cancel()
        if tasks:
            _, hung = await asyncio.wait(tasks, timeout=STOP_S)
            if hung:
                self._tasks |= {n: t for n, t in zip(leaving, tasks, strict=True) if t in hung}
                self._start()
                raise TimeoutError
        try:
            async with asyncio.timeout(STOP_S):
                await self._writer.flush()  # what they have accepted is noted under their numbers
        except TimeoutError:
            self._start()
            raise

        def take_over(places: Mapping[str, Place]) -> None:
            self._set(settings, passwords, places, kept=kept)
            self._start()

        await self._writer.serve(_names(settings), take_over)

    def save_memory(self, thrift: int) -> None:
        """Keep by so much less than usual in memory; 1 is as usual."""
        self._thrift = thrift
        for publisher in self.publishers:
            publisher.save_memory(thrift)

    def explain(self, content: dict[str, Any], meta_version: int) -> None:
        """Have other content of the meta message sent before any row committed from now on."""
        self._notices.renew(content, meta_version)
        for publisher in self.publishers:
            publisher.announce_meta()

    def committed(self, done: Committed) -> None:
        """Take note of a commit."""
        for publisher in self.publishers:
            publisher.committed(done)

    def status(self) -> tuple[DestinationStatus, ...]:
        """Give a snapshot of each."""
        several = len(self.publishers) > 1
        return tuple(
            replace(
                publisher.status(),
                policy=one.policy,
                rows=portion.status() if several else None,
            )
            for one, portion, publisher in zip(
                self.settings, self._portions, self.publishers, strict=True
            )
        )

    @property
    def online(self) -> bool:
        """Whether any destination is connected."""
        return any(publisher.status().connected for publisher in self.publishers)

    @property
    def holds(self) -> bool:
        """Whether rows are known that wait for their time to be settled."""
        return any(publisher.holds for publisher in self.publishers)

    def settled(self) -> None:
        """Take note that the times of held rows have been settled."""
        for publisher in self.publishers:
            publisher.settled()

    def clock_trusted(self) -> None:
        """Take note that dates can be judged again."""
        for publisher in self.publishers:
            publisher.clock_trusted()

    async def finish(self, grace_s: float) -> None:
        """Wait, at most so long, until everything in memory has been acknowledged."""
        await asyncio.gather(*(publisher.finish(grace_s) for publisher in self.publishers))


def _names(settings: Sequence[Destination]) -> list[tuple[str, bool]]:
    return [(one.name, one.policy == "must") for one in settings]


def _status(notices: Notices, portion: Portion) -> Callable[[str], bytes]:
    return lambda state: notices.status(state, portion.status())


def _telling(tell: Callable[..., None], name: str) -> Callable[..., None]:
    return lambda kind, **fields: tell(kind, dest=name, **fields)
