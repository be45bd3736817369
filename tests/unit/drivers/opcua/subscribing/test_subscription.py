"""What a subscription makes of message numbers and of bytes, without a server."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time

import pytest
from asyncua import ua
from unit.drivers.opcua.opcua_wire import Sample, notification

from drivers.api import Busy, Frame, SessionLost, Tag
from drivers.opcua import DRIVER
from drivers.opcua.calls import Revised
from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.subscribing.mend import MOST_HELD
from drivers.opcua.subscribing.publish import DATA_CHANGE, STATUS_CHANGE, Notification, Part
from drivers.opcua.subscribing.subscription import Subscription
from drivers.opcua.subscribing.told import Told
from drivers.testing.expect import eventually

NOW_NS = 1_750_000_000_000_000_000
_TICKS_1970 = 116_444_736_000_000_000


class Server:
    """What a subscription asks of its services: messages again, by their numbers."""

    layouts = None

    def __init__(self):
        self.kept = {}
        """Number -> (handle, value) pairs of a message that can be sent again."""
        self.asked = []
        self.then = {}
        """Number -> what happens while that message is asked for."""

    async def republish(self, subscription_id, number):
        assert subscription_id == 1
        self.asked.append(number)
        if number in self.then:
            await self.then.pop(number)()
        if number not in self.kept:
            return None
        body = changes(*self.kept[number])
        return Notification(1, number, (Part(DATA_CHANGE, 0, len(body)),)), body


def changes(*pairs):
    return notification(
        [(handle, Sample(ua.Variant(value, ua.VariantType.Int16))) for handle, value in pairs]
    )


class Receipts:
    """The publish loop, as far as a subscription acknowledges messages to it."""

    def __init__(self):
        self.acknowledged = []

    def acknowledge(self, subscription_id, number):
        self.acknowledged.append(number)

    def remove(self, subscription_id):
        pass


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def stream(server):
    config = DRIVER.config(driver="opcua", url="opc.tcp://plc")
    tags = [Tag(f"t{n}", f"i={n}") for n in range(3)]
    plan = DRIVER.plan(config, tags, device="d", group="g")

    async def read():
        return Frame("d", "g", NOW_NS, (7, 8, 9))

    told = Told(plan, heard_ns=lambda: 0)
    subscription = Subscription(plan, told, on_restamped=lambda count: None, read=read)
    subscription.made, subscription._services = Revised(1, 0.5, 3.0), server
    subscription._publishes = Receipts()
    yield subscription
    await subscription.close(polite=False)


async def taken(stream, *, frames):
    """Take so many frames, as (columns, values, overflow, reason of the gap)."""
    async with asyncio.timeout(5):
        got = [await stream._frames.get() for _ in range(frames)]
    return [(f.columns, f.values, f.overflow, f.gap.reason if f.gap else "") for f in got]


def feed(stream, *handles, value=1, read_ns=NOW_NS):
    body = changes(*((handle, value) for handle in handles))
    stream.on_changes(body, 0, len(body), read_ns=read_ns)


def hear(stream, number, *handles, value=1, read_ns=NOW_NS):
    """Let a message with the values of these handles arrive; a keep-alive without any."""
    taken = stream.on_message(number, has_data=bool(handles), read_ns=read_ns)
    if taken and handles:
        feed(stream, *handles, value=value, read_ns=read_ns)
    return taken


@pytest.mark.parametrize(
    ("numbers", "gaps"), [((1, 2, 3), 0), ((1, 4), 2), ((3, 4), 2), ((1, 4, 3), 2)]
)
async def test_numbers_that_never_came_are_counted(stream, numbers, gaps):
    """A jump in the numbers, the first included, is a gap told before what came after it."""
    for number in numbers:
        stream.on_message(number, has_data=True, read_ns=NOW_NS)
    feed(stream, 0, 1)
    assert stream.gaps == gaps
    told = await taken(stream, frames=3 if gaps else 1)
    after = [((0, 1), (1, 1), 0, "")]
    if gaps:
        after = [((), (), gaps, "publish_gap"), *after, (None, (7, 8, 9), 0, "")]
    assert told == after


async def test_a_message_that_comes_late_is_not_taken_twice(stream, server):
    """What overtook it waits; the one that was overtaken is given once, in its place."""
    server.kept[2] = [(0, 5)]
    assert hear(stream, 1, 1)
    assert hear(stream, 3, 0, value=6)
    assert not hear(stream, 2, 0, value=5)
    assert hear(stream, 4, 1, value=9)
    assert await taken(stream, frames=4) == [
        ((1,), (1,), 0, ""),
        ((0,), (5,), 0, ""),
        ((0,), (6,), 0, ""),
        ((1,), (9,), 0, ""),
    ]
    assert stream._publishes.acknowledged == [2]


async def test_a_message_sent_again_is_no_younger_than_what_followed_it(stream, server):
    """A value without a time of its own bears the time at which it was missed, not that of now."""
    server.kept[2] = [(0, 5)]
    hear(stream, 1, 0, read_ns=NOW_NS)
    hear(stream, 3, 0, value=6, read_ns=NOW_NS + 5)
    async with asyncio.timeout(5):
        stamps = [(await stream._frames.get()).read_ns for _ in range(3)]
    assert stamps == [NOW_NS, NOW_NS + 5, NOW_NS + 5]


async def test_what_is_found_after_a_loss_comes_after_the_gap(stream, server):
    """The host asks the server's history for what lies before the first value after a gap."""
    server.kept = {2: [(0, 2)], 4: [(0, 4)]}
    hear(stream, 1, 0)
    hear(stream, 5, 0, value=5)
    assert [(values, why) for _, values, _, why in await taken(stream, frames=6)] == [
        ((1,), ""), ((2,), ""), ((), "publish_gap"), ((4,), ""), ((5,), ""), ((7, 8, 9), ""),
    ]  # fmt: skip


