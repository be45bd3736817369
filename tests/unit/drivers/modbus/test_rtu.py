"""RTU and ASCII frames, against the framers of pymodbus, which we did not write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerAscii, FramerRTU
from pymodbus.pdu import DecodePDU

from drivers.api import SessionLost
from drivers.modbus.points.address import Table
from drivers.modbus.wire.framing import ExceptionReply
from drivers.modbus.wire.pdu import framing_of, open_request, read_request, write_request

ORACLES = {"rtu": FramerRTU(DecodePDU(False)), "ascii": FramerAscii(DecodePDU(False))}
UNITS = st.integers(1, 247)
TABLES = st.sampled_from(list(Table))
both = pytest.mark.parametrize("name", ["rtu", "ascii"])


def take(name, received, request, ids="strict"):
    """Check an answer as a line does."""
    return framing_of(name).check(received, request, transaction=0, ids=ids)


def frame(name, pdu, unit=1):
    """Let the oracle wrap a PDU."""
    return ORACLES[name].encode(pdu, unit, 0)


def good(name, table, unit, payload):
    """Let the oracle wrap the answer to a read."""
    function = {Table.COILS: 1, Table.DISCRETE_INPUTS: 2}.get(table)
    function = function or (3 if table is Table.HOLDING_REGISTERS else 4)
    return frame(name, bytes([function, len(payload)]) + payload, unit)


@both
@given(TABLES, UNITS, st.integers(0, 65000), st.integers(1, 125))
def test_requests_are_those_of_the_oracle(name, table, unit, start, count):
    """A read goes out in the very bytes that pymodbus would send."""
    request = read_request(framing_of(name), table, unit=unit, start=start, count=count)
    pdu = bytes([request.function]) + request.data
    assert request.tail == frame(name, pdu, unit)
    assert request.data == start.to_bytes(2, "big") + count.to_bytes(2, "big")


@both
@given(TABLES, UNITS, st.integers(1, 125), st.data())
def test_good_answers_give_their_payload_once_whole(name, table, unit, count, data):
    """However an answer is cut, nothing is taken before it is whole, and then its payload."""
    payload = data.draw(
        st.binary(min_size=table.payload_bytes(count), max_size=table.payload_bytes(count))
    )
    request = read_request(framing_of(name), table, unit=unit, start=0, count=count)
    answer = good(name, table, unit, payload)
    cut = data.draw(st.integers(0, len(answer) - 1))
    assert len(answer) == request.size_bytes
    assert answer.startswith(request.head)
    assert take(name, answer[:cut], request) is None
    assert take(name, answer, request) == payload


@both
@given(st.binary(min_size=6, max_size=6), st.data())
def test_one_wrong_byte_never_gives_a_value(name, payload, data):
    """A changed byte anywhere is noticed, or the frame is waited for; it never gives a payload."""
    request = read_request(framing_of(name), Table.HOLDING_REGISTERS, unit=1, start=0, count=3)
    answer = bytearray(good(name, Table.HOLDING_REGISTERS, 1, payload))
    place = data.draw(st.integers(0, len(answer) - 1))
    answer[place] ^= data.draw(st.integers(1, 255))
    taken, zh = None, "not refused"
    try:
        taken = take(name, bytes(answer), request)
    except SessionLost as error:
        zh = error.zh
    assert zh
    same_digits = bytes(answer).upper() == good(name, Table.HOLDING_REGISTERS, 1, payload)
    assert taken is None or (name == "ascii" and same_digits)


@both
@given(st.binary(max_size=300), st.sampled_from(["strict", "off"]))
def test_hostile_bytes_raise_nothing_but_the_contract(name, noise, ids):
    """Whatever arrives is an answer, incomplete, or SessionLost."""
    request = read_request(framing_of(name), Table.COILS, unit=1, start=0, count=9)
    try:
        taken = take(name, noise, request, ids)
    except SessionLost:
        return
    assert taken is None or isinstance(taken, (bytes, ExceptionReply))


@both
def test_refusals_are_data(name):
    """An exception is taken with its code; after more bytes it is not."""
    request = read_request(framing_of(name), Table.COILS, unit=1, start=0, count=9)
    refusal = frame(name, b"\x81\x02")
    assert take(name, refusal, request) == ExceptionReply(2)
    assert take(name, refusal[:-1], request) is None
    with pytest.raises(SessionLost, match="nobody asked for"):
        take(name, refusal + b"\0", request)


@both
@pytest.mark.parametrize(
    ("pdu", "unit", "seen"),
    [
        (b"\x03\x02\0\1", 1, "2 bytes where 6 are due"),
        (b"\x03\x08" + bytes(8), 1, "8 bytes where 6 are due"),
        (b"\x04\x06" + bytes(6), 1, "function 4 in answer to 3"),
        (b"\x03\x06" + bytes(6), 2, "unit 2 in answer to unit 1"),
    ],
)
def test_another_shape_is_no_answer(name, pdu, unit, seen):
    """Another unit, function or number of registers is told in words."""
    request = read_request(framing_of(name), Table.HOLDING_REGISTERS, unit=1, start=0, count=3)
    with pytest.raises(SessionLost, match=seen):
        take(name, frame(name, pdu, unit), request)


@both
def test_ids_off_does_not_look_at_the_unit(name):
    """With ids off a gateway may answer in its own name."""
    request = read_request(framing_of(name), Table.HOLDING_REGISTERS, unit=9, start=0, count=1)
    assert take(name, frame(name, b"\x03\x02\0\7", 1), request, "off") == b"\0\7"


@both
def test_identification_ends_where_its_objects_end(name):
    """An answer of function 0x2B, whose length nobody knows before, is taken when it is whole."""
    request = open_request(
        framing_of(name), 0x2B, b"\x0e\x01\x00", unit=1, asked="its identification"
    )
    data = b"\x0e\x01\x01\x00\x00\x02\x00\x03ABC\x01\x01D"
    answer = frame(name, b"\x2b" + data)
    for cut in range(len(answer)):
        assert take(name, answer[:cut], request) is None
    assert take(name, answer, request) == data
    assert take(name, frame(name, b"\xab\x01"), request) == ExceptionReply(1)


@both
def test_a_write_is_answered_with_its_echo(name):
    """The answer to a write is what it is confirmed with."""
    request = write_request(framing_of(name), 6, b"\0\5\1\2", unit=1, asked="write hr:5")
    assert take(name, frame(name, b"\x06\0\5\1\2"), request) == b"\0\5\1\2"
    assert take(name, frame(name, b"\x86\x04"), request) == ExceptionReply(4)


def test_the_example_of_the_standard():
    """The check sum is the one of the standard's own example, low byte first."""
    request = read_request(framing_of("rtu"), Table.HOLDING_REGISTERS, unit=17, start=0x6B, count=3)
    assert request.tail.hex(" ") == "11 03 00 6b 00 03 76 87"
