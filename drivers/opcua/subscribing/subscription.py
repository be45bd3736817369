"""One subscription on a server: numbered messages, watched for silence, decoded into frames.

What its numbers and its silence mean is told by `subscribing.lifeline`, what is done about a
missing message by `subscribing.mend`, which items it has by `subscribing.monitor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from drivers.api import DriverError, Gap, SessionLost
from drivers.opcua.beside import beside
from drivers.opcua.decoding.shape import NotificationDecoder
from drivers.opcua.decoding.status import name_of
from drivers.opcua.frames import make_frame
from drivers.opcua.subscribing.gather import Gathering
from drivers.opcua.subscribing.lifeline import (
    CLOSE_TIMEOUT_S,
    LATE,
    Numbering,
    Vigil,
    after,
    keepalives_of,
)
from drivers.opcua.subscribing.publish import DATA_CHANGE, STATUS_CHANGE, read_status_change
from drivers.opcua.subscribing.told import now_ns

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from drivers.api import Frame
    from drivers.opcua.calls import Revised
    from drivers.opcua.decoding.items import Columns
    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.mend import Mending
    from drivers.opcua.subscribing.notify import PublishLoop
    from drivers.opcua.subscribing.told import Told

OVERFLOW: Final = "overflow"
"""Reason of a gap: a queue of the server ran over; the last value of each point did come."""


class Subscription:
    """One subscription of a plan; what it brings goes into the plan's frames."""

    def __init__(
        self,
        plan: OpcuaPlan,
        frames: Told,
        *,
        on_restamped: Callable[[int], None],
        read: Callable[[], Awaitable[Frame]],
    ) -> None:
        """Take where frames go, and what reads every point of the plan once after a gap."""
        self.plan = plan
        self._frames = frames
        self._on_restamped = on_restamped
        self._read = read
        self._mending: Mending | None = None
        self._mender: asyncio.Task[None] | None = None
        self._known_ns = self._heard_ns = 0
        self._decoder = NotificationDecoder(len(plan.tags))
        self._gathering = Gathering(self._take, every_handle=self._decoder.every_handle)
        self._more = False
        self._numbering = Numbering()
        self._vigil = Vigil(self._silent)
        self._services: Services | None = None
        self._publishes: PublishLoop | None = None
        self.made: Revised | None = None
        """What the server made of it; None before it is started and after it is closed."""
        self.gaps = 0
        """Messages that were numbered and never came."""
        self.overflows = 0
        """How often the server said that a queue of its own ran over."""

    @property
    def shape_hits(self) -> int:
        """Messages decoded by a learned shape."""
        return self._decoder.shape_hits

    @property
    def mending(self) -> bool:
        """Whether messages are missing and asked for now."""
        return self._mending is not None

    @property
    def known_ns(self) -> int:
        """Until when all it has to tell was told, UTC nanoseconds; 0 before it is started."""
        if self._mending is not None:
            return self._mending.since_ns
        return self._gathering.since_ns or self._heard_ns

    async def start(
        self, services: Services, publishes: PublishLoop | None, *, sampling_s: float
    ) -> Revised:
        """Create it on the server, empty.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
        """
        publishing_s = self.plan.publishing_s(sampling_s)
        keepalives, lifetime = keepalives_of(self.plan.keepalive_s, publishing_s=publishing_s)
        made = await services.create_subscription(
            publishing_s=publishing_s, keepalives=keepalives, lifetime=lifetime
        )
        self.made, self._services, self._publishes = made, services, publishes
        if publishes is not None:
            publishes.add(made.subscription_id, self)
        self._heard_ns = now_ns()
        self._vigil.keep(made)
        return made

    async def publish_every(self, publishing_s: float) -> float:
        """Ask for messages more often; give the interval as the server revised it, in seconds.

        Raises:
            NoReply, SessionLost: the session is over.
        """
        from drivers.opcua.subscribing.monitored import publish_every  # late: it needs the library

        if self.made is None or self._services is None:
            raise SessionLost("the subscription ended while it was made")
        keepalives, lifetime = keepalives_of(self.plan.keepalive_s, publishing_s=publishing_s)
        self.made = await publish_every(
            self._services, self.made, publishing_s=publishing_s, keepalives=keepalives,
            lifetime=lifetime,
        )  # fmt: skip
        self._vigil.keep(self.made)
        return self.made.publishing_s

    async def close(self, *, polite: bool) -> None:
        """End it; on the server too if `polite`.

        Raises:
            NoReply, SessionLost: the server did not confirm it.
        """
        self._vigil.close()
        self.give_up()
        ended, self.made = self.made, None
        if ended is None:
            return
        if self._publishes is not None:
            self._publishes.remove(ended.subscription_id)
        if polite and self._services is not None:
            await self._services.delete_subscription(
                ended.subscription_id, timeout_s=CLOSE_TIMEOUT_S
            )

    # what the publish loop tells

    def on_message(
        self, sequence: int, *, has_data: bool, read_ns: int, more: bool = False
    ) -> bool:
        """Take notice that the subscription lives; have messages mended that never came.

        Raises:
            SessionLost: the server numbers its messages anew.
        """
        self._vigil.heard()
        missing = self._numbering.take(sequence, has_data=has_data)
        if missing == LATE:
            return False
        self._known_ns, self._heard_ns, self._more = self._heard_ns, read_ns, more
        if missing or not has_data:
            self._gathering.flush()
        if missing:
            self.gaps += missing
            self._mend(after(sequence, -missing), missing)
        if not has_data and self._mending is None:
            self._frames.lives()
        return True

    def on_changes(self, data: bytes, start: int, end: int, *, read_ns: int) -> None:
        """Decode and queue the body of a DataChangeNotification.

        Raises:
            DecodeError: the bytes are torn or false.
        """
        columns = self._decoder.decode(data, start, end)
        if not columns.handles:
            return
        if self._mending is None:
            self._gathering.add(columns, read_ns, known_ns=self._known_ns, more=self._more)
        else:
            self._take(columns, read_ns)

    def flush(self) -> None:
        """Queue what waits for more of its message."""
        self._gathering.flush()

    def _take(self, columns: Columns, read_ns: int) -> None:
        frame = self._framed(columns, read_ns)
        if frame.overflow:
            self.overflows += frame.overflow
            frame.gap = Gap(self._known_ns or read_ns, read_ns, OVERFLOW)
        if self._mending is None:
            self._frames.put(frame)
        else:
            self._mending.hold(frame)

    def _framed(self, columns: Columns, read_ns: int) -> Frame:
        tags = None if columns.handles is self._decoder.every_handle else columns.handles
        layouts = self._services.layouts if self._services is not None else None
        frame, restamped = make_frame(
            self.plan, columns, read_ns=read_ns, tags=tags, layouts=layouts
        )
        if restamped:
            self._on_restamped(restamped)
        return frame

    def end(self, error: DriverError) -> None:
        """Give nothing more but this error, once the waiting frames are taken."""
        self.give_up()
        self._frames.end(error)

    # mending it

    def give_up(self) -> None:
        """Ask for no missing message any more; what waited for it is told, behind the gap."""
        self._gathering.flush()
        if self._mender is not None:
            self._mender.cancel()
        mending, self._mending = self._mending, None
        if mending is not None:
            mending.abandon()

    def _mend(self, first: int, missing: int) -> None:
        """Have the server asked for messages that never came."""
        from drivers.opcua.subscribing.mend import Mending  # late: it needs the library

        mending = self._mending
        if mending is not None:
            mending.add(first, missing, known_ns=self._heard_ns)
            return
        mending = Mending(self._frames, since_ns=self._known_ns, read=self._read)
        mending.add(first, missing, known_ns=self._heard_ns)
        self._mending = mending
        name = f"opcua-mend:{self.plan.device}"
        self._mender = beside(self._mended(mending), name=name, on_bug=self.end)

    async def _mended(self, mending: Mending) -> None:
        try:
            await mending.run(self._again)
        except DriverError as error:
            lost = error if isinstance(error, SessionLost) else SessionLost(f"after a gap: {error}")
            self.end(lost)
        else:
            self._mending = None

    async def _again(self, number: int, known_ns: int) -> list[Frame] | None:
        """Ask for one message again; give its frames, None where the server has it no more.

        Values without a time of their own bear `known_ns`: they are no younger.

        Raises:
            SessionLost: the session is over, or the message ends the subscription.
        """
        made, services, publishes = self.made, self._services, self._publishes
        if made is None or services is None:
            return None
        found = await services.republish(made.subscription_id, number)
        if found is None:
            return None
        message, data = found
        frames: list[Frame] = []
        for part in message.parts:
            if part.type_id == STATUS_CHANGE:
                name = name_of(read_status_change(data, part))
                raise SessionLost(f"the server ended the subscription: {name}")
            if part.type_id == DATA_CHANGE:
                columns = self._decoder.decode(data, part.start, part.end)
                frames += [self._framed(columns, known_ns)] if columns.handles else []
        if publishes is not None:
            publishes.acknowledge(made.subscription_id, number)
        return frames

    def _silent(self, silence_s: float) -> None:
        self.end(
            SessionLost(
                f"the subscription kept silent for {silence_s:.1f} s",
                device=self.plan.device,
                hint="The server hangs, or the network between loses what is sent.",
            )
        )
