"""Alarms of a real server: what holds comes first, changes follow, losses and ends are told."""

from __future__ import annotations

import time

import pytest
from unit.drivers.opcua.live.machines import SHOP, Shop, listening
from unit.drivers.opcua.opcua_server import OpcuaPeer

from drivers.api import DriverError, SessionLost
from drivers.opcua import DRIVER
from drivers.opcua.alerts import watch


@pytest.fixture(scope="module")
def workshop():
    """One server for all tests of this file: building one takes seconds."""
    with Shop() as found:
        yield found


@pytest.fixture
def shop(workshop):
    """The server, without alarms and faults."""
    workshop.calm()
    return workshop


async def test_what_holds_comes_first_then_what_changes(shop):
    """Alarms from before we came are told at once; then beginnings and ends, each once."""
    shop.alarm("L1", 1007)
    config = shop.config(alerts={"notifiers": ["i=2253", f"{SHOP}L1"]})
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config) as ear:
        await ear.until(lambda: len(ear.told) == 1)
        shop.alarm("V1", 2001)
        shop.alarm("L1", 1007, active=False)
        await ear.until(lambda: len(ear.told) == 3)
    assert ear.told == [
        ("L1", "报警 1007", True), ("V1", "报警 2001", True), ("L1", "报警 1007 解除", False),
    ]  # fmt: skip
    first, last = ear.heard[1], ear.heard[3]
    assert first.kind == "OffNormalAlarmType"
    assert (first.severity, first.acked) == (700, False)
    assert first.key == last.key == f"{SHOP}L1.Alarm1007"
    assert ear.heard[0].time_ns > first.time_ns  # the alarm was there before us
    assert sum(alert.lost for alert in ear.heard) == 0


async def test_mild_events_stay_at_the_server(shop):
    """What is below the least severity is not even sent."""
    config = shop.config(alerts={"min_severity": 900})
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config) as ear:
        shop.alarm("L1", 1)
        shop.content.conditions.severity = 950
        shop.alarm("L1", 2)
        await ear.until(lambda: ear.told)
    assert ear.told == [("L1", "报警 2", True)]


async def test_after_a_restart_a_new_session_tells_what_holds_now(shop):
    """The old session ends; the next one knows what began and what ended meanwhile."""
    config = shop.config(alerts={})
    shop.alarm("L1", 1)
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config) as ear:
        await ear.until(lambda: ear.told)
        shop.run(shop.device.stop())
        with pytest.raises(SessionLost):
            await ear.until(lambda: False)
    shop.alarm("L1", 1, active=False)
    shop.alarm("V1", 2)
    shop.run(shop.device.start())
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config) as ear:
        await ear.until(lambda: ear.told)
        assert ear.told == [("V1", "报警 2", True)]


@pytest.mark.parametrize("notifiers", [("i=2253",), ("i=2253", f"{SHOP}L1")])
async def test_what_ended_while_nobody_listened_is_told_as_ended(shop, notifiers):
    """The next session finds by what holds now which alarms are over, not when it was."""
    config = shop.config(alerts={"notifiers": list(notifiers)})
    plan = DRIVER.plan_alerts(config, device="cnc")
    shop.alarm("L1", 1)
    shop.alarm("V1", 2)
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config, plan) as ear:
        await ear.until(lambda: len(ear.told) == 2)
    shop.alarm("L1", 1, active=False)
    shop.alarm("V1", 3)
    began_ns = time.time_ns()
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config, plan) as ear:
        await ear.until(lambda: len(ear.told) == 3)
        shop.alarm("V1", 2, active=False)
        await ear.until(lambda: len(ear.told) == 4)
    assert sorted(ear.told[:3]) == [
        ("L1", "报警 1", False), ("V1", "报警 2", True), ("V1", "报警 3", True),
    ]  # fmt: skip
    assert ear.told[3] == ("V1", "报警 2 解除", False)
    (unseen,) = [alert for alert in ear.heard if alert.unseen]
    assert (unseen.source, unseen.key, unseen.acked) == ("L1", f"{SHOP}L1.Alarm1", None)
    assert unseen.time_ns >= began_ns


