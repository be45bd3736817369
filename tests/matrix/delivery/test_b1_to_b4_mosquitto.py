"""B1 to B4 at a mosquitto: killed, stopped, forbidding, and with limits of its own."""

from __future__ import annotations

import signal
import time

import pytest
from integration.agent.publishing import Bench, arrived
from system.mosquitto import Mosquitto
from unit.agent.store.patience import until

from agent.publish import refusal
from agent.telemetry.status import Count
from simulators.platform import Platform


def held_to_account(platform, rows):
    """Hold a platform's books against what was stored."""
    summary = platform.summary()
    assert (summary["schema_errors"], summary["altered_duplicates"]) == (0, 0)
    assert (summary["unaccounted_rows"], summary["holes"]) == (0, [])
    assert summary["rows"] == rows


@pytest.mark.parametrize("persistent", [True, False])
async def test_b1_a_broker_killed_with_messages_in_its_queue(tmp_path, persistent, report, figure):
    """Rows a broker had acknowledged and lost arrive all the same, where the platform confirms."""
    async with (
        Mosquitto(tmp_path, persistent=persistent) as broker,
        Bench(tmp_path, broker.url, ack="watermark", ack_timeout_s=2) as bench,
    ):
        bench.start()
        async with Platform(broker.url, confirm=True, client_id="province") as platform:
            await bench.put(5)
            await arrived(platform, 5)
            await bench.drained()
        await bench.put(20)  # into the session of a platform that is away
        await until(lambda: bench.publisher.status().unconfirmed == 20, within_s=10)
        await broker.kill()
        await broker.start()
        async with Platform(
            broker.url, confirm=True, client_id="province", from_start=False, patience_s=0.5
        ) as platform:
            platform.receiver._from_start = True
            platform.receiver.gateways.clear()
            await bench.put(5)
            await until(lambda: platform.receiver.total("rows") >= 30, within_s=30)
            await bench.drained()
            summary = platform.summary()
            assert summary["holes"] == []
        assert bench.waiting == 0
        figure("stored rows lost", len(summary["holes"]))
        figure("repeats, removed by id", summary["duplicates"])
        report(f"persistent {persistent}: 0 lost, {summary['duplicates']} repeated")


async def test_b2_a_broker_that_stands_still(tmp_path, report, figure):
    """A stopped broker is noticed within twice the keep alive; nothing is lost."""
    async with Mosquitto(tmp_path) as broker, Platform(broker.url) as platform:
        async with Bench(tmp_path, broker.url, keepalive_s=5) as bench:
            bench.start()
            await bench.put(3)
            await bench.drained()
            broker.signal(signal.SIGSTOP)
            stopped_s = time.monotonic()
            try:
                await bench.put(3)
                await until(lambda: not bench.publisher.status().connected, within_s=60)
                figure("slowest notice, s", round(time.monotonic() - stopped_s, 1))
            finally:
                broker.signal(signal.SIGCONT)
            await bench.drained()
            await until(lambda: platform.receiver.total("rows") == 6, within_s=10)
        held_to_account(platform, 6)
    report("noticed, 0 lost")


async def test_b3_one_topic_is_forbidden(tmp_path, monkeypatch, figure):
    """Events that may not be published are kept and told; data goes on meanwhile."""
    monkeypatch.setitem(refusal.PAUSES_S, 0x87, 20.0)  # as far as the test is concerned, for ever
    rules = tmp_path / "acl"
    rules.write_text(
        "topic read #\ntopic write hb/v1/ent/gw/data\ntopic write hb/v1/ent/gw/hist\n"
        "topic write hb/v1/ent/gw/meta\ntopic write hb/v1/ent/gw/status\n"
    )
    rules.chmod(0o644)
    tmp_path.chmod(0o755)
    async with (
        Mosquitto(tmp_path, options=[f"acl_file {rules}"]) as broker,
        Platform(broker.url) as platform,
        Bench(tmp_path, broker.url) as bench,
    ):
        bench.start()
        await bench.connected()
        bench.writer.put_event(1, b'"t":1,"type":"start"}')
        await bench.put(1)
        await until(lambda: bench.problem and "0x87" in bench.problem.en)
        await bench.put(5)
        await arrived(platform, 6)
        await until(lambda: bench.waiting == 1)
        assert bench.writer.status().rejected == Count()
        figure("live rows meanwhile", platform.receiver.total("rows"))
        figure("rows kept for later", bench.waiting)


@pytest.mark.parametrize("option", ["max_packet_size 3000", "message_size_limit 3000"])
async def test_b4_a_broker_with_a_small_limit(tmp_path, option, report, figure):
    """Announced or not, a limit below ours costs nothing: messages shrink, rows go in parts."""
    async with (
        Mosquitto(tmp_path, options=[option]) as broker,
        Platform(broker.url) as platform,
        Bench(tmp_path, broker.url) as bench,
    ):
        await bench.put(12, text="y" * 500)
        await bench.wide(40, text="z" * 200)  # 8 kB in one row, 200 bytes in a value
        await bench.put(1, text="x" * 5000)
        await bench.put(2)
        bench.start()
        await bench.drained()
        status = bench.writer.status()
        assert status.rejected == Count(1, 1)
        await until(lambda: platform.receiver.total("values") >= 12 + 40 + 2, within_s=10)
        assert platform.receiver.total("values") == 12 + 40 + 2
        summary = platform.summary()
        assert (summary["schema_errors"], summary["unaccounted_rows"]) == (0, 0)
        figure("connections", bench.publisher.status().connects)
        figure("rows set aside", status.rejected.rows)
        report(f"{option}: {bench.publisher.status().connects} connections")
