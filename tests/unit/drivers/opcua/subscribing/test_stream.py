"""The frames of a plan over the changes of its subscriptions: nothing silent, nothing left."""

from __future__ import annotations

import asyncio

import pytest
from asyncua import ua

from drivers.api import Busy, DriverError, Frame, Gap, SessionLost, Tag
from drivers.opcua import DRIVER
from drivers.opcua.calls import Limits, NoSubscription, Revised
from drivers.opcua.decoding.items import Columns
from drivers.opcua.structures.layout import Layouts
from drivers.opcua.subscribing.lifeline import CLOSE_TIMEOUT_S
from drivers.opcua.subscribing.stream import Stream
from drivers.testing.expect import eventually

T0 = 1_750_000_000_000_000_000


class Server:
    """Stands for the services of a session: subscriptions, and values to read."""

    def __init__(self):
        self.limits, self.layouts = Limits(), Layouts()
        self.made, self.ended = 0, []
        self.hold = None
        """What making a subscription waits for."""
        self.full = self.none = False
        self.reads = 0

    async def create_subscription(self, **_counts):
        if self.hold is not None:
            await self.hold.wait()
        if self.none:
            raise NoSubscription("none", wait_s=1.0)
        if self.full:
            raise Busy("no room", wait_s=1.0)
        self.made += 1
        return Revised(self.made, 0.5, 3.0)

    async def read(self, nodes):
        self.reads += 1
        return Columns((), [0] * len(nodes))

    async def delete_subscription(self, subscription_id, *, timeout_s):
        assert timeout_s == CLOSE_TIMEOUT_S
        self.ended.append(subscription_id)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def stream(server):
    """A stream of two points that the server does not know yet, from one empty subscription."""
    config = DRIVER.config(driver="opcua", url="opc.tcp://plc", check_interval_s=1)
    plan = DRIVER.plan(config, [Tag("a", "i=1"), Tag("b", "i=2")], device="d", group="g")

    async def read():
        return Frame("d", "g", T0, (5, 6))

    made = Stream(plan, server, on_restamped=lambda values: None, read=read)
    await made.start(None, [None, None], sampling_s=0.5)
    assert (await made.get()).reasons == dict.fromkeys((0, 1), "BadNodeIdUnknown")
    yield made
    await made.close(polite=False)


def put(stream, *values, columns=(0,)):
    stream._frames.put(Frame("d", "g", T0, values, columns))


async def test_after_frames_that_had_to_go_every_point_is_read_once(stream):
    """The last value of a point may be among them; it would be wrong until it changes again."""
    stream._frames._room = 1
    for value in (1, 2):
        put(stream, value)
    assert (await stream.get()).gap.reason == "buffer_full"
    assert (await stream.get()).values == (5, 6)
    put(stream, 3)
    assert (await stream.get()).values == (3,)


async def test_that_read_takes_back_nothing_newer(stream):
    """What is told while it is under way stands; a server that is busy is asked again."""
    answers = [Busy("later", wait_s=1.0), Frame("d", "g", T0, (5, 6))]

    async def read():
        put(stream, 9)
        answer = answers.pop(0)
        if isinstance(answer, Busy):
            raise answer
        return answer

    stream._read = read
    stream._frames.torn = True
    told = [(frame.columns, frame.values) for frame in [await stream.get() for _ in range(3)]]
    assert told == [((0,), (9,)), ((0,), (9,)), ((1,), (6,))]


async def test_a_stream_that_cannot_be_made_anew_ends(stream, server):
    """Without subscriptions it would live and give nothing."""
    server.full = True
    with pytest.raises(Busy):
        await stream._renew([None, None])
    assert server.ended == [1]
    await stream.get()  # that the points are unknown still
    with pytest.raises(SessionLost, match="anew: no room"):
        async with asyncio.timeout(5):
            await stream.get()


async def test_a_stream_closed_while_it_is_made_anew_leaves_nothing(stream, server):
    """The subscription that the server made meanwhile is ended too."""
    server.hold = asyncio.Event()
    anew = asyncio.create_task(stream._renew([None, None]))
    assert await eventually(lambda: server.ended)
    await stream.close(polite=True)
    server.hold.set()
    with pytest.raises(DriverError, match="closed") as told:
        await anew
    assert not isinstance(told.value, SessionLost), "the session goes on for others"
    assert server.ended == [1, 2]
    assert stream.subscriptions == []


async def test_rounds_that_begin_while_the_stream_is_closed_end(stream, server):
    """Points that are read because there is no subscription are read for somebody."""
    server.hold, server.none = asyncio.Event(), True
    anew = asyncio.create_task(stream._renew([ua.NodeId(1), ua.NodeId(2)]))
    assert await eventually(lambda: server.ended)
    await stream.close(polite=True)
    server.hold.set()
    await anew
    assert stream._monitor._rounds._task is None
    assert server.reads == 0


async def test_points_are_not_asked_for_again_while_all_is_made_anew(stream, server):
    """Two who make subscriptions at once would monitor points twice."""
    server.hold = asyncio.Event()

    async def resolve():
        raise AssertionError("asked for again")

    async with stream._changing:
        await stream.retry(resolve)
        assert await stream.prove(resolve, resolve) is None


async def test_nothing_is_proven_while_messages_are_missing(stream):
    """What waits for a repair was not told yet: a comparison would blame the server for it."""
    (subscription,) = stream.subscriptions
    subscription._services.republish = lambda *_: asyncio.Event().wait()
    subscription.on_message(1, has_data=True, read_ns=T0)
    subscription.on_message(3, has_data=True, read_ns=T0 + 1)

    async def read(tags):
        raise AssertionError("compared")

    stream._proof._due_s = 0.0
    assert await stream.prove(read, read) is None
    assert stream._known_ns() == T0
    stream.end(SessionLost("over"))
    assert (await stream.get()).gap == Gap(T0, stream._frames._given_ns, "publish_gap")
