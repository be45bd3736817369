"""The whole agent: what is read arrives, every row is accounted for, and the end is in order."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
import uvloop
from integration.agent.agents import Life, free_port, loaded, occupied, shop
from integration.agent.publishing import hurry, listening
from unit.agent.store.patience import until

from agent import app
from agent.cli.running import ask
from agent.config.model import Http
from agent.publish.publisher import Publisher
from agent.store import patience
from agent.store.inspect import evidence, report
from agent.store.outbox import StoreError, StoreLocked
from agent.store.sqlite import Outbox
from agent.telemetry.notify import Notifier, feed_watchdog
from agent.telemetry.status import DeviceState
from agent.web.server import BindError
from drivers.api import ConnectError
from simulators.mqtt import Broker


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)


@pytest.fixture
async def broker():
    async with Broker() as running:
        yield running


@pytest.fixture
async def platform(broker):
    async with listening(broker) as subscribed:
        yield subscribed


def nowhere():
    """Give the address of a broker that is not there."""
    return f"mqtt://127.0.0.1:{free_port()}"


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_whole_life(tmp_path, loop):
    """From start to stop: values arrive, every row is acknowledged, the last word is offline."""

    async def life():
        async with Broker() as broker, listening(broker) as platform:
            ledger = [{"id": "turning"}]
            configuration = loaded(tmp_path, broker.url, shop(), processes=ledger)
            async with Life(configuration) as agent:
                await until(lambda: platform.receiver.total("values") > 100)
                status = agent.agent.status()
                assert status.ready
                assert [d.state for d in status.devices] == [DeviceState.ONLINE] * 2
                assert status.destinations[0].connected
                assert agent.store.balanced
            totals = report(configuration.config.store.path).totals
            await until(lambda: platform.receiver.total("rows") == totals.stored.rows)
            return platform.receiver.gateways["gw"], totals

    with asyncio.Runner(loop_factory=loop) as runner:
        gateway, totals = runner.run(life())
    found = report(tmp_path / "store.db")
    assert found.sound
    assert (totals.waiting.rows, totals.dropped.rows, totals.rejected.rows) == (0, 0, 0)
    assert totals.acked == totals.stored
    assert (gateway.events["start"], gateway.events["stop"]) == (1, 1)
    assert gateway.status["state"] == "offline"
    assert set(gateway.device_states.values()) == {"online"}
    assert {device for device, _ in gateway.latest} == {"m0", "m1", "kpi"}
    assert set(gateway.devices) == {"m0", "m1"}


async def test_every_read_arrives_in_order(tmp_path, broker, platform):
    """The platform gets every value that was read of a device, each once, in order."""
    values = []
    platform.on_row(lambda row: values.extend(p.value for p in row.points() if row.device == "m0"))
    scripts = shop(1)
    async with Life(loaded(tmp_path, broker.url, scripts)):
        await until(lambda: len(values) >= 20)
    stored = report(tmp_path / "store.db").totals.stored
    await until(lambda: platform.receiver.total("rows") == stored.rows)
    assert values == list(range(len(values)))
    assert 0 <= scripts["m0"].reads() - len(values) <= 1, "only a read under way at the end is none"


async def test_without_a_broker_everything_waits_for_the_next_life(tmp_path, broker, platform):
    """Rows of a life without a platform arrive in the next one, with the clean end told."""
    async with Life(loaded(tmp_path, nowhere(), shop())) as agent:
        await agent.stored(20)
        await until(lambda: agent.agent.status().destinations[0].problem)
    waiting = report(tmp_path / "store.db").totals
    assert waiting.waiting == waiting.stored
    starts = []
    platform.on_row(lambda r: starts.append(r.content) if r.content.get("type") == "start" else 0)
    async with Life(loaded(tmp_path, broker.url, shop())) as agent:
        await until(lambda: platform.receiver.total("rows") > waiting.stored.rows)
        await until(lambda: len(starts) == 2)
    assert [event["clean"] for event in starts] == [True, True]
    assert all(event["version"] for event in starts)
    assert platform.receiver.total("hist_rows") > 0


async def test_an_unclean_end_is_told_at_the_next_start(tmp_path, broker, platform):
    """A store that was not closed in order makes a start event that says so."""
    configuration = loaded(tmp_path, broker.url, shop(1))
    Outbox.open(configuration.config.store).close(clean=False)
    events = []
    platform.on_row(lambda row: events.append(row.content))
    async with Life(configuration):
        await until(lambda: [e for e in events if e.get("type") == "start"])
    (start,) = [e for e in events if e.get("type") == "start"]
    assert start["clean"] is False


async def test_a_second_agent_is_refused(tmp_path, broker, platform):
    """A second agent on the same store ends at once; the first one goes on."""
    configuration = loaded(tmp_path, broker.url, shop(1))
    async with Life(configuration) as first:
        with pytest.raises(StoreLocked):
            async with Life(configuration):
                pass
        await first.stored(first.store.stored.rows + 5)


async def test_a_port_that_is_taken_ends_the_agent_in_order(tmp_path, broker):
    """When the page cannot be served the agent says so, and leaves its store closed and whole."""
    with occupied() as port:
        configuration = loaded(tmp_path, broker.url, shop(1), http=Http(port=port))
        with pytest.raises(BindError) as caught:
            async with Life(configuration):
                pass
        assert str(port) in caught.value.message.en
        assert str(port) in caught.value.message.zh
    found = report(tmp_path / "store.db")
    assert (found.sound, found.totals.stored.rows) == (True, 1)  # that it began


async def test_the_page_answers_while_the_agent_runs(tmp_path, broker, platform):
    """The status can be asked over HTTP; when the agent is gone nobody answers."""
    http = Http(port=free_port())
    async with Life(loaded(tmp_path, broker.url, shop(1), http=http)) as agent:
        await agent.stored(5)
        status = await asyncio.to_thread(ask, http, "/api/status")
        assert status["store"]["stored"]["rows"] >= 5
        assert status["store"]["balanced"] is True
        assert agent.page_url == f"http://127.0.0.1:{http.port}"
        assert await asyncio.to_thread(ask, http, "/no-such-page") is None
        assert status["gateway"] == "gw"
        everywhere = http.model_copy(update={"host": "0.0.0.0"})
        assert await asyncio.to_thread(ask, everywhere, "/api/status") is not None
        off = http.model_copy(update={"enabled": False})
        assert await asyncio.to_thread(ask, off, "/api/status") is None
    assert await asyncio.to_thread(ask, http, "/api/status") is None


async def test_a_device_that_is_away_does_not_stop_the_agent(tmp_path, broker, platform):
    """One device that cannot be reached is told of; the others' values arrive."""
    configuration = loaded(tmp_path, broker.url, shop(2))
    wire = configuration.devices[0].driver.wire("m1")
    wire.opens = dict.fromkeys(range(100), ConnectError("refused"))
    async with Life(configuration) as agent:
        await until(lambda: platform.receiver.latest("gw", "m0", "count"))
        await until(lambda: "m1" in platform.receiver.gateways["gw"].device_states)
        assert agent.agent.status().ready
        await until(lambda: platform.receiver.total("values") > 10)
    gateway = platform.receiver.gateways["gw"]
    assert gateway.device_states["m1"] == "offline"
    await until(lambda: gateway.missed_polls > 0)


