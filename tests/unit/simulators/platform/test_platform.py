"""The platform behind a real broker: subscribes, survives restarts, runs as a process."""

import asyncio
import json
import sys

import orjson
import pytest

from simulators.mqtt import Broker, Faults, Reason
from simulators.platform import Platform, PlatformError

ROOT = "hb/v1/acme/gw"


def message(n):
    """A live message of one row."""
    block = {"n": n, "t0": 1_795_400_000_000 + n, "d": "d", "g": "g", "t": [0], "s": {"x": [n]}}
    body = {"v": 1, "gw": "gw", "ep": "01KAR5Z8Q4", "seq": n, "sent": 1, "clk": "sync", "mv": 1}
    return orjson.dumps(body | {"b": [block]})


async def rows(platform, count):
    """Wait until so many rows are there."""
    async with asyncio.timeout(15):
        await platform.until(lambda: platform.receiver.total("rows") >= count)


async def test_it_receives_once_subscribed():
    """Inside the block it has subscribed, so nothing published then is missed."""
    async with Broker() as broker, Platform(broker.url) as platform:
        seen = []
        platform.on_row(seen.append)
        assert broker.publish(f"{ROOT}/data", message(1)) == Reason.SUCCESS
        await rows(platform, 1)
        assert [item.content["s"] for item in seen] == [{"x": [1]}]
        assert platform.summary()["holes"] == []


async def test_it_removes_the_brokers_duplicates():
    """Deliveries repeated by the broker count once."""
    faults = Faults(duplicate_deliveries=True)
    async with Broker(faults=faults) as broker, Platform(broker.url) as platform:
        for n in range(1, 51):
            broker.publish(f"{ROOT}/data", message(n))
        async with asyncio.timeout(15):
            await platform.until(lambda: platform.receiver.total("duplicates") >= 50)
        assert platform.receiver.total("rows") == 50


@pytest.mark.parametrize("persistent", [True, False])
async def test_it_survives_a_restart_of_the_broker(persistent):
    """After a restart it is back by itself, whether the broker kept its session or not."""
    async with Broker() as broker, Platform(broker.url) as platform:
        broker.publish(f"{ROOT}/data", message(1))
        await rows(platform, 1)
        await broker.restart(persistent=persistent)
        async with asyncio.timeout(15):
            await platform.until(lambda: platform.connects == 2)
        assert broker.publish(f"{ROOT}/data", message(2)) == Reason.SUCCESS
        await rows(platform, 2)


async def test_what_was_published_meanwhile_waits():
    """While it is cut off, the broker keeps for it what publishers were told is taken."""
    async with Broker() as broker, Platform(broker.url) as platform:
        broker.disconnect()
        async with asyncio.timeout(5):
            await broker.until(lambda: not broker.clients)
        for n in range(1, 21):
            assert broker.publish(f"{ROOT}/data", message(n)) == Reason.SUCCESS
        await rows(platform, 20)
        assert platform.summary()["duplicates"] == 0


async def test_a_refusal_is_told():
    """A broker that refuses ends in an error that says so in both languages."""
    faults = Faults(refuse_connect=Reason.NOT_AUTHORIZED)
    async with Broker(faults=faults) as broker:
        with pytest.raises(PlatformError, match=r"(?i)not authorized.*拒绝"):
            async with Platform(broker.url):
                pytest.fail("entered")


async def test_no_answer_is_told():
    """Nobody listening ends in an error that names the place."""
    async with Broker() as broker:
        url = broker.url
    with pytest.raises(PlatformError, match="无应答"):
        async with Platform(url, connect_timeout_s=0.3):
            pytest.fail("entered")


@pytest.mark.parametrize("url", ["localhost:1883", "http://x", "mqtt://", "mqtts://x:8883"])
async def test_a_wrong_url_is_told(url):
    """A URL that is no MQTT URL, or TLS without a context, is refused at once."""
    with pytest.raises(PlatformError):
        Platform(url)


async def test_as_a_process(tmp_path):
    """As a process it prints a JSON summary, records rows, and its exit code tells of holes."""
    record = tmp_path / "rows.jsonl"
    command = ["-m", "simulators.platform", "--json", "--record", str(record), "--url"]
    async with Broker() as broker:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, broker.url, stdout=-1, stderr=-1
        )
        async with asyncio.timeout(20):
            assert await process.stderr.readline() == b"subscribed\n"
            broker.publish(f"{ROOT}/data", message(1))
            broker.publish(f"{ROOT}/data", message(3))
            broker.publish(f"{ROOT}/data", b"nonsense")
            (client,) = broker.clients
            await broker.until(lambda: broker.waiting(client) == 0)
            process.terminate()
            output, _ = await process.communicate()
    summary = json.loads(output)
    assert process.returncode == 1
    assert summary["holes"] == [["gw", "01KAR5Z8Q4", 2, 2]]
    assert (summary["rows"], summary["schema_errors"]) == (2, 1)
    assert [json.loads(line)["n"] for line in record.read_text().splitlines()] == [1, 3]
