"""kill -9 while a device does not answer: the polls it cost until then are told, once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from system.agent_process import AgentProcess
from system.loads import counting
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber
from system.waiting import free_port, until

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(180)]

LIVES = 2
POLLS = 10
"""Missed before each kill: far less than a minute of them, after which a run tells them itself."""
EVERY_MS = 500


async def test_polls_missed_before_a_kill_are_told_by_the_next_start(tmp_path):
    """Each killed run's silence is told up to its last commit, poll by poll, and not twice."""
    async with Mosquitto(tmp_path) as broker, counting(20) as counter:
        dead = {
            "id": "dead", "driver": "modbus", "host": "127.0.0.1", "port": free_port(),
            "groups": {"default": {"interval_s": EVERY_MS / 1000}},
            "tags": [{"name": "a", "address": "hr:0", "type": "uint16"}],
        }  # fmt: skip
        with Subscriber(broker.url) as subscriber:
            async with AgentProcess(
                tmp_path, broker_url=broker.url, devices=[counter, dead]
            ) as agent:
                for _ in range(LIVES):
                    agent.start()
                    await agent.until(_missed, what=f"misses {POLLS} polls")
                    await agent.kill()
                agent.start()
                await until(lambda: len(_told(subscriber)) >= LIVES, within_s=60,
                            what="the polls missed before each kill are told")  # fmt: skip
                await agent.kill()
            books = subscriber.books()
    missed, starts = _told(subscriber)[:LIVES], books.events("start")[1:]
    assert (books.holes, books.altered) == ([], 0)
    assert [event["to"] for event in missed] == [start["last"] for start in starts]
    assert not any(start["clean"] for start in starts)
    for event in missed:
        assert (event["d"], event["reason"]) == ("dead", "device_down")
        assert event["polls"] == (event["to"] - event["from"]) // EVERY_MS + 1
        assert event["polls"] >= POLLS // 2
    assert all(one["to"] < other["from"] for one, other in pairwise(missed)), "told twice"


def _missed(status):
    dead = next(device for device in status["devices"] if device["id"] == "dead")
    return dead["missed"] >= POLLS


def _told(subscriber):
    return subscriber.books().events("missed")
