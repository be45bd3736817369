"""Faults on demand, met by asyncua's client; every test recovers what it broke."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from asyncua import ua
from integration.simulators.opcua.hearing import connected, keep_alives, read, subscribe

from simulators.opcua.control import Control
from simulators.opcua.device import Device
from simulators.opcua.odd import KINDS
from simulators.opcua.plain import Plain

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def plain():
    return Plain(12)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(plain):
    async with Device(plain) as device:
        await plain.count(device, time_ns=time.time_ns())
        yield device


@pytest_asyncio.fixture(loop_scope="module")
async def device(running):
    yield running
    await Control(running).obey("none")
    await Control(running).obey("start")


@pytest_asyncio.fixture(loop_scope="module")
async def client(device):
    async with connected(device.url) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def listening(device, client):
    """A subscription to V5 (Int32) that has its first value."""
    subscription = await subscribe(client)
    await subscription.add(device.node_id("V5"))
    await subscription.wait(lambda each: each.values)
    return subscription


async def change(plain, device):
    await plain.count(device, time_ns=time.time_ns())


async def answered(client, device):
    """Whether a read is answered within a moment."""
    try:
        async with asyncio.timeout(0.3):
            await read(client, device.node_id("V5"))
    except TimeoutError:
        return False
    return True


async def test_frozen_publishes_nothing_and_answers(device, plain, client, listening):
    """While frozen no message comes, not even a keep-alive; afterwards what is queued comes."""
    device.faults.on.add("freeze")
    device.faults.slow_s = 0.05
    heard = len(listening.messages)
    await change(plain, device)
    for _ in range(10):  # ten publishing intervals
        assert await answered(client, device)
    assert len(listening.messages) == heard
    device.faults.on.clear()
    await listening.wait(lambda each: len(each.values) == 2)


async def test_deaf_keeps_alive_and_notices_nothing(device, plain, listening):
    """While deaf keep-alives come, changes never do."""
    device.faults.on.add("deaf")
    await change(plain, device)
    await keep_alives(listening)
    assert len(listening.values) == 1
    assert device.faults.counts["unnoticed"] >= 1


async def test_silent_answers_nothing_and_comes_back(device, client):
    """While silent no request is answered; the connection stays and works again."""
    device.faults.on.add("silent")
    assert not await answered(client, device)
    device.faults.on.clear()
    assert await answered(client, device)


async def test_slow_answers_late(device, client):
    """Every answer comes late by what was said."""
    device.faults.slow_s = 0.15
    start_s = time.monotonic()
    assert await answered(client, device)
    assert time.monotonic() - start_s >= 0.15


async def test_a_lost_message_leaves_a_hole_and_can_be_had_again(device, plain, client, listening):
    """A lost message shows in the sequence numbers; Republish gives it, unless that is refused."""
    device.faults.lose = 2
    for _ in range(2):
        await change(plain, device)
        await keep_alives(listening)
    assert device.faults.lose == 0
    await change(plain, device)
    await listening.wait(lambda each: len(each.values) == 2)
    first, last = [m.SequenceNumber for m in listening.messages if m.NotificationData]
    assert last - first == 3
    session = client.uaclient.session
    again = await session.republish(listening.created.SubscriptionId, first + 1)
    assert again.NotificationData
    device.faults.on.add("no-republish")
    with pytest.raises(ua.UaStatusCodeError, match="BadMessageNotAvailable"):
        await session.republish(listening.created.SubscriptionId, first + 2)


async def test_a_repeated_sequence_number(device, plain, listening):
    """Messages can carry the number of the one before."""
    device.faults.on.add("repeat-sequence")
    await change(plain, device)
    await listening.wait(lambda each: len(each.values) == 2)
    numbers = [m.SequenceNumber for m in listening.messages if m.NotificationData]
    assert numbers[0] == numbers[1]


async def test_a_killed_session_is_unknown(device, client, listening):
    """After a session is killed its connection stays, and its requests are refused."""
    assert await device.kill_sessions() == 1
    with pytest.raises(ua.UaStatusCodeError, match="BadSessionIdInvalid"):
        await read(client, device.node_id("V5"))
    client.uaclient.session._set_state(type(client.uaclient.session.state).CLOSED)


async def test_killed_subscriptions_leave_the_session(device, client, listening):
    """After subscriptions are deleted the session reads on."""
    assert await device.kill_subscriptions() == 1
    assert await answered(client, device)
    with pytest.raises(ua.UaStatusCodeError, match="BadSubscriptionIdInvalid"):
        await listening.add(device.node_id("V6"))


async def test_refused_items_can_still_be_read(device, client):
    """Items that match are refused, the others made; reading is not affected."""
    device.faults.refused.add("^V5$")
    subscription = await subscribe(client)
    answers = await subscription.add(device.node_id("V5"), device.node_id("V6"))
    assert [each.StatusCode.name for each in answers] == ["BadNotSupported", "Good"]
    [value] = await read(client, device.node_id("V5"))
    assert value.StatusCode.is_good()


async def test_nodes_unknown_for_a_while(device, client):
    """For a while the machine's nodes are unknown to reads and items, the server's own are not."""
    subscription = await subscribe(client)
    device.faults.forget_nodes(60)
    [own, clock] = await read(client, device.node_id("V5"), "i=2258")
    [item] = await subscription.add(device.node_id("V5"))
    assert own.StatusCode.name == item.StatusCode.name == "BadNodeIdUnknown"
    assert clock.StatusCode.is_good()
    device.faults.recover()
    [own] = await read(client, device.node_id("V5"))
    assert own.StatusCode.is_good()


async def test_new_sessions_and_subscriptions_can_be_refused(device, client):
    """An existing session works on while new ones, and new subscriptions, are refused."""
    device.faults.on |= {"no-sessions", "no-subscriptions"}
    with pytest.raises(ua.UaStatusCodeError, match="BadTooManySessions"):
        async with connected(device.url):
            pass
    with pytest.raises(ua.UaStatusCodeError, match="BadTooManySubscriptions"):
        await subscribe(client)
    assert await answered(client, device)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"array", "long"}))
async def test_oddities_arrive(device, client, listening, kind):
    """Every oddity reaches a reader and a subscriber, and the value comes back afterwards."""
    control = Control(device)
    assert kind in await control.obey(f"odd V5 {kind}")
    [value] = await read(client, device.node_id("V5"))
    assert value.StatusCode.is_good()
    assert not isinstance(value.Value.Value, int) or kind == "empty"
    await listening.wait(lambda each: len(each.values) >= 2)
    await control.obey("none")
    [value] = await read(client, device.node_id("V5"))
    assert isinstance(value.Value.Value, int)


async def test_a_million_numbers_arrive(device, client):
    """An array of 1,000,000 numbers is read whole."""
    await Control(device).obey("odd V5 array")
    [value] = await read(client, device.node_id("V5"))
    assert value.Value.Value == list(range(1_000_000))


async def test_odd_status_codes_arrive(device, client):
    """A status that no table knows arrives as it is; with a good class the value with it."""
    await Control(device).obey("odd V5 0xC0000000")
    [value] = await read(client, device.node_id("V5"))
    assert (value.StatusCode.value, value.Value.Value) == (0xC0000000, None)
    await Control(device).obey("odd V5 0x000000C0")  # "good" of OPC Classic, as some wrappers send
    [value] = await read(client, device.node_id("V5"))
    assert value.StatusCode.value == 0xC0
    assert isinstance(value.Value.Value, int)


async def test_a_clock_that_is_wrong_stamps_everything(device, plain, client):
    """Source and server times are the device's, and so is ServerStatus/CurrentTime."""
    device.clock.set("2000-01-01")
    await change(plain, device)
    await device.tick()
    [value, clock] = await read(client, device.node_id("V5"), "i=2258")
    start = datetime(2000, 1, 1, tzinfo=UTC)
    for stamp in (value.SourceTimestamp, value.ServerTimestamp, clock.Value.Value):
        assert timedelta() <= stamp - start < timedelta(seconds=30)


