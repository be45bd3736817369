"""The publish loop, against a scripted server side."""

from __future__ import annotations

import asyncio
import time

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from unit.drivers.opcua.subscribing.test_publish import response

from drivers.api import SessionLost
from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.subscribing.notify import (
    LEAST_TO_REST,
    MOST_OUTSTANDING,
    ORPHANS,
    PublishLoop,
)

S = 1_000_000_000


class Wire:
    """The server's side: keeps the requests, answers them on demand."""

    def __init__(self):
        self.requests = []
        self.acknowledged = []

    def send(self, acknowledged):
        self.acknowledged.append(acknowledged)
        answer = asyncio.get_running_loop().create_future()
        self.requests.append(answer)
        return answer

    async def answer(self, data):
        self.requests.pop(0).set_result(data)
        await settled()


async def settled():
    """Let the callbacks of what was answered run, and what they put off."""
    for _ in range(3):
        await asyncio.sleep(0)


class Sink:
    def __init__(self):
        self.messages, self.changes, self.error = [], 0, None
        self.late, self.anew = False, False
        self.came_ns = []

    def on_message(self, sequence, *, has_data, read_ns, more=False):
        assert abs(time.time_ns() - read_ns) < 60e9
        if self.anew:
            raise SessionLost("numbered anew")
        self.messages.append((sequence, has_data))
        self.came_ns.append(read_ns)
        return not self.late

    def on_changes(self, data, start, end, *, read_ns):
        if data[start:end].count(b"torn"):
            raise DecodeError("torn")
        self.changes += 1

    def end(self, error):
        self.error = error


def fault(code):
    made = ua.ServiceFault()
    made.ResponseHeader.ServiceResult = ua.StatusCode(code)
    made.ResponseHeader.ServiceDiagnostics = ua.DiagnosticInfo()
    return struct_to_binary(made)


@pytest.fixture
async def scene():
    """A running loop with one subscription, number 1."""
    wire, sink, lost = Wire(), Sink(), []
    loop = PublishLoop(wire.send, lost.append)
    loop.add(1, sink)
    yield wire, sink, loop, lost
    loop.close()


async def test_two_requests_wait_and_are_replaced(scene):
    """Two requests wait at the server; each answer is followed by another, with its receipt."""
    wire, sink, _, _ = scene
    assert len(wire.requests) == 2
    await wire.answer(response(sequence=7, kinds=["change"]))
    await wire.answer(response(sequence=8, kinds=["change", "change"]))
    assert len(wire.requests) == 2
    assert (sink.messages, sink.changes) == ([(7, True), (8, True)], 3)
    assert wire.acknowledged == [[], [], [(1, 7)], [(1, 8)]]


async def test_a_message_that_was_held_up_bears_the_time_at_which_it_was_due(scene, monkeypatch):
    """A program without a turn reads it late: that proves nothing of the time until then."""
    wire, sink, _, _ = scene
    now_ns = time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns)
    await wire.answer(response(sequence=7, kinds=["change"], sent_s=1_000))
    now_ns += 13 * S
    await wire.answer(response(sequence=8, kinds=["change"], sent_s=1_001))
    await wire.answer(response(sequence=9, sent_s=1_013))
    ages_s = [(time.time_ns() - came_ns) / S for came_ns in sink.came_ns]
    assert ages_s[1] - ages_s[2] == pytest.approx(12, abs=5)
    assert ages_s[0] == pytest.approx(ages_s[2], abs=5)


async def test_keepalive_is_heard_and_not_acknowledged(scene):
    """A message without data proves life and needs no receipt."""
    wire, sink, _, _ = scene
    await wire.answer(response(sequence=3))
    assert (sink.messages, sink.changes) == ([(3, False)], 0)
    assert wire.acknowledged[-1] == []


async def test_strangers_are_counted_and_acknowledged(scene):
    """A message of a subscription that is not ours goes to nobody, and the server may forget it."""
    wire, sink, loop, _ = scene
    await wire.answer(response(subscription=99, sequence=5, kinds=["change"]))
    assert (sink.messages, loop.unknown) == ([], 1)
    assert wire.acknowledged[-1] == [(99, 5)]


async def test_a_message_that_comes_late_is_kept_by_the_server(scene):
    """What a sink does not take now is neither decoded nor acknowledged: it can be asked for."""
    wire, sink, _, _ = scene
    sink.late = True
    await wire.answer(response(sequence=7, kinds=["change"]))
    assert (sink.messages, sink.changes) == ([(7, True)], 0)
    assert wire.acknowledged[-1] == []


async def test_numbers_that_mean_nothing_end_the_session(scene):
    """A server whose numbers cannot be followed is left: no loss could be seen any more."""
    wire, sink, _, lost = scene
    sink.anew = True
    await wire.answer(response(sequence=7, kinds=["change"]))
    assert lost == [sink.error]
    assert (str(sink.error), sink.changes) == ("numbered anew", 0)