async def test_a_loss_during_the_read_of_a_gap_is_followed_by_another_read(stream, server):
    """What was read may be older than the second loss: all is read once more."""
    reads = []

    async def read():
        reads.append(len(reads))
        if len(reads) == 1:
            hear(stream, 5, 1)
        return Frame("d", "g", NOW_NS, (7, len(reads), 9))

    stream._read = read
    hear(stream, 1, 0)
    hear(stream, 3, 0)
    told = await taken(stream, frames=5)
    assert told[1] == ((), (), 2, "publish_gap")
    assert told[-1] == (None, (7, 2, 9), 0, "")
    assert server.asked == [2, 4]


async def test_what_another_subscription_told_meanwhile_is_newer_than_the_read(stream):
    """The read of a gap takes nothing back of what came by another way since it began."""

    async def read():
        stream._frames.put(Frame("d", "g", NOW_NS, (55,), (2,)))
        return Frame("d", "g", NOW_NS, (7, 8, 9))

    stream._read = read
    hear(stream, 1, 0)
    hear(stream, 3, 0)
    assert (await taken(stream, frames=5))[-1] == ((0, 1), (7, 8), 0, "")


async def test_nothing_is_known_to_be_complete_while_messages_are_missing(stream, server):
    """A sign of life during a repair moves nothing: the gap would begin too late."""
    on, go_on = asyncio.Event(), asyncio.Event()

    async def wait():
        on.set()
        await go_on.wait()

    server.then[2], server.kept[2] = wait, [(0, 2)]
    hear(stream, 1, 0, read_ns=NOW_NS)
    hear(stream, 3, 0, read_ns=NOW_NS + 10)
    hear(stream, 4, read_ns=NOW_NS + 20)
    await on.wait()
    assert (stream.mending, stream.known_ns) == (True, NOW_NS)
    go_on.set()
    assert await eventually(lambda: not stream.mending)
    assert stream.known_ns == NOW_NS + 20


