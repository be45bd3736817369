"""The law at every instant, and what is missing kept over restarts, on the real agent."""

from __future__ import annotations

import asyncio

import pytest
from integration.agent.agents import Life, free_port, loaded, shop
from integration.agent.publishing import hurry, listening
from unit.agent.store.patience import until

from agent.cli.running import ask
from agent.config.model import Http
from agent.losses.causes import KILLED, STOPPED
from agent.store.inspect import report
from agent.store.sqlite import Outbox
from simulators.mqtt import Broker

SAMPLES = 1000
PARTS = ("acked", "rejected", "dropped", "waiting")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)


def unbalanced(store):
    """Give what of the law does not hold in a status document; nothing when it holds."""
    rows, values = (sum(store[p][unit] for p in PARTS) for unit in ("rows", "values"))
    checks = {
        "rows": store["stored"]["rows"] == rows,
        "values": store["stored"]["values"] == values,
        "produced": store["produced_values"] == values + store["intake_values"],
        "causes": store["dropped"]["rows"] == sum(c["rows"] for c in store["causes"].values()),
        "intake": store["intake_values"] >= 0,
        "said": store["balanced"],
    }
    return [name for name, held in checks.items() if not held]


@pytest.mark.parametrize("looks", [200, pytest.param(SAMPLES, marks=pytest.mark.long)])
async def test_the_law_holds_whenever_one_looks(tmp_path, looks):
    """In a thousand looks at a loaded agent's /api/status, no value is ever unaccounted for."""
    http = Http(port=free_port())
    async with Broker() as broker, listening(broker) as platform:
        async with Life(loaded(tmp_path, broker.url, shop(4), http=http)) as agent:
            await agent.stored(5)
            seen = await asyncio.to_thread(lambda: [_look(http) for _ in range(looks)])
        assert platform.receiver.total("rows") > 0
    assert [found for found in map(unbalanced, seen) if found] == []
    produced = [store["produced_values"] for store in seen]
    assert produced == sorted(produced)
    assert len(set(produced)) > 10, "the agent was under way"
    assert any(store["intake_values"] for store in seen), "values were seen on their way"


def _look(http):
    """Ask until the agent answers: a busy machine may keep it waiting."""
    while (status := ask(http, "/api/status")) is None:
        pass
    return status["store"]


@pytest.mark.parametrize(("clean", "cause"), [(True, STOPPED), (False, KILLED)])
async def test_the_time_without_the_agent_is_a_loss(tmp_path, clean, cause):
    """After a stop or a crash the next start keeps and tells from when on nothing was collected."""
    configuration = loaded(tmp_path, f"mqtt://127.0.0.1:{free_port()}", shop(1))
    async with Life(configuration) as first:
        await first.stored(5)
        before_ms = first.store.losses and max(s.to_ms for s in first.store.losses)
    if not clean:
        Outbox.open(configuration.config.store).close(clean=False)
    async with Life(configuration) as second:
        (span,) = await until(lambda: [s for s in second.store.losses if s.cause == cause])
        assert span.device == ""
        assert span.to_ms >= span.from_ms >= (before_ms or 0)
    kept = report(tmp_path / "store.db").losses
    assert cause in {span.cause for span in kept}


async def test_a_new_store_has_no_time_without_the_agent(tmp_path):
    """The first start of all is no loss."""
    configuration = loaded(tmp_path, f"mqtt://127.0.0.1:{free_port()}", shop(1))
    async with Life(configuration) as agent:
        await agent.stored(3)
        assert {s.cause for s in agent.store.losses} <= {"late"}
