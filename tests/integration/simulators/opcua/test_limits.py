"""Limits, met by asyncua's client."""

import time
from itertools import pairwise

import pytest
import pytest_asyncio
from asyncua import ua
from integration.simulators.opcua.hearing import connected, read, subscribe

from simulators.opcua.device import Device
from simulators.opcua.limits import Limits
from simulators.opcua.plain import Plain
from simulators.opcua.subscriptions import OVERFLOW

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIMITS = Limits(
    per_call={"read": 5, "items": 4, "browse": 2, "write": 1, "history": 3},
    sessions=2,
    subscriptions=2,
    items=6,
    queue=3,
    publishing_ms=80,
    sampling_ms=50,
    references=7,
    notifications=5,
    buffer_bytes=8_192,
)
ANNOUNCED = "Server_ServerCapabilities_OperationLimits_"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def plain():
    return Plain(24, types=("Int32",))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def device(plain):
    async with Device(plain, limits=LIMITS) as running:
        await plain.count(running, time_ns=time.time_ns())
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(device):
    async with connected(device.url) as made:
        yield made


def nodes(device, count):
    return [device.node_id(f"V{n}") for n in range(count)]


async def test_too_many_nodes_are_refused_as_a_whole(device, client):
    """Five can be read, six are BadTooManyOperations; the session goes on."""
    with pytest.raises(ua.UaStatusCodeError, match="BadTooManyOperations"):
        await read(client, *nodes(device, 6))
    assert len(await read(client, *nodes(device, 5))) == 5
    subscription = await subscribe(client)
    with pytest.raises(ua.UaStatusCodeError, match="BadTooManyOperations"):
        await subscription.add(*nodes(device, 5))


async def test_limits_are_announced(client):
    """The operation limits stand where clients look; one that was not given is 0."""
    found = {}
    for name in ("MaxNodesPerRead", "MaxMonitoredItemsPerCall", "MaxNodesPerRegisterNodes"):
        node = client.get_node(getattr(ua.ObjectIds, ANNOUNCED + name))
        found[name] = await node.read_value()
    assert list(found.values()) == [5, 4, 0]


async def test_items_beyond_the_limit_are_refused_one_by_one(device, client):
    """Six items fit into the server; the others are refused, each with its own code."""
    subscription = await subscribe(client)
    answers = await subscription.add(*nodes(device, 4))
    answers += await subscription.add(*nodes(device, 4))
    codes = [each.StatusCode.name for each in answers]
    assert codes == ["Good"] * 6 + ["BadTooManyMonitoredItems"] * 2


async def test_intervals_and_queues_are_revised(device, client):
    """What the server cannot do is revised, and the answer says to what."""
    subscription = await subscribe(client, period_ms=10)
    [fast] = await subscription.add(device.node_id("V0"), queue=100, sampling_ms=1)
    [slow] = await subscription.add(device.node_id("V1"), queue=0, sampling_ms=400)
    assert subscription.created.RevisedPublishingInterval == 80
    assert (fast.RevisedSamplingInterval, fast.RevisedQueueSize) == (50, 3)
    assert (slow.RevisedSamplingInterval, slow.RevisedQueueSize) == (400, 1)


async def test_an_overflow_is_marked_and_counted(device, plain, client):
    """Of many changes between two messages the newest stay, and the oldest of them is marked."""
    subscription = await subscribe(client)
    await subscription.add(device.node_id("V0"), queue=100)
    await subscription.wait(lambda each: each.values)
    before = len(subscription.values)
    device.faults.counts.clear()
    for _ in range(8):
        await plain.count(device, time_ns=time.time_ns())
    await subscription.wait(lambda each: len(each.values) >= before + 3)
    codes = [value.StatusCode.value for _, value in subscription.values[before:]]
    assert codes == [OVERFLOW, 0, 0]
    newest = [value.Value.Value for _, value in subscription.values[before:]]
    assert newest == [plain.generation - 2, plain.generation - 1, plain.generation]
    assert device.faults.counts["overflowed"] == 5


async def test_messages_have_a_bounded_number_of_notifications(device, plain, client):
    """More than five notifications come in several messages, none lost, in order."""
    subscription = await subscribe(client)
    await subscription.add(*nodes(device, 3), queue=3)
    await subscription.wait(lambda each: len(each.values) == 3)
    for _ in range(3):
        await plain.count(device, time_ns=time.time_ns())
    await subscription.wait(lambda each: len(each.values) == 12)
    sizes = [
        len(data.MonitoredItems)
        for message in subscription.messages
        for data in message.NotificationData or []
    ]
    assert max(sizes) <= 5
    for handle in (1, 2, 3):
        mine = [value.Value.Value for held, value in subscription.values if held == handle]
        assert mine == sorted(mine)