async def test_what_waited_for_a_repair_is_told_when_the_session_ends(stream, server):
    """Values that were received are not thrown away; the gap before them is told."""
    server.then[2] = asyncio.Event().wait
    hear(stream, 1, 0)
    hear(stream, 3, 1, value=3)
    assert await eventually(lambda: server.asked)
    stream.end(SessionLost("over"))
    assert await taken(stream, frames=3) == [
        ((0,), (1,), 0, ""), ((), (), 1, "publish_gap"), ((1,), (3,), 0, ""),
    ]  # fmt: skip
    with pytest.raises(SessionLost, match="over"):
        await stream._frames.get()


async def test_a_repair_without_end_is_given_up(stream, server):
    """A server that loses more and more is not waited for, and costs no memory."""
    server.then[2] = asyncio.Event().wait
    hear(stream, 1, 0)
    hear(stream, 3, 0, value=3)
    for number in range(4, 4 + MOST_HELD):
        hear(stream, number, 0, value=number)
    assert (await taken(stream, frames=2))[1] == ((), (), 1, "publish_gap")
    assert stream._frames.torn
    assert stream._mending._held == []


async def test_a_server_that_cannot_be_read_after_a_gap_loses_its_session(stream):
    """Without the read nothing is known of the points: the host begins anew."""

    async def read():
        raise Busy("later", wait_s=1)

    stream._read = read
    hear(stream, 1, 0)
    hear(stream, 3, 1)
    assert (await taken(stream, frames=3))[1] == ((), (), 1, "publish_gap")
    with pytest.raises(SessionLost, match="later"):
        async with asyncio.timeout(5):
            await stream._frames.get()


async def test_a_status_change_that_was_lost_ends_the_subscription(stream, server):
    """The end of a subscription counts however late it is heard of."""

    async def republish(subscription_id, number):
        body = (0x800A0000).to_bytes(4, "little")
        return Notification(1, number, (Part(STATUS_CHANGE, 0, 4),)), body

    server.republish = republish
    hear(stream, 1, 0)
    hear(stream, 3, 0)
    await taken(stream, frames=3)
    with pytest.raises(SessionLost, match="BadTimeout"):
        async with asyncio.timeout(5):
            await stream._frames.get()


async def test_a_message_sent_again_leaves_no_gap(stream, server):
    """What was lost on the way is given in its place: before what came after it."""
    server.kept[2] = [(0, 5)]
    stream.on_message(1, has_data=True, read_ns=NOW_NS)
    stream.on_message(3, has_data=True, read_ns=NOW_NS)
    feed(stream, 0, 1)
    assert await taken(stream, frames=2) == [((0,), (5,), 0, ""), ((0, 1), (1, 1), 0, "")]
    assert (server.asked, stream.gaps) == ([2], 1)
    assert stream._publishes.acknowledged == [2]


async def test_messages_lost_while_others_are_asked_for_are_asked_for_too(stream, server):
    """A second loss during a repair is repaired with it; one that is not kept makes it a gap."""
    server.kept[2] = [(0, 5)]
    stream.on_message(1, has_data=True, read_ns=NOW_NS)
    stream.on_message(3, has_data=True, read_ns=NOW_NS)
    feed(stream, 0)
    stream.on_message(5, has_data=True, read_ns=NOW_NS)
    feed(stream, 1)
    assert await taken(stream, frames=5) == [
        ((0,), (5,), 0, ""),
        ((), (), 1, "publish_gap"),
        ((0,), (1,), 0, ""),
        ((1,), (1,), 0, ""),
        (None, (7, 8, 9), 0, ""),
    ]
    assert server.asked == [2, 4]


async def test_a_notification_newer_than_the_read_stands(stream):
    """What came after the read of a gap began is not followed by the older value that was read."""
    stream.on_message(1, has_data=True, read_ns=NOW_NS)
    began = asyncio.Event()
    go_on = asyncio.Event()

    async def read():
        began.set()
        await go_on.wait()
        return Frame("d", "g", NOW_NS, (7, 8, 9))

    stream._read = read
    stream.on_message(3, has_data=True, read_ns=NOW_NS)
    feed(stream, 1)
    await began.wait()
    sample = Sample(ua.Variant(2, ua.VariantType.Int16))
    body = notification([(0, sample)])
    stream.on_changes(body, 0, len(body), read_ns=time.time_ns())
    go_on.set()
    assert await taken(stream, frames=4) == [
        ((), (), 1, "publish_gap"),
        ((1,), (1,), 0, ""),
        ((0,), (2,), 0, ""),
        ((1, 2), (8, 9), 0, ""),
    ]


