"""What requests are reckoned to cost, against arithmetic done by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.config import ModbusConfig
from drivers.modbus.cost import (
    DTU_REQUEST_S,
    LAN_BYTE_S,
    LAN_REQUEST_S,
    TURNAROUND_S,
    costs_of,
)


def costs(**settings):
    """Reckon for a device."""
    return costs_of(ModbusConfig(driver="modbus", **settings))


def test_a_serial_line_is_counted_in_characters():
    """9600 8N1: 8 + 5 + 32 characters of 10 bits, two rests of 3.5, and the turnaround."""
    expected_s = (8 + 5 + 32 + 2 * 3.5) * 10 / 9600 + TURNAROUND_S
    assert costs(serial="/dev/ttyUSB0").of(32) == pytest.approx(expected_s)


def test_parity_and_stop_bits_make_characters_longer():
    """A character has 10 bits without parity, 11 with parity or two stop bits, 12 with both."""
    line = {"serial": "/dev/ttyUSB0", "baud": 1200}
    assert costs(**line).byte_s == pytest.approx(10 / 1200)
    assert costs(**line, parity="even").byte_s == pytest.approx(11 / 1200)
    assert costs(**line, stop_bits=2).byte_s == pytest.approx(11 / 1200)
    assert costs(**line, parity="odd", stop_bits=2).byte_s == pytest.approx(12 / 1200)


def test_ascii_takes_two_characters_a_byte_and_no_rest():
    """ASCII at 9600 7E1: 17 + 11 characters around, two per byte of payload."""
    line = costs(serial="/dev/ttyS0", framing="ascii", data_bits=7, parity="even")
    assert line.of(32) == pytest.approx((17 + 11 + 64) * 10 / 9600 + TURNAROUND_S)


def test_above_19200_the_rest_no_longer_shrinks():
    """At 115,200 bit/s a rest is 1.75 ms, not 3.5 characters."""
    line = costs(serial="/dev/ttyUSB0", baud=115_200)
    assert line.request_s == pytest.approx(13 * 10 / 115_200 + 2 * 0.00175 + TURNAROUND_S)


def test_a_line_behind_a_network_costs_both():
    """A gateway or serial server adds its network to the line; a pause counts when it is longer."""
    local = costs(serial="/dev/ttyUSB0")
    for behind in ({"framing": "rtu"}, {}):
        gateway = costs(host="h", baud=9600, **behind)
        assert gateway.request_s == pytest.approx(local.request_s + LAN_REQUEST_S)
    dtu = costs(listen="0.0.0.0:5020", baud=9600)
    assert dtu.request_s == pytest.approx(local.request_s + DTU_REQUEST_S)
    slow = costs(serial="/dev/ttyUSB0", pause_between_s=0.1)
    assert slow.request_s - local.request_s == pytest.approx(0.1 - 3.5 * 10 / 9600)


def test_a_network_costs_its_round_trip():
    """On a LAN the payload hardly counts; the pause a device wants does."""
    lan = costs(host="h", pause_between_s=0.05)
    assert lan.of(250) == pytest.approx(LAN_REQUEST_S + 0.05 + 250 * LAN_BYTE_S)
    assert lan.known


def test_a_line_of_unknown_speed_is_a_guess():
    """Nothing is claimed of a serial line whose speed nobody told, until it was measured."""
    config = ModbusConfig(driver="modbus", host="h", framing="rtu")
    assert not costs_of(config).known
    measured = costs_of(config, request_s=0.07)
    assert measured.known
    assert measured.request_s == 0.07


@given(st.floats(0.021, 1), st.integers(1, 20), st.integers(2, 250))
def test_the_fixed_part_is_found_again(request_s, requests, payload_bytes):
    """From the time of a whole read the fixed part of a request is what was put in."""
    line = costs_of(ModbusConfig(driver="modbus", serial="/dev/ttyS0"), request_s=request_s)
    read_s = requests * line.of(payload_bytes)
    found = line.fixed_part(read_s, requests=requests, payload_bytes=requests * payload_bytes)
    assert found == pytest.approx(request_s)


def test_a_read_faster_than_the_line_refutes_its_speed():
    """Where a line proves faster than told, the time is not made less than it was, or negative."""
    line = costs(host="h", framing="rtu")
    at_115200_s = (13 + 100) * 10 / 115_200 + 2 * 0.00175 + 0.012
    assert line.fixed_part(at_115200_s, requests=1, payload_bytes=100) == at_115200_s
    assert line.fixed_part(2 * at_115200_s, requests=2, payload_bytes=200) == at_115200_s
    assert line.fixed_part(0.0, requests=0, payload_bytes=0) == 0


def test_a_fast_network_is_believed():
    """On a network there is no speed to refute: what was measured counts, less the bytes' work."""
    found = costs(host="h").fixed_part(0.0004, requests=1, payload_bytes=100)
    assert found == pytest.approx(0.0004 - 100 * LAN_BYTE_S)
