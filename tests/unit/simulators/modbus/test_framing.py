"""Framings of the simulator against pymodbus's, whole, torn and amid garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerAscii, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from simulators.modbus.framing import crc16, framing_of, lrc

FRAMERS = {"tcp": FramerSocket, "rtu": FramerRTU, "ascii": FramerAscii}
READS = st.tuples(st.sampled_from([1, 2, 3, 4]), st.integers(0, 65_535), st.integers(1, 125)).map(
    lambda t: bytes([t[0]]) + t[1].to_bytes(2, "big") + t[2].to_bytes(2, "big")
)
PDUS = st.one_of(
    READS,
    st.just(bytes.fromhex("2b0e0100")),
    st.just(bytes.fromhex("10000a0002041234abcd")),
    st.just(bytes.fromhex("0500acff00")),
)


def foreign(name, pdu, unit, transaction=0):
    """Let pymodbus wrap a PDU."""
    return FRAMERS[name](DecodePDU(True)).encode(pdu, unit, transaction)


@given(st.binary(max_size=260))
def test_checksums_are_pymodbus_s(content):
    """CRC and LRC agree with an implementation nobody here wrote."""
    assert int.from_bytes(crc16(content), "big") == FramerRTU.compute_CRC(content)
    assert lrc(content) == FramerAscii.compute_LRC(content)


@pytest.mark.parametrize("name", FRAMERS)
@given(st.data(), PDUS, st.integers(1, 247))
def test_requests_of_pymodbus_are_found(name, data, pdu, unit):
    """Requests are found whole wherever the stream is torn, one after the other."""
    framing = framing_of(name)
    stream = foreign(name, pdu, unit, 7) * 2
    cut = data.draw(st.integers(0, len(stream)))
    received, found = bytearray(), []
    for part in (stream[:cut], stream[cut:]):
        received += part
        while (request := framing.take(received)[0]) is not None:
            found.append((request.unit, request.pdu))
            assert request.size_bytes == len(stream) // 2
    assert found == [(unit, pdu)] * 2
    assert not received


@pytest.mark.parametrize("name", ["rtu", "ascii"])
@given(st.binary(min_size=1, max_size=20).filter(lambda b: b":" not in b), PDUS)
def test_garbage_before_a_request_is_dropped(name, garbage, pdu):
    """A line resynchronises by its checksum, and what was dropped is counted."""
    received = bytearray(garbage + foreign(name, pdu, 9))
    found, junk = [], 0
    while (taken := framing_of(name).take(received))[0] is not None:
        junk += taken[1]
        found.append(taken[0].pdu)
    assert pdu in found
    assert junk > 0


@pytest.mark.parametrize("name", FRAMERS)
@given(READS, st.integers(0, 255), st.integers(0, 65_535))
def test_answers_are_as_pymodbus_writes_them(name, pdu, unit, transaction):
    """A frame is byte for byte the one pymodbus makes."""
    ours = framing_of(name).wrap(unit, pdu, transaction=transaction)
    assert ours == foreign(name, pdu, unit, transaction)


@given(st.binary(max_size=600))
def test_anything_can_be_received(content):
    """No bytes raise, and what is kept is bounded."""
    for name in FRAMERS:
        received = bytearray(content)
        while framing_of(name).take(received)[0] is not None:
            pass
        assert len(received) <= 600
