"""The broker goes and comes back under load: nothing is lost, live data first, backlog fast."""

from __future__ import annotations

import time

import pytest
from system.agent_process import AgentProcess
from system.loads import counting
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber
from system.waiting import passed, until

from simulators.proxy import TcpProxy

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(240)]

REGISTERS = 500
LIVE_LATENCY_MS = 3000
"""Between the last value of a live row and its arrival, on a machine busy with other tests."""
LIVE_WANTED = 5
"""Live messages after the return, before the test looks at them."""
SLOW_LINK_BYTES_PER_S = 400_000
"""About four times what the live data needs: the backlog takes a few seconds."""


@pytest.mark.parametrize(
    ("outage_s", "speed_wanted"),
    # of a short backlog the first reads and commits take most of the time, on a busy disk above all
    [(8, 5), pytest.param(60, 20, marks=pytest.mark.long)],
)
async def test_nothing_lost_and_drained_fast(tmp_path, outage_s, speed_wanted):
    """After an outage every row arrives once, live ones at once, the backlog many times faster."""
    async with (
        Mosquitto(tmp_path) as broker,
        counting(REGISTERS) as counter,
        AgentProcess(tmp_path, broker_url=broker.url, devices=[counter]) as agent,
    ):
        with Subscriber(broker.url) as subscriber:
            await _live(agent, subscriber)
            await broker.stop()
            gone_s, gone_ms = time.monotonic(), _now_ms()
            await passed(since_s=gone_s, seconds=outage_s)
            away = await agent.until(_is_away, what="sees the outage")
            back_ms = _now_ms()
            await broker.start()
            await _all_arrived(agent, subscriber, since_ms=back_ms)
    assert away["store"]["waiting"]["values"] > REGISTERS * outage_s
    live, late = _sent_since(subscriber, back_ms)
    latencies = _latencies(live)
    print(f"live messages {len(latencies)}, slowest {max(latencies)} ms")
    assert max(latencies) <= LIVE_LATENCY_MS
    assert live[0][0] <= late[-1][0] + LIVE_LATENCY_MS
    oldest_ms, newest_ms = _times(late)
    assert oldest_ms <= gone_ms + 1000, "the backlog begins when the broker went"
    assert newest_ms >= back_ms - 1000, "the backlog ends when the broker came back"
    took_ms = max(1, late[-1][0] - min(body["sent"] for _, body in late))
    speed = (newest_ms - oldest_ms) / took_ms
    print(f"backlog of {(newest_ms - oldest_ms) / 1000:.1f} s in {took_ms} ms: {speed:.0f} times")
    assert speed >= speed_wanted


async def test_live_rows_overtake_the_backlog(tmp_path):
    """On a slow link, where the backlog takes seconds, live rows arrive as if it were not there."""
    slow = {"window": 4, "max_message_kb": 20}
    async with (
        Mosquitto(tmp_path) as broker,
        TcpProxy("127.0.0.1", broker.port) as link,
        counting(REGISTERS) as counter,
        AgentProcess(
            tmp_path, broker_url=f"mqtt://127.0.0.1:{link.port}", devices=[counter], publish=slow
        ) as agent,
    ):
        with Subscriber(broker.url) as subscriber:
            await _live(agent, subscriber)
            link.refuse()
            link.cut()
            await passed(since_s=time.monotonic(), seconds=8)
            await agent.until(_is_away, what="sees the outage")
            link.drip(SLOW_LINK_BYTES_PER_S)
            back_ms = _now_ms()
            await link.accept()
            await _all_arrived(agent, subscriber, since_ms=back_ms)
    live, late = _sent_since(subscriber, back_ms)
    through_ms = late[-1][0]
    overtaking = [(at, body) for at, body in live if at <= through_ms]
    print(f"backlog through in {through_ms - late[0][0]} ms, overtaken by {len(overtaking)} live")
    assert len(overtaking) >= LIVE_WANTED
    latencies = _latencies(overtaking)
    print(f"slowest live message meanwhile {max(latencies)} ms")
    assert max(latencies) <= LIVE_LATENCY_MS
    assert overtaking[0][0] <= late[0][0] + LIVE_LATENCY_MS


async def _live(agent, subscriber):
    """Start the agent and wait until data comes live."""
    agent.start()
    await agent.collecting()
    await agent.until(lambda _: subscriber.of("data"), within_s=10, what="has live data arrive")


async def _all_arrived(agent, subscriber, *, since_ms):
    """Wait for the end of the backlog and some live data, stop, and compare the books."""
    await agent.drained(within_s=60)
    await agent.until(
        lambda _: len(_sent_since(subscriber, since_ms)[0]) >= LIVE_WANTED,
        within_s=10, what="has live data arrive after the return",
    )  # fmt: skip
    assert await agent.stop() == 0
    law = agent.verify()
    acked = law["acked"]["rows"]
    await until(lambda: len(subscriber.books().rows) >= acked, within_s=20,
                what=f"{acked} rows arrive")  # fmt: skip
    books = subscriber.books()
    assert (books.holes, books.altered) == ([], 0)
    assert law["stored"]["rows"] == len(books.rows) + law["waiting"]["rows"]
    assert law["dropped"]["rows"] == law["rejected"]["rows"] == 0
    assert "Traceback" not in agent.complaints()


def _sent_since(subscriber, since_ms):
    """Give data and hist messages of scans that the agent sent after a moment.

    What the broker still had for the subscriber when it stopped was sent before.
    """
    live, late = (
        [(at, body) for at, body in subscriber.of(level)
         if body["sent"] >= since_ms and any("t" in row for row in body["b"])]
        for level in ("data", "hist")
    )  # fmt: skip
    return live, late


def _latencies(messages):
    """Give, per message, milliseconds between its latest value and its arrival."""
    return [at - _times([(at, body)])[1] for at, body in messages]


def _times(messages):
    """Give the earliest and the latest time of a scan."""
    times = [
        row["t0"] + offset
        for _, body in messages
        for row in body["b"]
        for offset in row.get("t", ())
    ]
    return min(times), max(times)


def _is_away(status):
    return not status["destinations"][0]["connected"]


def _now_ms():
    return time.time_ns() // 1_000_000
