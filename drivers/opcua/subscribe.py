"""One subscription on a server: made in batches, watched for silence, given as frames.

What the server refuses is a BAD value with its reason, not an error. A subscription that keeps
silent for three keep-alive intervals is dead, whatever the connection says.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING, Final

from drivers.api import DriverError, SessionLost
from drivers.opcua.buffer import FrameBuffer
from drivers.opcua.calls import UNKNOWN_NODE, Item, TooMany
from drivers.opcua.frames import bad_frame, make_frame
from drivers.opcua.shape import NotificationDecoder
from drivers.opcua.status import name_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncua import ua

    from drivers.api import Frame
    from drivers.opcua.notify import PublishLoop
    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services

SILENT_KEEPALIVES: Final = 3
"""A subscription that misses so many keep-alive messages is dead."""

CLOSE_TIMEOUT_S: Final = 0.5
"""A server that does not confirm the end of a subscription in this time has hung."""

FIRST_RETRY_S: Final = 10.0
LONGEST_RETRY_S: Final = 300.0
"""Points that the server refused are asked for again, from the first to the longest pause."""

_SEQUENCES: Final = 0xFFFF_FFFF  # numbers run from 1 and skip 0 when they wrap

_log = logging.getLogger(__name__)


class Stream:
    """The frames of one plan, from its subscription."""

    def __init__(
        self, plan: OpcuaPlan, services: Services, *, on_restamped: Callable[[int], None]
    ) -> None:
        self.plan = plan
        """What the stream gives."""
        self._services = services
        self._on_restamped = on_restamped
        self._decoder = NotificationDecoder(len(plan.tags))
        self._frames = FrameBuffer()
        self._next_sequence = 0
        self._subscription_id: int | None = None
        self._publishes: PublishLoop | None = None
        self._heard_s = 0.0
        self._silence_s = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._sampling_s = 0.0
        self._queue_size = 0
        self._refused: dict[int, str] = {}
        self._retry_pause_s = FIRST_RETRY_S / 2
        self._retry_at_s = 0.0
        self.gaps = 0
        """Messages that were numbered and never came."""

    @property
    def shape_hits(self) -> int:
        """Messages decoded by a learned shape."""
        return self._decoder.shape_hits

    @property
    def dropped(self) -> int:
        """Values dropped because the host was too slow."""
        return self._frames.dropped

    async def start(
        self, publishes: PublishLoop | None, nodes: Sequence[ua.NodeId | None], *, sampling_s: float
    ) -> None:
        """Create the subscription and its items; nodes are None where the namespace is unknown.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
        """
        publishing_s = self.plan.publishing_s(sampling_s)
        keepalives = max(1, round(self.plan.keepalive_s / publishing_s))
        made = await self._services.create_subscription(
            publishing_s=publishing_s,
            keepalives=keepalives,
            lifetime=keepalives * 2 * SILENT_KEEPALIVES,
            on_publish=self.on_publish,
        )
        self._subscription_id, self._publishes = made.subscription_id, publishes
        if publishes is not None:
            publishes.add(made.subscription_id, self)
        self._watch(max(made.keepalive_s, made.publishing_s) * SILENT_KEEPALIVES)
        self._sampling_s = sampling_s
        self._queue_size = self.plan.queued(sampling_s=sampling_s, publishing_s=made.publishing_s)
        await self._monitor(range(len(nodes)), nodes)

    async def retry(self, resolve: Callable[[], Awaitable[Sequence[ua.NodeId | None]]]) -> None:
        """Ask again for what the server refused, less and less often; nodes may load late.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
        """
        now_s = asyncio.get_running_loop().time()
        if not self._refused or now_s < self._retry_at_s:
            return
        self._retry_pause_s = min(self._retry_pause_s * 2, LONGEST_RETRY_S)
        self._retry_at_s = now_s + self._retry_pause_s
        try:
            await self._monitor(tuple(self._refused), await resolve())
        except DriverError:
            if self._subscription_id is not None:
                raise  # else it was closed meanwhile, and the server says that it knows it no more

    async def get(self) -> Frame:
        """Give the oldest waiting frame, waiting for one.

        Raises:
            SessionLost: the subscription is dead.
        """
        return await self._frames.get()

    async def close(self, *, polite: bool) -> None:
        """End the subscription; on the server too if `polite`.

        Raises:
            NoReply, SessionLost: the server did not confirm it.
        """
        if self._timer is not None:
            self._timer.cancel()
        if self._subscription_id is None:
            return
        if self._publishes is not None:
            self._publishes.remove(self._subscription_id)
        ended, self._subscription_id = self._subscription_id, None
        if polite:
            await self._services.delete_subscription(ended, timeout_s=CLOSE_TIMEOUT_S)

    # what the publish loop tells

    def on_message(self, sequence: int, *, has_data: bool) -> None:
        """Take notice that the subscription lives; count messages that never came."""
        self._heard_s = asyncio.get_running_loop().time()
        missing = (sequence - self._next_sequence) % _SEQUENCES if self._next_sequence else 0
        if 0 < missing < _SEQUENCES // 2:
            self.gaps += missing
            self._frames.lose(missing)
            self._next_sequence = sequence
        if has_data:
            self._next_sequence = sequence % _SEQUENCES + 1

    def on_changes(self, data: bytes, start: int, end: int, *, read_ns: int) -> None:
        """Decode and queue the body of a DataChangeNotification.

        Raises:
            DecodeError: the bytes are torn or false.
        """
        columns = self._decoder.decode(data, start, end)
        if not columns.handles:
            return
        tags = None if columns.handles is self._decoder.every_handle else columns.handles
        frame, restamped = make_frame(self.plan, columns, read_ns=read_ns, tags=tags)
        if restamped:
            self._on_restamped(restamped)
        self._frames.put(frame)

    def on_publish(self, result: ua.PublishResult) -> None:
        """Take a message that the library decoded; only where its stock loop runs."""
        from drivers.opcua.stock import take  # the fast path never loads it

        take(result, self, read_ns=time.time_ns())

    def end(self, error: DriverError) -> None:
        """Give nothing more but this error, once the waiting frames are taken."""
        self._frames.end(error)

    # making it

    async def _monitor(self, tags: Sequence[int], nodes: Sequence[ua.NodeId | None]) -> None:
        """Create monitored items; queue a BAD frame for those that cannot be, with news only."""
        refused = {tag: UNKNOWN_NODE for tag in tags if nodes[tag] is None}
        items = [Item(tag, node) for tag in tags if (node := nodes[tag]) is not None]
        limits = self._services.limits
        while items:
            count = min(limits.monitor, self.plan.max_items_per_call)
            batch = items[:count]
            try:
                codes = await self._create(batch)
            except TooMany:
                if len(batch) == 1:
                    raise
                limits.monitor = len(batch) // 2
                continue
            for item, code in zip(batch, codes, strict=True):
                if code >> 30:
                    refused[item.handle] = name_of(code)
            del items[:count]
        news = {tag: reason for tag, reason in refused.items() if self._refused.get(tag) != reason}
        self._refused = refused
        if news:
            self._tell(news)

    async def _create(self, batch: Sequence[Item]) -> list[int]:
        if self._subscription_id is None:
            raise SessionLost("the subscription ended while it was made")
        return await self._services.create_items(
            self._subscription_id,
            batch,
            sampling_s=self._sampling_s,
            queue_size=self._queue_size,
        )

    def _tell(self, refused: dict[int, str]) -> None:
        self._frames.put(bad_frame(self.plan, refused, read_ns=time.time_ns()))
        tag, reason = next(iter(refused.items()))
        _log.warning(
            "device %s, group %s: the server refuses %d of %d points, such as %s: %s",
            self.plan.device,
            self.plan.group,
            len(refused),
            len(self.plan.tags),
            self.plan.tags[tag].address,
            reason,
        )

    # watching it

    def _watch(self, silence_s: float) -> None:
        self._silence_s = silence_s
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        self._timer = loop.call_later(silence_s, self._check)

    def _check(self) -> None:
        """End the stream if nothing came for too long, else look again when it would be."""
        loop = asyncio.get_running_loop()
        left_s = self._heard_s + self._silence_s - loop.time()
        if left_s > 0:
            self._timer = loop.call_later(left_s, self._check)
            return
        self.end(
            SessionLost(
                f"the subscription kept silent for {self._silence_s:.1f} s",
                device=self.plan.device,
                hint="The server hangs, or the network between loses what is sent.",
            )
        )
