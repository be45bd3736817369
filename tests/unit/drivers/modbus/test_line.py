"""The connection's state machine, fed by hand: any way to cut the bytes gives the same frames."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.api import DriverError, NoReply, SessionLost
from drivers.modbus.link import ModbusLink
from drivers.modbus.points.address import Table
from drivers.modbus.terms import Terms
from drivers.modbus.wire.deadline import Deadline
from drivers.modbus.wire.line import Line
from drivers.modbus.wire.mbap import Mbap
from drivers.modbus.wire.pdu import framing_of, read_request

REQUESTS = (
    read_request(Mbap(), Table.HOLDING_REGISTERS, unit=1, start=0, count=3),
    read_request(Mbap(), Table.COILS, unit=1, start=0, count=9),
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
    wire, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
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
    wire, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
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
        wire, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
        wire.connection_made(recorder)
        wire.start(REQUESTS, TERMS)
        begun.add(recorder.written[0][:2])
        wire.close()
    assert len(begun) > 1


async def test_what_was_received_is_bounded():
    """A megabyte of what looks like the begin of an answer is not collected."""
    wire, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
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
    wire, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
    wire.connection_made(recorder)
    exchange = wire.start(REQUESTS, TERMS)
    wire.close()
    wire.withdraw(exchange)
    del exchange
    gc.collect()
    assert reported == []


async def test_the_deadline_is_watched_after_a_rest():
    """With rests longer than the timeout, silence is still noticed, by the same one timer."""
    wire, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
    wire.connection_made(recorder)
    exchange = wire.start(REQUESTS, Terms("d", timeout_s=0.02, pause_s=0.1, ids="strict"))
    wire.data_received(answer_to(recorder.written[0], PAYLOADS[0]))
    with pytest.raises(NoReply, match="co:0"):
        async with asyncio.timeout(5):
            await exchange.done
    assert recorder.aborted
    assert len(recorder.written) == 2


async def test_a_line_that_answers_sets_no_timer_per_request(monkeypatch):
    """A thousand answered requests share the timer of the first."""
    set_times = []
    arm = Deadline._arm
    monkeypatch.setattr(
        Deadline, "_arm", lambda self, at_s: (set_times.append(at_s), arm(self, at_s))
    )
    line, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
    line.connection_made(recorder)
    for _ in range(1000):
        exchange = line.start(REQUESTS[:1], TERMS)
        line.data_received(answer_to(recorder.written[-1], PAYLOADS[0]))
        assert (await exchange.done)[0] == PAYLOADS[:1]
    assert len(set_times) == 1
    line.close()


async def test_a_shorter_deadline_is_kept_although_a_longer_one_was_set():
    """A request with less patience than the one before it is given up in its own time."""
    line, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
    line.connection_made(recorder)
    patient = line.start(REQUESTS[:1], TERMS)
    line.data_received(answer_to(recorder.written[-1], PAYLOADS[0]))
    await patient.done
    hasty = line.start(REQUESTS[:1], Terms("d", timeout_s=0.02, pause_s=0, ids="strict"))
    with pytest.raises(NoReply):
        async with asyncio.timeout(2):
            await hasty.done


def holding(unit, start, count=3):
    """Give a request whose answer looks like that of any other of the same unit and count."""
    return read_request(Mbap(), Table.HOLDING_REGISTERS, unit=unit, start=start, count=count)


WITHOUT_IDS = Terms("d", timeout_s=5, pause_s=0, ids="unit")


async def answered(line, recorder, request, pdu=b"\x03\x06" + PAYLOADS[0]):
    """Ask and answer one request; give the answer's bytes."""
    before = len(recorder.written)
    exchange = line.start([request], WITHOUT_IDS)
    assert len(recorder.written) == before + 1
    asked = recorder.written[-1]
    data = asked[:4] + (1 + len(pdu)).to_bytes(2, "big") + asked[6:7] + pdu
    line.data_received(data)
    async with asyncio.timeout(5):
        await exchange.done
    return data


@pytest.mark.parametrize("pdu", [b"\x03\x06" + PAYLOADS[0], b"\x83\x02"])
@pytest.mark.parametrize("between", [[], [1], [1, 3]], ids=str)
async def test_a_double_is_told_behind_other_units_answers(between, pdu):
    """An answer or a refusal that comes twice without an id is never taken for the next one."""
    line, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
    line.connection_made(recorder)
    first = await answered(line, recorder, holding(2, 200), pdu)
    for unit in between:
        await answered(line, recorder, holding(unit, 100))
    asked = len(recorder.written)
    exchange = line.start([holding(2, 300)], WITHOUT_IDS)
    assert len(recorder.written) == asked  # it listens before it asks
    line.data_received(first)
    with pytest.raises(SessionLost):
        async with asyncio.timeout(5):
            await exchange.done
    assert recorder.aborted


