"""On a link that takes less than is collected: events and states first, gauges last."""

from __future__ import annotations

import pytest
from integration.agent.publishing import Bench, hurry
from unit.agent.store.patience import until

from agent.publish.payload import GroupCodec
from drivers.api import Frame
from simulators.mqtt import Broker
from simulators.platform import Platform

T_NS = 1_795_400_000_000_000_000


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)


async def test_on_a_slow_link_events_and_states_overtake_gauges(tmp_path):
    """With one message at a time what is urgent goes next, however many gauges came before it."""
    arrived = []
    state = GroupCodec("dev", "state", ["machine.state"], max_row_bytes=40_000)
    async with Broker() as broker, Platform(broker.url) as platform:
        platform.on_row(lambda row: arrived.append(row.number))
        async with Bench(tmp_path, broker.url, window=1, max_message_kb=1) as bench:
            bench.start()
            await bench.connected()
            await until(lambda: bench.publisher.status().in_flight == 0)
            broker.faults.stall_pubacks = True
            await bench.put(1)
            await until(lambda: bench.publisher.status().in_flight == 1)
            await bench.put(6, text="y" * 500)  # 2 to 7: a message each
            frame = Frame("dev", "state", T_NS, ("running",))
            await bench.writer.put_frame(state, frame)
            await bench.writer.flush()  # 8
            bench.writer.put_event(1, b'"t":1,"type":"start"}')
            await bench.writer.flush()  # 9
            broker.release_pubacks()
            await bench.drained()
            await until(lambda: len(arrived) == 9, within_s=10)
    assert arrived == [1, 9, 8, 2, 3, 4, 5, 6, 7]
