"""B5 to B8 and N6: brokers that answer oddly, are others than they say, or mean harm."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import time
from pathlib import Path

import pytest
from integration.agent.publishing import TOPIC, Bench, arrived, listening
from unit.agent.store.patience import until

from agent.publish import rivalry
from agent.telemetry.status import Count
from simulators.mqtt import Broker, Limits

CONNACK = b"\x20\x03\x00\x00\x00"
MOST_MB = 10


@pytest.fixture
def _impatient(monkeypatch):
    """A login that gets no answer is given up soon."""
    monkeypatch.setattr("agent.publish.mqtt.CONNECT_TIMEOUT_S", 0.5)


def resident_bytes():
    """Tell how much memory this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class Hostile:
    """Answers every connection with bytes of its own, and counts what it was sent."""

    def __init__(self, *, login=CONNACK, then=b""):
        self._login, self._then = login, then
        self.heard = b""
        self.connects = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.connects += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.heard += await reader.read(65_536)
            writer.write(self._login)
            await writer.drain()
            for _ in range(200):
                if not self._then:
                    break
                writer.write(self._then)
                await writer.drain()
            self.heard += await reader.read(65_536)
        writer.close()


@pytest.mark.parametrize("kind", ["stalled", "late", "twice"])
async def test_b5_acknowledgements_late_double_or_never(tmp_path, kind, report, figure):
    """With a Receive Maximum of 1 the window is kept, and every row leaves exactly once."""
    async with Broker(limits=Limits(receive_maximum=1)) as broker, listening(broker) as platform:
        broker.faults.double_pubacks = kind == "twice"
        broker.faults.puback_delay_s = 0.02 if kind == "late" else 0.0
        broker.faults.stall_pubacks = kind == "stalled"
        async with Bench(tmp_path, broker.url, max_message_kb=1) as bench:
            await bench.put(10, text="y" * 500)
            bench.start()
            if kind == "stalled":
                await until(lambda: bench.publisher.status().in_flight == 1)
                broker.release_pubacks()
            broker.inject(b"\x40\x02\x77\x77", "gw")
            await bench.drained()
            await arrived(platform, 10)
            assert bench.writer.status().acked == Count(10, 10)
            figure("rows", bench.writer.status().acked.rows)
        assert broker.stats.protocol_errors == 0
        figure("breaches of the window", broker.stats.protocol_errors)
    report(f"{kind}: 10 of 10, once each")


async def test_a_refused_event_stops_no_data(tmp_path):
    """0x10 on `event` keeps events, and only events."""
    async with Broker() as broker, listening(broker) as platform:
        broker.faults.reason_by_filter = {TOPIC + "event": 0x10}
        async with Bench(tmp_path, broker.url) as bench:
            bench.writer.put_event(1, b'"t":1,"type":"start"}')
            await bench.put(2)
            bench.start()
            await until(lambda: bench.waiting == 1)
            await bench.put(3)
            await arrived(platform, 5)
            await until(lambda: bench.waiting == 1)
            broker.faults.reason_by_filter = {}
            await bench.drained()
            await arrived(platform, 6)


async def test_b7_two_senders_under_one_identity(tmp_path, monkeypatch, report, figure):
    """A sender that is thrown out stays away a while, says why, and loses nothing."""
    monkeypatch.setattr(rivalry, "PAUSE_S", 0.2)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with (
        Broker() as broker,
        Bench(tmp_path / "one", broker.url, no_subscriber="accept") as one,
        Bench(tmp_path / "two", broker.url, no_subscriber="accept") as two,
    ):
        began_s = time.monotonic()
        one.start()
        await one.connected()
        two.start()
        await until(lambda: one.problem and two.problem, within_s=20)
        assert "client id" in one.problem.en
        lasted_s = time.monotonic() - began_s
        connects = max(bench.publisher.status().connects for bench in (one, two))
        assert connects <= 2 + lasted_s / 0.2
        await two.stop()
        await one.put(3)
        await one.drained()
    figure("rows", one.writer.status().acked.rows)
    report(f"{connects} connects each, told in both boxes")