async def test_too_many_lost_messages_are_a_gap_at_once(stream, server):
    """A server that jumps far ahead is not asked for thousands of messages."""
    stream.on_message(1, has_data=True, read_ns=NOW_NS)
    stream.on_message(5000, has_data=True, read_ns=NOW_NS)
    assert await taken(stream, frames=2) == [
        ((), (), 4998, "publish_gap"), (None, (7, 8, 9), 0, ""),
    ]  # fmt: skip
    assert server.asked == []


async def test_a_queue_that_ran_over_is_a_gap(stream):
    """The overflow bit is counted, and the span since the message before is a gap."""
    stream.on_message(1, has_data=True, read_ns=NOW_NS)
    stream.on_message(2, has_data=True, read_ns=NOW_NS)
    sample = Sample(ua.Variant(1, ua.VariantType.Int16), status=0x480)
    body = notification([(2, sample)])
    stream.on_changes(body, 0, len(body), read_ns=time.time_ns())
    assert await taken(stream, frames=1) == [((2,), (1,), 1, "overflow")]
    assert stream.overflows == 1


async def test_a_closed_subscription_mends_nothing_more(stream):
    """Closing ends a repair under way."""
    stream._read = asyncio.Event().wait
    stream.on_message(1, has_data=True, read_ns=NOW_NS)
    stream.on_message(3, has_data=True, read_ns=NOW_NS)
    mender = stream._mender
    await stream.close(polite=False)
    with contextlib.suppress(asyncio.CancelledError):
        await mender
    assert mender.cancelled()


async def test_frames_bear_the_tags_of_their_values(stream):
    """Client handles are the tags' places; a message of all of them needs no columns."""
    feed(stream, 2, 0, 2)
    feed(stream, 0, 1, 2)
    told = await taken(stream, frames=2)
    assert told == [((2, 0, 2), (1, 1, 1), 0, ""), (None, (1, 1, 1), 0, "")]


async def test_strange_points_are_an_error(stream):
    """A client handle that no tag has is an error, not a value."""
    with pytest.raises(DecodeError, match="client handle 3"):
        feed(stream, 0, 3)


def timed(*handles, value):
    """A message that the decoder knows: one time for all."""
    items = b"".join(
        struct.pack("<IBBiq", handle, 0x05, 6, value, NOW_NS // 100 + _TICKS_1970)
        for handle in handles
    )
    return struct.pack("<i", len(handles)) + items + struct.pack("<i", -1)


async def test_parts_of_one_message_are_one_frame_and_a_gap_comes_behind_them(stream):
    """What a server cut is given as one; a message that is missing is told after what came."""
    number = 0
    for value in range(5):  # by the fifth time they are known
        for handles, more in (((0, 1), True), ((1, 2), False)):
            number += 1
            body = timed(*handles, value=value)
            stream.on_message(number, has_data=True, read_ns=NOW_NS, more=more)
            stream.on_changes(body, 0, len(body), read_ns=NOW_NS)
    body = timed(0, 1, value=5)
    stream.on_message(number + 1, has_data=True, read_ns=NOW_NS, more=True)
    stream.on_changes(body, 0, len(body), read_ns=NOW_NS)
    assert stream.known_ns == NOW_NS
    stream.on_message(number + 3, has_data=True, read_ns=NOW_NS, more=True)
    told = await taken(stream, frames=11)
    assert told[:8] == [((h, h + 1), (v, v), 0, "") for v in range(4) for h in (0, 1)]
    assert told[8:10] == [((0, 1, 1, 2), (4, 4, 4, 4), 0, ""), ((0, 1), (5, 5), 0, "")]
    assert told[10][3] == "publish_gap"