async def test_a_refusal_looks_like_that_of_any_size():
    """A refused read is followed by a rest before one of another length of the same function."""
    line, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
    line.connection_made(recorder)
    refusal = await answered(line, recorder, holding(2, 200, count=9), b"\x83\x02")
    exchange = line.start([holding(2, 300)], WITHOUT_IDS)
    line.data_received(refusal)
    with pytest.raises(SessionLost):
        async with asyncio.timeout(5):
            await exchange.done


async def test_a_standstill_is_no_listening():
    """What lay in the socket while the program had no turn is read before an alike request."""
    line, recorder = Line(ModbusLink("127.0.0.1")), Recorder()
    line.connection_made(recorder)
    first = await answered(line, recorder, holding(2, 200))
    time.sleep(4 * WITHOUT_IDS.alike_s)
    asyncio.get_running_loop().call_soon(line.data_received, first)  # a loop reads when it goes on
    exchange = line.start([holding(2, 300)], WITHOUT_IDS)
    with pytest.raises(SessionLost):
        async with asyncio.timeout(5):
            await exchange.done
    assert len(recorder.written) == 1


class Talker(Recorder):
    """A transport that answers every request with what a test draws."""

    def __init__(self, reply):
        super().__init__()
        self.line = None
        self.reply = reply

    def write(self, data):
        asyncio.get_running_loop().call_soon(self.line.data_received, self.reply(data))


async def test_a_doubt_ends_no_sooner_than_the_line_was_listened_to():
    """A late answer that lay in the socket while its time ran out is taken for no other."""
    link, owing = ModbusLink("127.0.0.1"), Terms("d", 5, 0, "unit", late_s=0.02, alike_s=0)
    link.trust.owe(holding(2, 200), owing, framing_of("tcp"))
    line, recorder = Line(link), Recorder()
    line.connection_made(recorder)
    time.sleep(2 * owing.late_s)  # nothing has a turn
    late = bytes.fromhex("000100000009020306000100020003")
    asyncio.get_running_loop().call_soon(line.data_received, late)
    exchange = line.start([holding(2, 300)], owing)
    with pytest.raises(SessionLost):
        async with asyncio.timeout(5):
            await exchange.done
    assert recorder.written == []


async def test_after_the_rest_an_alike_request_is_sent():
    """With nothing heard, the request goes out once its rest is over, and its answer counts."""
    asked_s = []

    def reply(asked):
        asked_s.append(time.monotonic())  # no later than the line hears of the answer
        return answer_to(asked, PAYLOADS[0])

    talker = Talker(reply)
    line = talker.line = Line(ModbusLink("127.0.0.1"))
    line.connection_made(talker)
    async with asyncio.timeout(5):
        await line.start([holding(2, 200)], WITHOUT_IDS).done
        values, _ = await line.start([holding(2, 300)], WITHOUT_IDS).done
    assert values == PAYLOADS[:1]
    assert asked_s[1] - asked_s[0] >= WITHOUT_IDS.alike_s


@pytest.mark.long
@pytest.mark.parametrize("framing", ["tcp", "rtu", "ascii"])
async def test_a_hundred_thousand_hostile_answers(framing):
    """Whatever is answered, a read ends with an answer or an error of the contract."""
    chance = random.Random(framing)
    link = ModbusLink("127.0.0.1", framing=framing)
    request = read_request(framing_of(framing), Table.HOLDING_REGISTERS, unit=1, start=0, count=3)
    terms = Terms("d", timeout_s=5, pause_s=0, ids="strict", late_s=1e-9)
    good = request.head + bytes(request.size_bytes - len(request.head))

    def reply(data):
        mangled = bytearray(data[:2] * (framing == "tcp") + good)
        for _ in range(chance.randrange(4)):
            mangled[chance.randrange(len(mangled))] = chance.randrange(256)
        return chance.choice([bytes(mangled), chance.randbytes(chance.randrange(1, 300)), b"\0"])

    line = None
    refused = 0
    for _ in range(100_000):
        if line is None or line.over:
            line = Line(link)
            line.connection_made(talker := Talker(reply))
            talker.line = line
        exchange = line.start((request,), terms)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not exchange.done.done():
            line.close()
        if exchange.done.exception() is not None:
            assert isinstance(exchange.done.exception(), DriverError)
            refused += 1
    assert refused > 50_000