async def test_an_alarm_whose_end_was_lost_is_told_as_ended(shop, monkeypatch):
    """In one session, too: behind a loss it is asked what holds, and the rest is over."""
    monkeypatch.setattr(watch, "LOOK_AGAIN_S", 0.0)
    config = shop.config(alerts={})
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config) as ear:
        shop.alarm("L1", 1)
        await ear.until(lambda: ear.told)
        (stream,) = session._streams
        with monkeypatch.context() as deaf:
            deaf.setattr(stream, "on_events", lambda _data, _start, _end: took.append(1))
            took = []
            shop.alarm("L1", 1, active=False)
            await ear.until(lambda: took)
        shop.run(shop.content.conditions.overflow(shop.device))
        await ear.until(lambda: len(ear.told) == 2)
    assert ear.told[1] == ("L1", "报警 1", False)
    assert ear.heard[-1].unseen


async def test_a_queue_that_ran_over_is_counted_and_looked_behind(shop, monkeypatch):
    """The server's word that events were lost is counted, and what holds is asked for anew."""
    monkeypatch.setattr(watch, "LOOK_AGAIN_S", 0.0)
    config = shop.config(alerts={})
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config) as ear:
        before = shop.content.conditions.refreshes
        shop.run(shop.content.conditions.overflow(shop.device))
        await ear.until(lambda: any(alert.lost for alert in ear.heard))
        assert sum(alert.lost for alert in ear.heard) == 1
        assert shop.content.conditions.refreshes > before


async def test_a_lost_message_is_counted(shop, monkeypatch):
    """A numbered message that never came is a loss, and what holds is asked for anew."""
    monkeypatch.setattr(watch, "LOOK_AGAIN_S", 0.0)
    config = shop.config(alerts={})
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config) as ear:
        shop.alarm("L1", 1)
        await ear.until(lambda: ear.told)
        (stream,) = session._streams
        stream.on_message(stream._numbering.next + 2, has_data=True, read_ns=0)
        await ear.until(lambda: any(alert.lost for alert in ear.heard))
        assert sum(alert.lost for alert in ear.heard) == 2


async def test_a_node_that_gives_no_events_is_refused_with_words(shop):
    """A notifier without events is told in both languages; the session goes on."""
    config = shop.config(alerts={"notifiers": [f"{SHOP}L1.Identification"]})
    async with DRIVER.open(DRIVER.link(config)) as session:
        alerts = session.alerts(DRIVER.plan_alerts(config, device="cnc"))
        with pytest.raises(DriverError, match="reports no events") as told:
            await anext(alerts)
        assert not isinstance(told.value, SessionLost)
        assert "设备不提供事件" in told.value.zh
        assert session.alive


async def test_a_silent_subscription_of_events_ends(shop):
    """A server that hangs is noticed although no alarm was due."""
    config = shop.config(alerts={}, keepalive_s=1)
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config) as ear:
        shop.device.faults.on.add("freeze")
        with pytest.raises(SessionLost):
            await ear.until(lambda: False, within_s=30)


@pytest.mark.parametrize("refused", [1, 2])
async def test_a_server_without_alarms_gets_a_simpler_filter(shop, monkeypatch, refused):
    """Where the full filter is refused a plain one is tried, and people are told."""
    from drivers.opcua.alerts import asking

    asked = []

    async def refuse(services, subscription_id, nodes, *, wanted, queue_size):
        asked.append((len(wanted.SelectClauses), len(wanted.WhereClause.Elements)))
        if len(asked) <= refused:
            return ["BadEventFilterInvalid"] * len(nodes)
        return await real(services, subscription_id, nodes, wanted=wanted, queue_size=queue_size)

    real = asking.create_items
    monkeypatch.setattr(asking, "create_items", refuse)
    config = shop.config(alerts={"min_severity": 900})
    async with DRIVER.open(DRIVER.link(config)) as session, listening(session, config) as ear:
        (stream,) = session._streams
        (remark,) = session.remarks(stream.plan)
        assert remark.code == "alert_filter_simplified"
        assert remark.degraded
        shop.alarm("L1", 1)
        shop.content.conditions.severity = 950
        shop.alarm("L1", 2)
        await ear.until(lambda: ear.told)
    assert asked == [(10, 1), (6, 1), (6, 0)][: refused + 1]
    assert ear.told == [("L1", "报警 2", None)]


async def test_a_server_that_cannot_refresh_is_listened_to(peer):
    """A server without ConditionRefresh still tells what happens from now on."""
    assert isinstance(peer, OpcuaPeer)
    config = DRIVER.config(driver="opcua", url=peer.url, alerts={}, keepalive_s=1)
    async with (
        DRIVER.open(DRIVER.link(config)) as session,
        listening(session, config) as ear,
    ):
        peer.emit("Emergency stop", severity=800)
        await ear.until(lambda: ear.told)
    assert ear.told == [("Server", "Emergency stop", None)]
    assert ear.heard[-1].kind == "BaseEventType"
