"""Builds every part of the agent and nests their lifetimes; the only module that knows them all.

Sinks outlive sources: on the way out collecting ends first, then what is in memory is committed,
then what can still be sent is sent, then the store closes. What is not acknowledged stays on disk.
A bug in store, publisher or here ends the process; devices never do.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.clock.clock import Clock
from agent.clock.keeper import Keeper
from agent.clock.seals import Seals
from agent.collect.collector import Collector
from agent.control.service import taking_orders
from agent.indicator.keeper import Indicators, journal_hash
from agent.kpi.live import METRIC_NAMES, LiveRate
from agent.kpi.report import DEVICE as RATE_DEVICE
from agent.kpi.report import GROUP as RATE_GROUP
from agent.kpi.sealing import Sealing
from agent.kpi.shop import Shop
from agent.process.beside import beside, within
from agent.process.memory import settle
from agent.process.renewal import Renewal, content_of
from agent.process.threads import prepare_threads
from agent.process.vitals import Vitals
from agent.publish.announce import Notices, digest
from agent.publish.destinations import Destinations, serve_all
from agent.publish.payload import ENVELOPE_BYTES, IDENTITY_BYTES, GroupCodec
from agent.publish.sender import Sender
from agent.publish.stamping import RowDates, StampingCodec, StampingSink
from agent.store.beginning import Beginning
from agent.store.events import event_body
from agent.store.file import disk_hangs
from agent.store.sqlite import Outbox
from agent.store.writer import Writer
from agent.telemetry.notify import Notifier
from agent.telemetry.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.config.plan import Loaded
    from agent.store.outbox import Committed

FINISH_S = 5.0
"""Grace, on the way out, for what was sent to be acknowledged."""
HUNG_S = 1.0
"""The same while the disk takes nothing: there is little to be told to anybody."""

_log = logging.getLogger("chulian.app")


@dataclass(frozen=True, slots=True)
class Started:
    """What a caller may want to know of a running agent."""

    status: Callable[[], Status]
    page_url: str


class Agent:
    """One agent; `run` is its whole life."""

    def __init__(self, loaded: Loaded, *, notifier: Notifier | None = None) -> None:
        self._loaded = loaded
        self._config, self._devices = loaded.config, loaded.devices
        self._notifier = notifier or Notifier()
        self._started_s = time.monotonic()
        self._clock = Clock(synchronised_file=loaded.config.clock.synchronised_file)
        self._failure: asyncio.Future[None] | None = None
        self._control = ""

    async def run(
        self, stop: asyncio.Event, *, on_start: Callable[[Started], None] | None = None
    ) -> None:
        """Collect, store and forward until `stop` is set.

        Raises:
            StoreError: the store cannot be opened, or not be written any more.
            BindError: the page's address is taken.
        """
        loop = asyncio.get_running_loop()
        self._failure = loop.create_future()
        await prepare_threads()
        outbox = Outbox.open(self._config.store)
        begun = Beginning.of(outbox)
        self._build(outbox)
        self._writer.start()
        try:
            async with AsyncExitStack() as stack:
                begun.tell(self._sink, version=self._loaded.version)  # any commit moves its end
                page_url = await self._serve_page(stack)
                await self._live(stop, Started(self.status, page_url), on_start)
        finally:
            await self._close_store()
        if self._failure.done():
            self._failure.result()

    def status(self) -> Status:
        """Give a snapshot of the whole agent."""
        gateway, now_ms = self._config.gateway, _now_ms()
        enterprise = self._renewal.config.enterprise
        return Status(
            self._loaded.version,
            gateway.id,
            gateway.name,
            enterprise.name or enterprise.id,
            gateway.language,
            now_ms - int((time.monotonic() - self._started_s) * 1000),  # whatever the clock did
            now_ms,
            self._clock.state(),
            self._collector.tried and self._writer.healthy,
            self._collector.status(),
            self._writer.status(),
            self._destinations.status(),
            self._rate.status(),
            self._control,
            clock_note=self._keeper.note,
            process=self._vitals.status(),
            shifts=self._shop.recent(),
        )

    def reload(self) -> None:
        """Have the configuration read again; what came of it stands in the status."""
        self._vitals.reload()

    # -- building --------------------------------------------------------------------------------

    def _build(self, outbox: Outbox) -> None:
        config = self._config
        self._indicators = Indicators(config, outbox.lessons(), self._put_event)
        content = content_of(config, self._devices, key=self._indicators.key)
        serve_all(outbox, config.publish)
        self._writer = Writer(
            outbox,
            commit_interval_s=config.store.commit_interval_s,
            on_commit=self._committed,
            on_failure=self._fail,
        )
        self._sink = StampingSink(self._writer, self._clock)
        self._rate = LiveRate(
            config, self._devices, outbox.evidence(), dated=lambda: not self._clock.free,
            around=lambda: (self._collector.status(), self._writer.status().losses),
            sealing=Sealing(config.store.path, outbox.lessons(),
                            journal=lambda: journal_hash(config)), tells=self._indicators,
        )  # fmt: skip
        self._shop = Shop(config, self._devices, outbox.lessons(),
                          tell=self._put_event, dated=lambda: not self._clock.free)  # fmt: skip
        self._rate_codec = self._codec(RATE_DEVICE, RATE_GROUP, METRIC_NAMES)
        self._collector = Collector(
            self._devices,
            sink=self._sink,
            codec=lambda d, g: self._codec(d, g.name, [t.name for t in g.tags]),
            observer=self._rate.watch,
            follower=self._shop.follow,
            lessons=[row for row in outbox.lessons() if not row[0].startswith("@")],
        )
        seals = Seals(self._clock.boot, outbox.lessons())
        sender = Sender(config.enterprise.id, config.gateway.id, outbox.epoch, outbox.base)
        self._destinations = Destinations(
            config.publish,
            sender,
            store=(outbox, self._writer),
            passwords=self._loaded.secrets,
            clock=self._clock.state,
            dates=RowDates(seals),
            notices=Notices(
                content,
                sender,
                meta_version=outbox.meta_version(digest(content)),
                version=self._loaded.version,
                clock=self._clock.state,
            ),
            tell=self._put_event,
        )
        self._build_watch(outbox, seals)

    def _build_watch(self, outbox: Outbox, seals: Seals) -> None:
        self._keeper = Keeper(
            self._clock, seals, store=self._writer, max_hold_s=self._config.clock.max_hold_s,
            held=lambda: self._destinations.holds, online=lambda: self._destinations.online,
            tell=self._put_event, on_settled=self._destinations.settled,
            on_trusted=self._destinations.clock_trusted,
        )  # fmt: skip
        self._renewal = Renewal(
            self._loaded, store=(outbox, self._writer), collector=self._collector,
            destinations=self._destinations, rate=self._rate, shop=self._shop,
            indicators=self._indicators,
        )  # fmt: skip
        self._vitals = Vitals(
            self._loaded, writer=self._writer, collector=self._collector,
            destinations=self._destinations, notifier=self._notifier,
            tell=self._put_event, apply=self._renewal.apply,
        )  # fmt: skip

    def _codec(self, device: str, group: str, names: Sequence[str]) -> StampingCodec:
        message_bytes = int(min(p.max_message_kb for p in self._config.publish) * 1000)
        room = message_bytes - ENVELOPE_BYTES - IDENTITY_BYTES
        return StampingCodec(GroupCodec(device, group, names, max_row_bytes=room), self._clock)

    async def _serve_page(self, stack: AsyncExitStack) -> str:
        if not self._config.http.enabled:
            return ""
        from agent.web.editing.gate import Editable, Gate
        from agent.web.server import serve

        in_force = lambda: self._renewal.config  # noqa: E731 - given twice
        self._vitals.server = await stack.enter_async_context(
            serve(
                self._config.http,
                self.status,
                stalled=self._vitals.stalled,
                allowed_hosts=self._config.http.allowed_hosts,
                config=in_force,
                editing=Gate(
                    Editable(self._loaded.path, in_force, self.status, self._vitals.renew)
                ),
            )
        )
        return self._vitals.server.url

    async def _live(
        self,
        stop: asyncio.Event,
        started: Started,
        on_start: Callable[[Started], None] | None,
    ) -> None:
        """Run sources inside sinks; leaving is the reverse of entering."""
        async with beside(self._destinations.run(), "publisher", self._ended):
            async with (
                beside(self._shop.run(self._writer, self._codec), "shifts", self._ended),
                beside(self._collector.run(), "collector", self._ended),
                beside(self._rate.run(self._writer, self._rate_codec), "rate", self._ended),
                beside(self._keeper.run(), "clock", self._ended),
                beside(self._vitals.run(), "vitals", self._ended),
                beside(self._renewal.keep_history(self._clock), "ledger", self._ended),
                taking_orders(
                    self._devices,
                    store=self._config.store.path,
                    session=self._collector.session,
                    record=self._sink.put_event,
                ) as self._control,
            ):
                settle()  # reading the configuration left much behind
                self._notifier.ready()
                _log.info("collecting from %d devices", len(self._devices))
                if on_start is not None:
                    on_start(started)
                await self._until(stop)
                self._notifier.stopping()
            self._rate.save(self._writer)
            assert self._failure is not None  # noqa: S101 - set in run
            self._put_event("stop", clean=not self._failure.done())
            settled = await within(FINISH_S, self._writer.flush())
            await self._destinations.finish(FINISH_S if settled else HUNG_S)

    async def _until(self, stop: asyncio.Event) -> None:
        assert self._failure is not None  # noqa: S101 - set in run
        waiter = asyncio.ensure_future(stop.wait())
        ends: list[asyncio.Future[Any]] = [waiter, self._failure]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()

    async def _close_store(self) -> None:
        try:
            await self._writer.close()
        except TimeoutError:
            path = self._config.store.path
            if self._writer.unsaved:
                self._fail(disk_hangs(path, self._writer.pending_frames))
            else:
                _log.error("%s: all is stored; the file could not be closed in time", path)

    def _committed(self, done: Committed) -> None:
        self._destinations.committed(done)
        self._keeper.committed()

    def _put_event(self, kind: str, **fields: object) -> None:
        now_ms = _now_ms()
        self._sink.put_event(now_ms, event_body(kind, t_ms=now_ms, **fields))

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._fail(task.exception())

    def _fail(self, error: BaseException | None) -> None:
        if self._failure is not None and not self._failure.done() and error is not None:
            _log.critical("the agent cannot go on: %s", error, exc_info=error)
            self._failure.set_exception(error)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