async def test_end_by_the_server_ends_the_sink(scene):
    """A status change ends its subscription with the server's word."""
    wire, sink, _, lost = scene
    await wire.answer(response(kinds=["status"]))
    assert isinstance(sink.error, SessionLost)
    assert "BadTimeout" in str(sink.error)
    assert lost == []


@pytest.mark.parametrize(
    "data",
    [
        response(kinds=["change"])[:60],
        b"",
        b"\x01\x00\x7a\x02" + response()[4:],
        response(kinds=["events"], strings=["torn"])[:-20],
    ],
    ids=["short", "empty", "other type", "torn text"],
)
async def test_undecodable_answers_end_the_session(scene, data):
    """What cannot be decoded ends the session with that reason."""
    wire, sink, _, lost = scene
    await wire.answer(data)
    assert isinstance(sink.error, SessionLost)
    assert lost == [sink.error]


async def test_broken_connection_ends_every_sink(scene):
    """The end of the connection ends every subscription once."""
    wire, sink, loop, lost = scene
    other = Sink()
    loop.add(2, other)
    for request in wire.requests:
        request.set_exception(ConnectionError("gone"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert isinstance(sink.error, SessionLost)
    assert other.error is sink.error
    assert lost == [sink.error]


async def test_server_that_takes_one_request_gets_one(scene):
    """A server that refuses the second request is asked with one at a time from then on."""
    wire, sink, _, lost = scene
    await wire.answer(fault(0x80780000))
    assert len(wire.requests) == 1
    await wire.answer(response(sequence=4))
    assert (len(wire.requests), sink.messages, lost) == (1, [(4, False)], [])


async def test_server_that_takes_no_request_ends_the_session(scene):
    """A server that refuses even a single request is told as lost, not asked for ever."""
    wire, sink, _, _ = scene
    await wire.answer(fault(0x80780000))
    await wire.answer(fault(0x80780000))
    assert wire.requests == []
    assert isinstance(sink.error, SessionLost)


async def test_more_subscriptions_mean_more_requests(scene):
    """One request per subscription and a spare one wait, up to a limit."""
    wire, _, loop, _ = scene
    loop.add(2, Sink())
    assert len(wire.requests) == 3
    for number in range(3, 30):
        loop.add(number, Sink())
    assert len(wire.requests) == MOST_OUTSTANDING


async def test_a_server_with_more_to_tell_gets_more_requests(scene):
    """Each message of which more follows means one more request, up to a limit."""
    wire, sink, _, _ = scene
    for number in range(1, 30):
        await wire.answer(response(sequence=number, more=True))
        assert len(wire.requests) == min(2 + number, MOST_OUTSTANDING)
    assert sink.error is None


async def test_answers_that_come_together_are_acknowledged_together(scene):
    """What came in one go is asked for anew in one go: the first request has all receipts."""
    wire, sink, _, _ = scene
    for sequence, request in enumerate(wire.requests, 1):
        request.set_result(response(sequence=sequence, kinds=["change"]))
    wire.requests, wire.acknowledged = [], []
    await settled()
    assert sink.messages == [(1, True), (2, True)]
    assert wire.acknowledged == [[(1, 1), (1, 2)], []]


async def test_what_follows_is_let_come_together():
    """Nothing is read for a moment once the server has requests enough for what it has to tell."""
    wire, rests = Wire(), []
    loop = PublishLoop(wire.send, [].append, rest=lambda: rests.append(len(wire.requests)))
    loop.add(1, Sink())
    for number in range(1, 6):
        await wire.answer(response(sequence=number, more=True))
    assert rests == [LEAST_TO_REST, LEAST_TO_REST + 1]
    await wire.answer(response(sequence=6))
    assert len(rests) == 2
    for sequence, request in enumerate(wire.requests, 7):
        request.set_result(response(sequence=sequence, more=True))
    wire.requests = []
    await settled()
    assert len(rests) == 2, "all that was asked for had come"
    loop.close()


async def test_timed_out_request_is_repeated(scene):
    """A request that the server let expire is sent anew."""
    wire, _, _, lost = scene
    await wire.answer(fault(0x800A0000))
    assert (len(wire.requests), lost) == (2, [])


async def test_request_older_than_the_subscription_is_repeated(scene):
    """'No subscription' is believed only when it comes again and again."""
    wire, sink, _, lost = scene
    for _ in range(ORPHANS):
        await wire.answer(fault(0x80790000))
    assert (lost, len(wire.requests)) == ([], 2)
    await wire.answer(fault(0x80790000))
    assert lost == [sink.error]
    assert "forgot" in str(sink.error)


async def test_other_faults_end_the_session(scene):
    """A fault that asking again cannot mend ends the session with its name."""
    wire, sink, _, _ = scene
    await wire.answer(fault(0x80260000))
    assert "BadSessionClosed" in str(sink.error)


async def test_nobody_listening_means_no_requests(scene):
    """After the last subscription is removed, no further request is sent."""
    wire, _, loop, lost = scene
    loop.remove(1)
    await wire.answer(response(sequence=4))
    await wire.answer(fault(0x80790000))
    assert (wire.requests, lost) == ([], [])