def test_b7_the_pause_is_long_enough(figure):
    """Whoever is thrown out comes back six times a minute at most."""
    duel = rivalry.Rivalry()
    duel.ended(rivalry.TAKEN_OVER, 100.0)
    assert 60 / duel.pause_s <= 6
    figure("connections a minute, at most", round(60 / duel.pause_s))
    assert duel.problem(101.0) is not None
    assert duel.problem(100.0 + rivalry.REMEMBERED_S + 1) is None
    duel.ended(None, 200.0)
    assert duel.pause_s == 0


@pytest.mark.parametrize(
    ("login", "then"),
    [
        (b"\x20\xff\xff\xff\x7f", b"\0" * 65_536),
        (CONNACK, b"\x40\xff\xff\xff\x7f" + b"\0" * 65_536),
        (CONNACK, b"\x30\x08\x00\x04\xff\xfe\xfd\xfc\x00x"),
        (CONNACK, b"\x00\x00"),
        (CONNACK, b"\xf0\x02\x00\x00"),
        (CONNACK, b"\x40\xff\xff\xff\xff\xff"),
        (CONNACK, b"\xe0\x7f\x82"),
        (CONNACK, b"\x31\x0a\x00\x05a/cmdstop"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""),
    ],
    ids=["login", "length", "utf8", "type0", "auth", "overlong", "cut", "command", "http"],
)
@pytest.mark.parametrize("ack", ["puback", "watermark"])
@pytest.mark.usefixtures("_impatient")
async def test_b8_a_broker_that_means_harm(tmp_path, *, login, then, ack, figure):
    """Whatever a broker sends, the connection ends, memory stays, and no row is lost."""
    async with (
        Hostile(login=login, then=then) as broker,
        Bench(tmp_path, broker.url, ack=ack) as bench,
    ):
        await bench.put(5)
        before = resident_bytes()
        bench.start()
        await until(lambda: broker.connects >= 3, within_s=20)
        grown_mb = (resident_bytes() - before) / 1e6
        assert grown_mb <= MOST_MB
        assert bench.waiting == 5
        assert bench.failures == []
    figure("memory grew by, MB", round(max(0.0, grown_mb), 1))


@pytest.mark.parametrize("answer", [CONNACK, b"\x15\x03\x01\x00\x02\x02\x28"])
@pytest.mark.usefixtures("_impatient")
async def test_b6_who_answers_in_plain_text_hears_nothing(tmp_path, answer, figure):
    """Where TLS is configured, nothing but the TLS hello goes out before it stands."""
    async with Hostile(login=answer) as broker:
        url = broker.url.replace("mqtt:", "mqtts:")
        async with Bench(tmp_path, url, password="secret-word", username="secret-user") as bench:
            await bench.put(2)
            bench.start()
            await until(lambda: broker.connects >= 2, within_s=30)
            assert bench.waiting == 2
    assert broker.heard
    secrets = (b"secret-word", b"secret-user", b"MQTT", b"hb/v1")
    told = [secret for secret in secrets if secret in broker.heard]
    figure("impersonators", 1)
    figure("secrets told to them", len(told))
    assert told == []


async def test_n6_a_name_server_that_does_not_answer(tmp_path, monkeypatch, report, figure):
    """While a name look-up hangs, the loop goes on, threads do not pile up, and nothing is lost."""
    monkeypatch.setattr("agent.publish.mqtt.CONNECT_TIMEOUT_S", 0.1)
    hanging = []
    go_on = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(*_args, **_fields):
        hanging.append(1)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "create_connection", slow)
    async with Bench(tmp_path, "mqtt://broker.invalid") as bench:
        await bench.put(1)
        bench.start()
        await until(lambda: bench.problem and "name server" in bench.problem.en, within_s=20)
        assert hanging == [1]
        worst_s = 0.0
        for _ in range(20):
            at_s = time.monotonic()
            await asyncio.sleep(0.01)
            worst_s = max(worst_s, time.monotonic() - at_s - 0.01)
        go_on.set()
        await until(lambda: bench.problem and "resolution" in bench.problem.en, within_s=20)
        assert bench.waiting == 1
    figure("worst lag of the loop, ms", round(worst_s * 1000, 1))
    report(f"1 thread, worst lag {worst_s * 1000:.0f} ms")
