"""The start tells how the run before ended, and keeps the time in between as lost."""

from __future__ import annotations

from types import SimpleNamespace

import orjson
import pytest
from unit.agent.store.outboxes import data, put, reopened, settings

from agent.losses.causes import KILLED, STOPPED
from agent.losses.spans import LossSpan
from agent.publish.stamping import StampingSink
from agent.store.beginning import Beginning
from agent.store.sqlite import Outbox
from simulators.platform.checks import Checker


class Taken:
    """Keeps what it is handed."""

    def __init__(self):
        self.events, self.losses = [], []

    async def put_frame(self, codec, frame):
        """Take nothing."""

    def put_lessons(self, lessons):
        """Take nothing."""

    def put_event(self, t_ms, body):
        """Take an event."""
        self.events.append(orjson.loads(b"{" + body))

    def put_losses(self, losses):
        """Take spans."""
        self.losses += losses

    def put_told(self, told):
        """Take losses and their events."""
        self.losses += told.losses
        self.events += [orjson.loads(b"{" + row.body) for row in told.rows]


def test_a_new_store_tells_of_no_time_before(tmp_path):
    """The very first start has nothing before it."""
    outbox = Outbox.open(settings(tmp_path))
    begun, taken = Beginning.of(outbox), Taken()
    begun.tell(taken, version="1")
    outbox.close(clean=True)
    assert taken.losses == []
    assert (taken.events[0]["clean"], "last" in taken.events[0]) == (True, False)


@pytest.mark.parametrize(("clean", "cause"), [(True, STOPPED), (False, KILLED)])
def test_the_span_begins_at_the_last_commit(tmp_path, clean, cause):
    """From the last commit to now nothing was collected; the event says from when, by contract."""
    store = settings(tmp_path)
    outbox = Outbox.open(store)
    put(outbox, data(1))
    last_ms = outbox.totals.last_ms
    outbox = reopened(outbox, store, clean=clean)
    begun, taken = Beginning.of(outbox), Taken()
    put(outbox, data(1))  # what this run stores does not move the end of the run before
    begun.tell(taken, version="1")
    outbox.close(clean=True)
    (span,) = taken.losses
    assert (span.cause, span.device, span.from_ms) == (cause, "", last_ms)
    (event,) = taken.events
    assert (event["last"], event["clean"]) == (last_ms, clean)
    assert event["t"] == span.to_ms >= last_ms
    message = {
        "v": 1, "gw": "gw", "ep": "0" * 10, "seq": 1, "sent": event["t"], "clk": "sync", "mv": 1,
        "e": [{"n": 1, **event}],
    }  # fmt: skip
    Checker().check("event", message, gateway="gw")


@pytest.mark.parametrize("free", [True, False])
def test_a_span_of_a_clock_nobody_vouches_for_is_undated(free):
    """While the clock is free a loss is kept without its date."""
    taken = Taken()
    sink = StampingSink(taken, SimpleNamespace(free=free))
    sink.put_losses([LossSpan("late", "m1", 1, 2)])
    assert [span.dated for span in taken.losses] == [not free]