async def test_evidence_outlives_a_restart(tmp_path, broker, platform):
    """What was observed of a device is in the store after the end, and known in the next life."""
    configuration = loaded(tmp_path, broker.url, shop(1))
    async with Life(configuration):
        await until(lambda: platform.receiver.latest("gw", "m0", "count"))
    ((device, _, good, *_),) = evidence(tmp_path / "store.db")
    assert (device, good > 0) == ("m0", True)
    async with Life(configuration) as agent:
        await agent.stored(agent.store.stored.rows + 5)
    ((_, _, more, *_),) = evidence(tmp_path / "store.db")
    assert more > good


# -- what ends the agent -------------------------------------------------------------------------


async def test_a_damaged_store_ends_the_agent_with_the_error(tmp_path, broker, platform):
    """A store that fails while running ends the process with its error, in good time."""
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        async with Life(loaded(tmp_path, broker.url, shop(1))) as agent:
            await agent.stored(5)

            def fail(_batch):
                raise sqlite3.DatabaseError("database disk image is malformed")

            agent.agent._writer._outbox.commit = fail
            await asyncio.wait([agent.task], timeout=10)
            assert agent.task.done()
    assert not Outbox.open(loaded(tmp_path, broker.url, {}).config.store).opened_clean


async def test_a_disk_that_stays_full_ends_with_a_message(tmp_path, broker, monkeypatch):
    """When the disk refuses to the end, the run ends with what could not be stored."""
    monkeypatch.setattr(patience, "RETRY_S", (0.02, 0.02))
    monkeypatch.setattr(app, "FINISH_S", 0.2)
    with pytest.raises(StoreError, match="could not be stored"):
        async with Life(loaded(tmp_path, broker.url, shop(1))) as agent:
            await agent.stored(5)
            pages = agent.agent._writer._outbox._db.execute("PRAGMA page_count").fetchone()[0]
            agent.agent._writer._outbox._db.execute(f"PRAGMA max_page_count={pages}")
            agent.agent._writer.put_event(1, b"x" * 100_000)
            await until(lambda: agent.store.problem)
            assert not agent.agent.status().ready


async def test_a_bug_in_the_publisher_ends_the_agent_after_storing_everything(
    tmp_path, broker, monkeypatch, caplog
):
    """A bug of our own ends the process with its error; what was read is on disk."""

    async def broken(_self):
        await asyncio.sleep(0.1)
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(Publisher, "run", broken)
    scripts = shop(1)
    with pytest.raises(ZeroDivisionError):
        async with Life(loaded(tmp_path, broker.url, scripts)) as agent:
            await asyncio.wait([agent.task], timeout=10)
    assert "the agent cannot go on" in caplog.text
    found = report(tmp_path / "store.db")
    assert found.sound
    outbox = Outbox.open(loaded(tmp_path, broker.url, {}).config.store)
    bodies = [row.body for row in outbox.read(1, 2**62, max_bytes=2**40)]
    outbox.close(clean=True)
    assert sum(body.count(b'"m0"') for body in bodies) > 0
    (stop,) = [body for body in bodies if b'"stop"' in body]
    assert b'"clean":false' in stop


async def test_cancelling_the_agent_stores_what_was_read(tmp_path):
    """An agent that is cancelled from outside still commits what it holds and closes in order."""
    scripts = shop(2)
    life = Life(loaded(tmp_path, nowhere(), scripts))
    await life.__aenter__()
    await life.stored(10)
    life.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await life.task
    found = report(tmp_path / "store.db")
    assert found.sound
    assert sum(script.reads() for script in scripts.values()) <= found.totals.stored.values


# -- the watchdog --------------------------------------------------------------------------------


async def test_without_a_supervisor_the_watchdog_ends_quietly(tmp_path, broker):
    """Where nobody asked for pings the task ends, and the agent runs on."""
    await feed_watchdog(Notifier(), list)
    async with Life(loaded(tmp_path, broker.url, shop(1))) as agent:
        await agent.stored(5)
        assert not agent.task.done()
