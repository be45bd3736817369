"""Every answer is checked against the one request that is outstanding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.api import SessionLost
from drivers.modbus.points.address import Table
from drivers.modbus.wire.framing import ExceptionReply
from drivers.modbus.wire.mbap import Mbap, check_answer
from drivers.modbus.wire.pdu import open_request, read_request

REQUEST = read_request(Mbap(), Table.HOLDING_REGISTERS, unit=17, start=107, count=3)
GOOD = bytes.fromhex("1234 0000 0009 11 03 06 022b 0000 0064")


def check(data, ids="strict", request=REQUEST):
    """Check an answer to transaction 0x1234."""
    return check_answer(data, request, transaction=0x1234, ids=ids)


def test_good_answer_is_its_payload():
    """The answer of the standard's own example gives its six bytes."""
    assert check(GOOD) == bytes.fromhex("022b 0000 0064")


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(["strict", "unit", "off"]))
def test_part_of_an_answer_is_waited_for(size, ids):
    """A good answer cut anywhere is not yet an answer, and not yet wrong."""
    assert check(GOOD[:size], ids) is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1, "BadNotSupported"),
        (2, "BadConfigurationError"),
        (3, "BadOutOfRange"),
        (4, "BadDeviceFailure"),
        (0x0A, "BadNoCommunication"),
        (0x0B, "BadNoCommunication"),
        (0x63, "BadUnknownResponse"),
    ],
)
def test_a_refusal_is_typed(code, reason):
    """An exception reply keeps its code and tells the status its values get."""
    refusal = check(bytes.fromhex("1234 0000 0003 11 83") + bytes([code]))
    assert refusal == ExceptionReply(code)
    assert refusal.reason == reason


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("1235 0000 0009 11 03 06 022b 0000 0064", "transaction id 4661"),
        ("1234 0001 0009 11 03 06 022b 0000 0064", "protocol id"),
        ("1234 0000 000b 11 03 06 022b 0000 0064", "answer of 17 bytes"),
        ("1234 0000 0007 11 03 04 022b 0000", "answer of 13 bytes"),
        ("1234 0000 000b 11 03 08 022b 0000 0064 0000", "answer of 17 bytes"),
        ("1234 0000 0008 11 03 05 022b 0000 00", "answer of 14 bytes"),
        ("1234 0000 0009 11 03 05 022b 0000 0064", "byte count 5"),
        ("1234 0000 0009 12 03 06 022b 0000 0064", "unit 18"),
        ("1234 0000 0009 11 04 06 022b 0000 0064", "function 4"),
        ("1234 0000 0003 11 84 02", "function 132"),
        ("1234 0000 0004 11 83 02 00", "answer of 10 bytes"),
        ("1234 0000 0009 11 03 06 022b 0000 0064 00", "1 bytes that nobody"),
        ("1234 0000 ffff 11 03", "length field"),
        ("1234 0000 0000", "length field"),
        ("4854 5450", "transaction id"),
    ],
)
def test_anything_else_ends_the_session(wrong, what):
    """An answer that differs in any field is refused, and the error says in which."""
    with pytest.raises(SessionLost, match=what) as caught:
        check(bytes.fromhex(wrong))
    assert caught.value.hint


def test_modes_of_recognition():
    """Mode unit forgives the transaction id, off the unit too; neither forgives more."""
    other_id = b"\0\0" + GOOD[2:]
    other_unit = other_id[:6] + b"\x01" + other_id[7:]
    payload = GOOD[9:]
    assert check(other_id, "unit") == payload
    assert check(other_unit, "off") == payload
    with pytest.raises(SessionLost):
        check(other_unit, "unit")
    with pytest.raises(SessionLost):
        check(other_unit[:7] + b"\x04" + other_unit[8:], "off")
    with pytest.raises(SessionLost):
        check(other_unit[:2] + b"\0\x01" + other_unit[4:], "off")


@given(st.binary(max_size=300), st.sampled_from(["strict", "unit", "off"]))
def test_nonsense_never_becomes_a_value(data, ids):
    """Random bytes are refused or waited upon; as a value only those of a correct frame pass."""
    try:
        answer = check(data, ids)
    except SessionLost:
        return
    if isinstance(answer, bytes):
        assert data[2:6] == GOOD[2:6]
        assert data[7:9] == GOOD[7:9]
        assert len(data) == len(GOOD)


def test_an_open_answer_gives_its_data():
    """Where the device chooses the length, the data after the function is given whole."""
    request = open_request(Mbap(), 0x2B, b"\x0e\x01\x00", unit=1, asked="its identification")
    assert request.tail.hex(" ") == "00 00 00 05 01 2b 0e 01 00"
    answer = bytes.fromhex("1234 0000 0006 01 2b 0e 01 01 00")
    assert check(answer, request=request) == bytes.fromhex("0e 01 01 00")