async def test_an_absolute_deadband_is_kept_against_the_last_value_told(device, plain, client):
    """Small steps add up: what is told differs by more than the deadband each time."""
    subscription = await subscribe(client)
    await subscription.add(
        device.node_id("V0"),
        filtered=ua.DataChangeFilter(
            Trigger=ua.DataChangeTrigger.StatusValue,
            DeadbandType=ua.DeadbandType.Absolute,
            DeadbandValue=2.5,
        ),
    )
    await subscription.wait(lambda each: each.values)
    for _ in range(6):
        await plain.count(device, time_ns=time.time_ns())
    await subscription.wait(lambda each: len(each.values) >= 3)
    told = [value.Value.Value for _, value in subscription.values]
    assert [later - earlier for earlier, later in pairwise(told)] == [3, 3]


async def test_a_percent_deadband_is_refused(device, client):
    """A filter the server has not is refused for that item."""
    subscription = await subscribe(client)
    [answer] = await subscription.add(
        device.node_id("V0"),
        filtered=ua.DataChangeFilter(DeadbandType=ua.DeadbandType.Percent, DeadbandValue=1),
    )
    assert answer.StatusCode.name == "BadMonitoredItemFilterUnsupported"


async def test_sessions_and_subscriptions_are_counted(device, client):
    """A third session and a third subscription are refused."""
    async with connected(device.url):
        with pytest.raises(ua.UaStatusCodeError, match="BadTooManySessions"):
            async with connected(device.url):
                pass
    for _ in range(2):
        await subscribe(client)
    with pytest.raises(ua.UaStatusCodeError, match="BadTooManySubscriptions"):
        await subscribe(client)


async def test_browsing_comes_in_portions(device, client):
    """Every child is found, through continuation points; their number per answer is bounded."""
    session = client.uaclient.session
    wanted = ua.BrowseDescription(
        NodeId=ua.NodeId.from_string(device.node_id("Plain")),
        BrowseDirection=ua.BrowseDirection.Forward,
        ReferenceTypeId=ua.NodeId(ua.ObjectIds.HierarchicalReferences),
        IncludeSubtypes=True,
        ResultMask=ua.BrowseResultMask.All,
    )
    [answer] = await session.browse(ua.BrowseParameters(NodesToBrowse=[wanted]))
    found = [each.BrowseName.Name for each in answer.References]
    while answer.ContinuationPoint:
        params = ua.BrowseNextParameters(False, [answer.ContinuationPoint])
        [answer] = await session.browse_next(params)
        assert len(answer.References) <= 7
        found += [each.BrowseName.Name for each in answer.References]
    assert len(found) == len(set(found)) == 24 + 20 + 4 + 3
    [wrong] = await session.browse_next(ua.BrowseNextParameters(False, [b"none"]))
    assert wrong.StatusCode.name == "BadContinuationPointInvalid"


async def test_small_buffers_carry_long_values(device, client):
    """A text of 1 MB comes whole, in chunks of 8,192 bytes."""
    device.faults.odd["V5"] = "long"
    await device.show("V5")
    [value] = await read(client, device.node_id("V5"))
    assert len(value.Value.Value.encode()) > 1_000_000
    limits = client.uaclient.protocol._connection._limits
    assert limits.max_send_buffer == limits.max_recv_buffer == 8_192


@pytest.mark.parametrize("tell", ["zero", "absent"])
async def test_limits_can_be_kept_quiet(plain, tell):
    """A server may say 0, or have no such node, and refuse all the same."""
    quiet = Limits(per_call={"read": 2}, tell=tell)
    async with Device(plain, limits=quiet) as device, connected(device.url) as client:
        node = client.get_node(getattr(ua.ObjectIds, ANNOUNCED + "MaxNodesPerRead"))
        if tell == "zero":
            assert await node.read_value() == 0
        else:
            with pytest.raises(ua.UaStatusCodeError, match="BadNodeIdUnknown"):
                await node.read_value()
        with pytest.raises(ua.UaStatusCodeError, match="BadTooManyOperations"):
            await read(client, *nodes(device, 3))
