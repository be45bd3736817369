"""Builds every part of the agent and nests their lifetimes; the only module that knows them all.

Sinks outlive sources: on the way out collecting ends first, then what is in memory is committed,
then what can still be sent is sent, then the store closes. What is not acknowledged stays on disk.
A bug in store, publisher or here ends the process; devices never do.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from agent.collect.collector import Collector
from agent.control.service import taking_orders
from agent.kpi.evidence import CONTROL_METRICS, RULES
from agent.kpi.live import METRIC_NAMES, LiveRate
from agent.kpi.report import DEVICE as RATE_DEVICE
from agent.kpi.report import GROUP as RATE_GROUP
from agent.publish.announce import digest, meta_content, meta_message, status_message
from agent.publish.payload import ENVELOPE_BYTES, IDENTITY_BYTES, GroupCodec
from agent.publish.publisher import Publisher
from agent.publish.sender import Sender
from agent.store.events import event_body
from agent.store.sqlite import Outbox
from agent.store.writer import Writer
from agent.telemetry.clock import Clock
from agent.telemetry.notify import Notifier, feed_watchdog
from agent.telemetry.status import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from agent.config.plan import Loaded
    from agent.store.outbox import Committed

FINISH_S = 5.0
"""Grace, on the way out, for what was sent to be acknowledged."""
STALLED_S = 30.0
"""A stage that has not moved for so long stands still."""

_log = logging.getLogger("chulian.app")


@dataclass(frozen=True, slots=True)
class Started:
    """What a caller may want to know of a running agent."""

    status: Callable[[], Status]
    page_url: str


class Agent:
    """One agent; `run` is its whole life."""

    def __init__(self, loaded: Loaded, *, notifier: Notifier | None = None) -> None:
        self._config = loaded.config
        self._devices = loaded.devices
        self._secrets = loaded.secrets
        self._notifier = notifier or Notifier()
        self._version = version("chulian")
        self._started_ms = _now_ms()
        self._clock = Clock()
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
        outbox = Outbox.open(self._config.store)
        self._build(outbox)
        self._writer.start()
        try:
            async with AsyncExitStack() as stack:
                page_url = await self._serve_page(stack)
                self._put_event("start", clean=outbox.opened_clean, version=self._version)
                await self._live(stop, Started(self.status, page_url), on_start)
        finally:
            await self._writer.close()
        if self._failure.done():
            self._failure.result()

    def status(self) -> Status:
        """Give a snapshot of the whole agent."""
        gateway = self._config.gateway
        return Status(
            self._version,
            gateway.id,
            gateway.name,
            self._config.enterprise.name or self._config.enterprise.id,
            gateway.language,
            self._started_ms,
            _now_ms(),
            self._clock.state(),
            self._collector.tried and self._writer.healthy,
            self._collector.status(),
            self._writer.status(),
            (self._publisher.status(),),
            self._rate.status(),
            self._control,
        )

    # -- building --------------------------------------------------------------------------------

    def _build(self, outbox: Outbox) -> None:
        config = self._config
        content = meta_content(config, self._devices, rules=RULES, control_metrics=CONTROL_METRICS)
        mv = outbox.meta_version(digest(content))
        self._writer = Writer(
            outbox,
            commit_interval_s=config.store.commit_interval_s,
            on_commit=self._committed,
            on_failure=self._fail,
        )
        self._rate = LiveRate(config, self._devices, outbox.evidence())
        self._rate_codec = self._codec(RATE_DEVICE, RATE_GROUP, METRIC_NAMES)
        self._collector = Collector(
            self._devices,
            sink=self._writer,
            codec=lambda d, g: self._codec(d, g.name, [t.name for t in g.tags]),
            observer=self._rate.watch,
            lessons=outbox.lessons(),
        )
        destination = config.publish[0]
        sender = Sender(config.enterprise.id, config.gateway.id, outbox.epoch)
        self._publisher = Publisher(
            destination,
            sender,
            store=self._writer,
            waiting=outbox.waiting_range,
            password=self._secrets.get(destination.name),
            clock=self._clock.state,
            meta=lambda: meta_message(
                content, gateway=sender.gateway, epoch=sender.epoch, version=mv
            ),
            status=lambda state: status_message(
                state,
                gateway=sender.gateway,
                epoch=sender.epoch,
                version=self._version,
                clock=self._clock.state(),
                store=self._writer.status(),
            ),
        )

    def _committed(self, done: Committed) -> None:
        self._publisher.committed(done)

    def _codec(self, device: str, group: str, names: Sequence[str]) -> GroupCodec:
        message_bytes = int(self._config.publish[0].max_message_kb * 1000)
        room = message_bytes - ENVELOPE_BYTES - IDENTITY_BYTES
        return GroupCodec(device, group, names, max_row_bytes=room)

    async def _serve_page(self, stack: AsyncExitStack) -> str:
        if not self._config.http.enabled:
            return ""
        from agent.web.server import serve

        server = await stack.enter_async_context(
            serve(
                self._config.http,
                self.status,
                stalled=self._stalled,
                allowed_hosts=self._config.http.allowed_hosts,
            )
        )
        return server.url

    # -- living ----------------------------------------------------------------------------------

    async def _live(
        self,
        stop: asyncio.Event,
        started: Started,
        on_start: Callable[[Started], None] | None,
    ) -> None:
        """Run sources inside sinks; leaving is the reverse of entering."""
        async with _running(self._publisher.run(), "publisher", self._ended):
            async with (
                _running(self._collector.run(), "collector", self._ended),
                _running(self._rate.run(self._writer, self._rate_codec), "rate", self._ended),
                _running(feed_watchdog(self._notifier, self._stalled), "watchdog", self._ended),
                taking_orders(
                    self._devices,
                    store=self._config.store.path,
                    session=self._collector.session,
                    record=self._writer.put_event,
                ) as self._control,
            ):
                gc.collect()
                gc.freeze()
                self._notifier.ready()
                _log.info("collecting from %d devices", len(self._devices))
                if on_start is not None:
                    on_start(started)
                await self._until(stop)
                self._notifier.stopping()
            self._rate.save(self._writer)
            assert self._failure is not None  # noqa: S101 - set in run
            self._put_event("stop", clean=not self._failure.done())
            await self._settle(self._writer.flush())
            await self._publisher.finish(FINISH_S)

    async def _until(self, stop: asyncio.Event) -> None:
        assert self._failure is not None  # noqa: S101 - set in run
        waiter = asyncio.ensure_future(stop.wait())
        ends: list[asyncio.Future[Any]] = [waiter, self._failure]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()

    async def _settle(self, flush: Coroutine[None, None, None]) -> None:
        """Wait for the last commit, unless the store cannot commit any more."""
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(FINISH_S):
                await flush

    def _put_event(self, kind: str, **fields: object) -> None:
        now_ms = _now_ms()
        self._writer.put_event(now_ms, event_body(kind, t_ms=now_ms, **fields))

    def _stalled(self) -> list[str]:
        """Name the stages that stand still; the loop itself is alive if this runs."""
        still_s = time.monotonic() - self._writer.progress_s
        return ["store"] if still_s > STALLED_S else []

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._fail(task.exception())

    def _fail(self, error: BaseException | None) -> None:
        if self._failure is not None and not self._failure.done() and error is not None:
            _log.critical("the agent cannot go on: %s", error, exc_info=error)
            self._failure.set_exception(error)


@contextlib.asynccontextmanager
async def _running(
    work: Coroutine[None, None, None], name: str, on_end: Callable[[asyncio.Task[None]], None]
) -> AsyncIterator[None]:
    """Run work beside the block; leaving the block ends it."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(on_end)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
