"""U3 to U6: nodes known late, namespaces shuffled, every kind of limit, queues that run over."""

from __future__ import annotations

import asyncio

import pytest
from matrix.opcua.hosting import Host, machine
from matrix.opcua.hosting import running as beside
from matrix.opcua.listening import Listener, count
from system.waiting import until

from simulators.opcua import subscriptions
from simulators.opcua.device import Device
from simulators.opcua.limits import OPERATIONS, PROFILES, Limits
from simulators.opcua.plain import Plain

LONG_LATE_S = 60.0
KEEP_S = 0.05


def names(number):
    return [f"V{n}" for n in range(number)]


async def _known_late(late_s, report, *, keep_s=None):
    """Let a server know no node for so long; None: until it was seen that it knows none."""
    content = Plain(20)
    async with Device(content) as device:
        expected = await count(device, content)
        device.faults.forget_nodes(late_s or 3600)
        listener = Listener(device, names(20))
        async with listener.listening() as session:
            await until(
                lambda: listener.bad() == dict.fromkeys(names(20), "BadNodeIdUnknown"),
                within_s=20, what="every point is bad with its reason",
            )  # fmt: skip
            if late_s is None:
                device.faults.recover()
            keeping = session.keep(interval_s=keep_s) if keep_s else asyncio.sleep(0)
            async with beside(keeping):
                await listener.all_came(expected, within_s=(late_s or 0) * 3 + 30)
    report(f"no node known for {late_s or 'a moment'}, then all {len(expected)} points right")


async def test_u3_nodes_known_late(report, monkeypatch):
    """U3: a server that knows no node at first is asked again, until every point has its value."""
    monkeypatch.setattr("drivers.opcua.subscribing.monitor.LONGEST_RETRY_S", 2 * KEEP_S)
    await _known_late(None, report, keep_s=KEEP_S)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_u3_nodes_known_after_a_minute(report):
    """U3: a minute without nodes costs that minute and no more than one pause of asking."""
    await _known_late(LONG_LATE_S, report)


async def test_u4_namespaces_shuffled(report):
    """U4: after restarts with other namespace indexes every value is still that of its node."""
    async with machine() as device:
        host = Host(device)
        async with beside(host.listen()):
            await host.goes_on()
            await device.restart(shuffle=True)
            await host.goes_on()
    found = host.judge()
    report(f"{found.line}; {host.line}")
    assert found.wrong == []
    assert host.sessions >= 2


PER_CALL = [(most, tell) for most in (1, 10, 100, 10_000) for tell in ("true", "zero", "absent")]
FAST = {(1, "true"), (10, "absent")}


@pytest.mark.parametrize(
    ("most", "tell"),
    [pytest.param(*one, marks=() if one in FAST else pytest.mark.long) for one in PER_CALL],
)
async def test_u5_most_per_call(most, tell, report):
    """U5: whatever a server takes at once, and says of it, every point is subscribed to."""
    number = 40 if most == 1 else 250
    content = Plain(number)
    limits = Limits(per_call=dict.fromkeys(OPERATIONS, most), tell=tell)
    async with Device(content, limits=limits) as device:
        await count(device, content)
        listener = Listener(device, names(number))
        async with listener.listening() as session:
            await listener.all_came()
            await listener.all_came(await count(device, content))
            assert (await session.read(listener.plan)).good
            assert listener.remark("polled_instead") is None
        refused = device.faults.counts["too many operations"]
    report(f"{number} points, {refused} requests refused while it was learned")
    # reads and items: halved from our own 1,000 and 100 at most, down to what is taken
    assert refused <= (0 if tell == "true" and most > 10 else 24)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(one, marks=() if one == "fanuc" else pytest.mark.long)
        for one in sorted(set(PROFILES) - {"none"})
    ],
)
async def test_u5_servers_of_makers(profile, report):
    """U5: with limits in the manner of well-known servers all of 150 points come, and changes."""
    content = Plain(150)
    async with Device(content, limits=PROFILES[profile]) as device:
        await count(device, content)
        listener = Listener(device, names(150), interval_s=0.5)
        async with listener.listening():
            await listener.all_came()
            await listener.all_came(await count(device, content))
            remarks = listener.session.remarks(listener.plan)
    report(f"all of 150 points; {', '.join(one.code for one in remarks) or 'no remarks'}")
    polled = [one for one in remarks if one.code == "polled_instead"]
    most = PROFILES[profile].items
    assert len(polled[0].tags if polled else ()) == max(0, 150 - most)