async def test_a_restart_shuffles_namespaces_and_keeps_values(device, plain):
    """After a restart indexes differ, the namespace and what was written meanwhile are there."""
    before, port = device.node_id("V5"), device.port
    await device.stop()
    await change(plain, device)
    await device.restart(shuffle=True)
    assert device.port == port
    assert device.node_id("V5") != before
    async with connected(device.url) as client:
        index = await client.get_namespace_index("urn:chulian:simulator:workshop")
        assert device.node_id("V5") == f"ns={index};s=V5"
        [value] = await read(client, device.node_id("V5"))
        assert value.Value.Value == (plain.generation + 5) % 120


async def test_dropped_connections(device):
    """A dropped connection is gone at once; a new one is welcome."""
    async with connected(device.url) as client:
        closed = asyncio.Event()
        protocol = client.uaclient.protocol
        original = protocol.connection_lost
        protocol.connection_lost = lambda error: (original(error), closed.set())
        assert device.drop_connections() == 1
        async with asyncio.timeout(3):
            await closed.wait()
    async with connected(device.url) as client:
        assert await answered(client, device)


async def test_the_console_says_what_it_did_and_what_it_can(device):
    """A word is answered with what acts; nonsense with what would be understood."""
    control = Control(device, language="zh")
    assert "freeze | lose 3" in f"{await control.obey('freeze')}{await control.obey('lose 3')}"
    for wrong in ("dance", "slow", "slow x", "odd V5", "odd V5 what", "refuse (", "lose -1"):
        assert "可输入" in await control.obey(wrong)
    assert "没有该节点" in await control.obey("odd nowhere nan")
    assert "GBK" in await control.obey("list")
    assert (await control.obey("none")).startswith("none: none;")
