"""A store, its writer and a publisher at a broker, with the platform that listens."""

from __future__ import annotations

import asyncio
import contextlib

from unit.agent.store.patience import until

from agent.backoff import Backoff
from agent.config.destination import Destination
from agent.config.model import Store
from agent.publish import delivery, refusal
from agent.publish import publisher as publisher_module
from agent.publish.announce import status_message
from agent.publish.payload import GroupCodec
from agent.publish.publisher import Publisher
from agent.publish.sender import Sender
from agent.store import writer as writer_module
from agent.store.events import event_body
from agent.store.sqlite import Outbox
from agent.store.writer import Writer
from drivers.api import Frame
from simulators.platform import Platform

META = (
    b'{"v":1,"gw":"gw","ep":"%b","mv":0,"t":1,"tz":"Asia/Shanghai",'
    b'"enterprise":{"id":"ent","industry_kind":"discrete"},"devices":[],'
    b'"ledger":{"processes":[],"equipment":[]},"rate":{"rules":"1","method":"mean",'
    b'"control_set":"strict","period_days":1,"min_days":1,"min_day_share":0,'
    b'"scheduled_days":1,"control_metrics":[]}}'
)
TOPIC = "hb/v1/ent/gw/"


def hurry(monkeypatch):
    """Make every pause of publisher and writer short."""
    monkeypatch.setattr(writer_module, "LAZINESS_S", 0.0)
    monkeypatch.setattr(writer_module, "HEARTBEAT_S", 0.02)
    monkeypatch.setattr(
        publisher_module, "Backoff", lambda longest_s: Backoff(first_s=0.02, longest_s=0.1)
    )
    monkeypatch.setattr(delivery, "PAUSE_S", 0.02)
    for code in refusal.PAUSES_S:
        monkeypatch.setitem(refusal.PAUSES_S, code, 0.05)


class Bench:
    """`async with Bench(path, broker.url) as bench:` has everything but a running publisher."""

    def __init__(
        self,
        tmp_path,
        url,
        *,
        password=None,
        max_row_bytes=40_000,
        commit_interval_s=0.02,
        **fields,
    ):
        self.settings = Destination(url=url, **fields)
        self.outbox = Outbox.open(Store(path=tmp_path / "store.db"))
        self.epoch = self.outbox.epoch
        self.codec = GroupCodec("dev", "grp", ["x"], max_row_bytes=max_row_bytes)
        self.failures = []
        self.meta = META % self.epoch.encode()
        self.writer = Writer(
            self.outbox,
            commit_interval_s=commit_interval_s,
            on_commit=self._committed,
            on_failure=self.failures.append,
        )
        self.publisher = Publisher(
            self.settings,
            Sender("ent", "gw", self.epoch),
            store=self.writer,
            waiting=self.outbox.waiting_range,
            last_seq=self.outbox.totals.last_seq,
            tell=self._tell,
            password=password,
            clock=lambda: "sync",
            meta=lambda: self.meta,
            status=self._status,
        )
        self._task = None
        self._number = 0

    def _tell(self, kind, **fields):
        self.writer.put_event(1, event_body(kind, t_ms=1, **fields))

    def _committed(self, done):
        self.publisher.committed(done)

    def _status(self, state):
        return status_message(
            state, gateway="gw", epoch=self.epoch, version="1", clock="sync",
            store=self.writer.status(),
        )  # fmt: skip

    async def __aenter__(self):
        self.writer.start()
        return self

    async def __aexit__(self, *_):
        await self.stop()
        await self.writer.close()
        assert self.failures == []

    def start(self):
        """Let the publisher run."""
        self._task = asyncio.create_task(self.publisher.run())

    async def stop(self):
        """End the publisher as the agent would."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def connected(self):
        """Wait until the publisher is connected."""
        await until(lambda: self.publisher.status().connected)

    async def put(self, count=1, *, text=""):
        """Store rows of one value each: a number, or a text."""
        for _ in range(count):
            await self.collect(text=text)
            await self.writer.flush()

    async def collect(self, *, text=""):
        """Hand in one value, which waits for the next commit."""
        self._number += 1
        value = text or self._number
        frame = Frame("dev", "grp", 1_795_400_000_000_000_000 + self._number, (value,))
        await self.writer.put_frame(self.codec, frame)

    async def wide(self, count, *, text):
        """Store one row of so many texts."""
        names = [f"wide.m{number}" for number in range(count)]
        codec = GroupCodec("dev", "wide", names, max_row_bytes=40_000)
        frame = Frame("dev", "wide", 1_795_400_000_000_000_000, (text,) * count)
        await self.writer.put_frame(codec, frame)
        await self.writer.flush()

    @property
    def waiting(self):
        """Rows that wait in the store."""
        return self.writer.status().waiting.rows

    async def drained(self):
        """Wait until every row has left the store."""
        await until(lambda: self.writer.pending_frames == 0 and self.waiting == 0, within_s=10)
        assert self.writer.status().balanced

    @property
    def problem(self):
        """What the publisher says is wrong."""
        return self.publisher.status().problem


@contextlib.asynccontextmanager
async def listening(broker):
    """Give a platform that has subscribed, and hold it to account at the end."""
    async with Platform(broker.url) as platform:
        yield platform
        summary = platform.summary()
        assert (summary["schema_errors"], summary["first_errors"]) == (0, [])
        assert (summary["altered_duplicates"], summary["unaccounted_rows"]) == (0, 0)
        assert summary["holes"] == []


async def arrived(platform, rows):
    """Wait until the platform has so many rows."""
    await until(lambda: platform.receiver.total("rows") >= rows, within_s=10)
    assert platform.receiver.total("rows") == rows