async def test_u5_full_subscriptions_get_sisters(report):
    """U5: where one subscription takes 30 points, 100 points are served by four."""
    content = Plain(100)
    limits = Limits(per_call={"items": 20}, items_per_subscription=30)
    async with Device(content, limits=limits) as device:
        await count(device, content)
        listener = Listener(device, names(100))
        async with listener.listening() as session:
            await listener.all_came()
            await listener.all_came(await count(device, content))
            assert "4 subscriptions" in listener.remark("several_subscriptions").text
            assert listener.remark("polled_instead") is None
            assert session._services.limits.items_per_subscription == 30
    report("100 points over 4 subscriptions")


@pytest.mark.long
async def test_u5_what_has_no_room_is_read_instead(report):
    """U5: a server full at 30 items serves 50 points: 30 by subscription, 20 read in rounds."""
    content = Plain(50)
    async with Device(content, limits=Limits(items=30)) as device:
        await count(device, content)
        listener = Listener(device, names(50))
        async with listener.listening():
            await listener.all_came()
            await listener.all_came(await count(device, content))
            remark = listener.remark("polled_instead")
            subscriptions_left = len(device._server.iserver.subscription_service.subscriptions)
    assert remark.degraded
    assert remark.tags == tuple(names(50)[30:])
    assert "BadTooManyMonitoredItems" in remark.text
    assert remark.zh.startswith("20 个点改为轮询")
    assert subscriptions_left == 1
    report("30 subscribed, 20 read in rounds, all right")


async def test_u5_refused_items_are_read_instead(monkeypatch, report):
    """U5: points that may not be monitored are read, and subscribed to once the server takes them.

    Those that cannot be read either stay bad.
    """
    monkeypatch.setattr("drivers.opcua.subscribing.monitor.LONGEST_RETRY_S", 2 * KEEP_S)
    content = Plain(30)
    async with Device(content) as device:
        device.faults.refused.add("^V[0-4]$")
        await count(device, content)
        listener = Listener(device, [*names(30), "Nowhere"])
        async with listener.listening() as session:
            await listener.all_came()
            await listener.all_came(await count(device, content))
            remark = listener.remark("polled_instead")
            device.faults.refused.clear()
            async with beside(session.keep(interval_s=KEEP_S)):
                await until(
                    lambda: listener.remark("polled_instead") is None,
                    within_s=20, what="the points are subscribed to",
                )  # fmt: skip
                await listener.all_came(await count(device, content))
    assert remark.tags == tuple(names(5))
    assert listener.bad() == {"Nowhere": "BadNodeIdUnknown"}
    report("5 of 30 read in rounds, then subscribed to; 1 bad")


async def test_u5_no_subscription_at_all(report):
    """U5: a server without subscriptions is read in rounds, every change of a second seen."""
    content = Plain(30)
    async with Device(content) as device:
        device.faults.on.add("no-subscriptions")
        await count(device, content)
        listener = Listener(device, names(30))
        async with listener.listening():
            for _ in range(3):
                await listener.all_came(await count(device, content))
            remark = listener.remark("polled_instead")
            rounds = listener.came["V0"]
            await listener.all_came(await count(device, content))
    assert len(remark.tags) == 30
    assert rounds <= 4, "a point that did not change was told again"
    report("30 points read in rounds")


@pytest.fixture
def marked(monkeypatch):
    """Count the values a server sends with the overflow bit, as it sends them."""
    found = []
    pop = subscriptions.Subscription._pop_publish_result

    def popped(self):
        result = pop(self)
        for part in result.NotificationMessage.NotificationData or ():
            codes = [item.Value.StatusCode.value for item in part.MonitoredItems]
            found.extend(code for code in codes if code & 0x480 == 0x480)
        return result

    monkeypatch.setattr(subscriptions.Subscription, "_pop_publish_result", popped)
    return found


