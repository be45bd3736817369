"""The connection's state machine, fed by hand: any way to cut the bytes gives the same frames."""

from __future__ import annotations

import asyncio
import gc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.api import NoReply, SessionLost
from drivers.modbus.address import Table
from drivers.modbus.adu import read_request
from drivers.modbus.config import Terms
from drivers.modbus.transport import ModbusTcp

REQUESTS = (
    read_request(Table.HOLDING_REGISTERS, unit=1, start=0, count=3),
    read_request(Table.COILS, unit=1, start=0, count=9),
)
PAYLOADS = [b"\x00\x01\x00\x02\x00\x03", b"\x55\x01"]
TERMS = Terms(device="d", timeout_s=5, pause_s=0, ids="strict")


class Recorder(asyncio.Transport):
    """A transport that keeps what was written, and answers nothing."""

    def __init__(self):
        super().__init__()
        self.written = []
        self.aborted = False

    def write(self, data):
        self.written.append(bytes(data))

    def abort(self):
        self.aborted = True


def answer_to(request, payload):
    """Make the right answer to written bytes."""
    pdu = request[7:8] + bytes([len(payload)]) + payload
    return request[:4] + (1 + len(pdu)).to_bytes(2, "big") + request[6:7] + pdu


async def play(cuts, mangle=lambda data: data):
    """Run the two requests with each answer cut into pieces; give the exchange and transport."""
    wire, recorder = ModbusTcp(), Recorder()
    wire.connection_made(recorder)
    exchange = wire.start(REQUESTS, TERMS)
    for payload, places in zip(PAYLOADS, cuts, strict=True):
        data = mangle(answer_to(recorder.written[-1], payload))
        edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
        for begin, end in pairwise(edges):
            if begin < end:
                wire.data_received(data[begin:end])
    return exchange, recorder, wire


@given(st.tuples(*[st.lists(st.integers(0, 15), max_size=6)] * 2))
def test_answers_may_be_cut_anywhere(cuts):
    """The payloads are the same however the network cuts the answers."""

    async def run():
        exchange, recorder, wire = await play(cuts)
        answers, _ = await exchange.done
        assert answers == PAYLOADS
        assert not recorder.aborted
        assert len(recorder.written) == 2
        wire.close()

    asyncio.run(run())


@given(
    st.tuples(*[st.lists(st.integers(0, 15), max_size=3)] * 2),
    st.integers(0, 8),
    st.integers(1, 255),
)
def test_one_wrong_byte_before_the_data_is_always_noticed(cuts, place, change):
    """A frame with any byte of header, function or count changed never gives a payload."""

    def mangle(data):
        return data[:place] + bytes([data[place] ^ change]) + data[place + 1 :]

    async def run():
        exchange, recorder, wire = await play(cuts, mangle)
        wire.close()
        assert recorder.aborted
        assert isinstance(exchange.done.exception(), SessionLost)

    asyncio.run(run())


async def test_transaction_ids_wrap_around():
    """After 65,535 comes 0, and reads go on."""
    wire, recorder = ModbusTcp(), Recorder()
    wire.connection_made(recorder)
    wire._transaction = 0xFFFE
    exchange = wire.start(REQUESTS, TERMS)
    for payload in PAYLOADS:
        wire.data_received(answer_to(recorder.written[-1], payload))
    assert [each[:2].hex() for each in recorder.written] == ["ffff", "0000"]
    assert (await exchange.done)[0] == PAYLOADS
    wire.close()


async def test_connections_do_not_begin_with_the_same_id():
    """What a gateway still sends for an earlier connection carries an id of that one."""
    begun = set()
    for _ in range(8):
        wire, recorder = ModbusTcp(), Recorder()
        wire.connection_made(recorder)
        wire.start(REQUESTS, TERMS)
        begun.add(recorder.written[0][:2])
        wire.close()
    assert len(begun) > 1


async def test_what_was_received_is_bounded():
    """A megabyte of what looks like the begin of an answer is not collected."""
    wire, recorder = ModbusTcp(), Recorder()
    wire.connection_made(recorder)
    exchange = wire.start(REQUESTS, TERMS)
    begin = answer_to(recorder.written[0], PAYLOADS[0])[:9]
    wire.data_received(begin)
    wire.data_received(bytes(1_000_000))
    assert recorder.aborted
    assert isinstance(exchange.done.exception(), SessionLost)
    assert len(wire._received) < 300


async def test_an_error_nobody_waits_for_is_not_reported():
    """A read cancelled in the very moment its connection ended leaves no noise in the loop."""
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    wire, recorder = ModbusTcp(), Recorder()
    wire.connection_made(recorder)
    exchange = wire.start(REQUESTS, TERMS)
    wire.close()
    wire.withdraw(exchange)
    del exchange
    gc.collect()
    assert reported == []


async def test_the_deadline_is_watched_after_a_rest():
    """With rests longer than the timeout, silence is still noticed, by the same one timer."""
    wire, recorder = ModbusTcp(), Recorder()
    wire.connection_made(recorder)
    exchange = wire.start(REQUESTS, Terms("d", timeout_s=0.02, pause_s=0.1, ids="strict"))
    wire.data_received(answer_to(recorder.written[0], PAYLOADS[0]))
    with pytest.raises(NoReply, match="co:0"):
        async with asyncio.timeout(5):
            await exchange.done
    assert recorder.aborted
    assert len(recorder.written) == 2
