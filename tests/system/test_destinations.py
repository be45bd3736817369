"""Two brokers, each with a platform of its own: each has its own law, and neither stops the other.

One counts by its broker's word, the other by its platform's mark; the second goes away and returns.
"""

from __future__ import annotations

import json
import signal

import pytest
from system.agent_process import AgentProcess
from system.loads import counting
from system.mosquitto import Mosquitto

from simulators.platform import Platform

pytestmark = pytest.mark.timeout(180)
AWAY_ROWS = 20


def rows_of(status, name):
    """Give one destination's rows."""
    return next(d["rows"] for d in status["destinations"] if d["name"] == name)


def lawful(status):
    """Hold a look at the agent to the law of the store and of each destination; give it."""
    assert status["store"]["balanced"], status["store"]
    for destination in status["destinations"]:
        rows = destination["rows"]
        assert rows["balanced"], destination
        parts = [rows[name]["rows"] for name in ("acked", "rejected", "dropped", "waiting")]
        assert rows["stored"]["rows"] == sum(parts)
        causes = [count["rows"] for count in rows["causes"].values()]
        assert sum(causes) == rows["dropped"]["rows"]
    return status


def two_destinations(agent, second_url, **fields):
    """Add a second destination to the configuration of an agent."""
    document = json.loads(agent.config.read_text("utf-8"))
    second = {"name": "cloud", "url": second_url, "reconnect_max_s": 1} | fields
    document["publish"] = [document["publish"][0] | {"name": "province"}, second]
    agent.config.write_text(json.dumps(document), "utf-8")


def held_to_account(platform):
    """Hold a platform's own books: everything came, once or the same again, and nothing is open."""
    summary = platform.summary()
    assert (summary["schema_errors"], summary["altered_duplicates"]) == (0, 0)
    assert (summary["holes"], summary["unaccounted_rows"]) == ([], 0)
    return summary["rows"]


async def test_each_has_its_own_law_and_neither_stops_the_other(tmp_path):
    """With one broker killed the other gets everything; then the first catches up, rows leave."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    async with (
        Mosquitto(folders[0]) as first,
        Mosquitto(folders[1]) as second,
        counting(4) as machine,
        Platform(first.url) as province,
        Platform(second.url, confirm=True, patience_s=0.5) as cloud,
        AgentProcess(tmp_path, broker_url=first.url, devices=[machine]) as agent,
    ):
        two_destinations(agent, second.url, ack="watermark", ack_timeout_s=2)
        agent.start()
        await agent.until(
            lambda s: all(
                rows_of(lawful(s), n)["acked"]["rows"] > 5 for n in ("province", "cloud")
            ),
            what="sends to both",
        )
        await second.kill()
        away = await agent.until(
            lambda s: rows_of(lawful(s), "cloud")["waiting"]["rows"] > AWAY_ROWS,
            what="keeps rows for the one that is away",
        )
        assert rows_of(away, "province")["waiting"]["rows"] < AWAY_ROWS
        assert away["store"]["waiting"]["rows"] >= rows_of(away, "cloud")["waiting"]["rows"]
        states = {d["name"]: d["connected"] for d in away["destinations"]}
        assert states == {"province": True, "cloud": False}
        await second.start()
        await agent.until(
            lambda s: (
                rows_of(lawful(s), "cloud")["waiting"]["rows"] <= 8
                and s["store"]["waiting"]["rows"] <= 8
            ),
            what="brings the second up to date",
            within_s=60,
        )
        assert await agent.stop() == 0
        there = held_to_account(province), held_to_account(cloud)
        found = {one["name"]: one for one in agent.verify()["destinations"]}
    for name, rows in zip(("province", "cloud"), there, strict=True):
        assert found[name]["sound"], found[name]
        assert rows >= found[name]["acked"]["rows"]


async def test_one_that_is_stopped_delays_no_other(tmp_path):
    """A broker that stands still holds its own rows only; a best-effort one not even the store."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    async with (
        Mosquitto(folders[0]) as first,
        Mosquitto(folders[1]) as second,
        counting(4) as machine,
        Platform(first.url) as province,
        Platform(second.url) as cloud,
        AgentProcess(
            tmp_path, broker_url=first.url, devices=[machine], store={"keep_hours": 0}
        ) as agent,
    ):
        two_destinations(agent, second.url, policy="best_effort", keepalive_s=5)
        agent.start()
        await agent.until(
            lambda s: all(
                rows_of(lawful(s), n)["acked"]["rows"] > 5 for n in ("province", "cloud")
            ),
            what="sends to both",
        )
        second.signal(signal.SIGSTOP)
        try:
            seen = await agent.until(
                lambda s: rows_of(lawful(s), "cloud")["dropped"]["rows"] > AWAY_ROWS,
                what="counts what the stopped one misses",
                within_s=60,
            )
            assert list(rows_of(seen, "cloud")["causes"]) == ["behind"]
            assert rows_of(seen, "province")["dropped"]["rows"] == 0
            assert seen["store"]["waiting"]["rows"] < AWAY_ROWS
        finally:
            second.signal(signal.SIGCONT)
        acked = rows_of(seen, "cloud")["acked"]["rows"]
        await agent.until(
            lambda s: rows_of(lawful(s), "cloud")["acked"]["rows"] > acked + 5,
            what="goes on with the second",
            within_s=60,
        )
        assert await agent.stop() == 0
        held_to_account(province)
        summary = cloud.summary()
        assert (summary["schema_errors"], summary["altered_duplicates"]) == (0, 0)
        agent.verify()