async def test_u6_fifty_changes_between_two_messages(marked, report):
    """U6: 50 changes of a point within one publishing interval all arrive."""
    content = Plain(4, types=("Int32",))
    async with Device(content) as device:
        await count(device, content)
        listener = Listener(device, names(4), interval_s=0.01, publish_interval_s=0.5)
        async with listener.listening():
            await listener.all_came()
            first = content.generation
            await listener.all_came(await count(device, content, times=50), within_s=20)
    expected = [(first + n + 1) % 120 for n in range(50)]
    assert listener.values["V0"][-50:] == expected
    assert (listener.overflow, marked) == (0, [])
    report("50 of 50 changes")


async def test_u6_overflow_is_counted_as_the_server_says(marked, report):
    """U6: where the server's queue is too short, its every overflow is counted and remarked."""
    content = Plain(4, types=("Int32",))
    async with Device(content, limits=Limits(queue=5)) as device:
        await count(device, content)
        listener = Listener(device, names(4), interval_s=0.01, publish_interval_s=0.2)
        async with listener.listening():
            await listener.all_came()
            for _ in range(5):
                await listener.all_came(await count(device, content, times=50))
            short, ran_over = listener.remark("queue_short"), listener.remark("server_overflow")
    assert listener.overflow == len(marked) > 0
    assert short.degraded
    assert f"ran over {len(marked)} times" in ran_over.text
    report(f"{len(marked)} overflows told by the server, {listener.overflow} counted")


async def test_u6_short_queues_are_emptied_more_often(marked, report):
    """U6: where nobody says how often to publish, a queue of 10 is emptied before it runs over."""
    content = Plain(4, types=("Int32",))
    async with Device(content, limits=Limits(queue=10)) as device:
        await count(device, content)
        listener = Listener(device, names(4), interval_s=0.02)
        async with listener.listening():
            await listener.all_came()
            first = content.generation
            await listener.all_came(await count(device, content, times=40, pause_s=0.02))
            served = next(iter(listener.session._streams))._monitor.served
            assert served.publishing_s == pytest.approx(0.1)
            assert listener.remark("queue_short") is None
    report(f"{len(marked)} overflows at 50 changes a second and a queue of 10")
    assert listener.values["V0"][-1] == (first + 40) % 120


@pytest.mark.long
async def test_revised_sampling_is_told(report):
    """A server that samples less often than asked is served as it is, and people are told."""
    content = Plain(4)
    async with Device(content, limits=Limits(sampling_ms=500, publishing_ms=2_000)) as device:
        await count(device, content)
        listener = Listener(device, names(4), interval_s=0.1)
        async with listener.listening():
            await listener.all_came()
            slower = listener.remark("sampled_slower")
            published = listener.remark("published_slower")
    assert (slower.degraded, published.degraded) == (True, False)
    assert "every 0.5 s, not every 0.1 s" in slower.text
    assert "500" not in slower.zh
    assert "0.5 秒（配置为 0.1 秒）" in slower.zh
    report("told")


async def test_deadband_of_the_server(report):
    """A point's own deadband is kept by the server where it can, changes beyond it arrive."""
    content = Plain(2, types=("Int32",))
    async with Device(content) as device:
        await count(device, content)
        listener = Listener(device, names(2), deadband=5.0, server_deadband="points")
        async with listener.listening():
            await listener.all_came()
            expected = await count(device, content, times=6, pause_s=0.1)
            await listener.all_came(expected)
            assert listener.remark("no_server_deadband") is None
    assert listener.came["V0"] == 2
    report("1 of 6 changes sent: the one beyond the deadband")


@pytest.mark.long
async def test_deadband_a_server_refuses_is_left_out(report):
    """Where the server refuses a deadband its points come without one, and people are told."""
    content = Plain(30)
    async with Device(content) as device:
        await count(device, content)
        percent = {"server_deadband": "percent", "server_deadband_percent": 1}
        listener = Listener(device, names(30), **percent)
        async with listener.listening():
            await listener.all_came()
            await listener.all_came(await count(device, content))
            remark = listener.remark("no_server_deadband")
            assert listener.remark("polled_instead") is None
    assert len(remark.tags) == 30
    assert not remark.degraded
    assert "BadMonitoredItemFilterUnsupported" in remark.text
    report("30 points without a deadband")
