"""Every destination: each with a connection, a window, a pace and a place in the store of its own.

They share nothing but the rows: one that is away, slow or refuses stops no other.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.publish.publisher import Publisher
from agent.store.portion import Portion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.config.destination import Destination
    from agent.publish.announce import Notices
    from agent.publish.sender import Sender
    from agent.publish.stamping import Datings
    from agent.store.outbox import Committed
    from agent.store.sqlite import Outbox
    from agent.store.writer import Writer
    from agent.telemetry.status import DestinationStatus


def serve_all(outbox: Outbox, settings: Sequence[Destination]) -> None:
    """Tell the store who is to have its rows; called once, before its writer is made."""
    outbox.serve([(one.name, one.policy == "must") for one in settings])


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
        outbox, writer = store
        self._settings = settings
        self._portions = [Portion(writer, outbox, one.name) for one in settings]
        several = len(settings) > 1
        self.publishers = tuple(
            Publisher(
                one,
                sender,
                store=portion,
                waiting=portion.waiting,
                last_seq=outbox.totals.last_seq,
                password=passwords.get(one.name),
                clock=clock,
                dates=dates,
                meta=notices.meta,
                status=_status(notices, portion),
                tell=_telling(tell, one.name) if several else tell,
            )
            for one, portion in zip(settings, self._portions, strict=True)
        )
        """In the order of the configuration."""

    async def run(self) -> None:
        """Keep every connection, for ever."""
        tasks = [
            asyncio.create_task(publisher.run(), name=f"publisher {one.name}")
            for one, publisher in zip(self._settings, self.publishers, strict=True)
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

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
                self._settings, self._portions, self.publishers, strict=True
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


def _status(notices: Notices, portion: Portion) -> Callable[[str], bytes]:
    return lambda state: notices.status(state, portion.status())


def _telling(tell: Callable[..., None], name: str) -> Callable[..., None]:
    return lambda kind, **fields: tell(kind, dest=name, **fields)
