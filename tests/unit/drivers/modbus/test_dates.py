"""Dates as devices hold them: what is one, and what is none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.points.dates import DATES
from drivers.modbus.points.syntax import DATE_REGISTERS


def registers(*words):
    """Put registers one after the other."""
    return struct.pack(f">{len(words)}H", *words)


@pytest.mark.parametrize(
    ("encoding", "raw", "seen"),
    [
        ("unix32", registers(0x6A24, 0x1F80), "2026-06-06T13:24:16Z"),
        ("unix32", registers(0xFFFF, 0xFFFE), "2106-02-07T06:28:14Z"),
        ("unix64", registers(0, 0, 0x6A24, 0x1F80), "2026-06-06T13:24:16Z"),
        ("unixms64", (1_780_752_352_000).to_bytes(8, "big"), "2026-06-06T13:25:52Z"),
        ("unixms64", (1_780_752_352_007).to_bytes(8, "big"), "2026-06-06T13:25:52.007Z"),
        ("y2000", registers(0, 1), "2000-01-01T00:00:01"),
        ("ymdhms", registers(2026, 11, 23, 9, 8, 7), "2026-11-23T09:08:07"),
        ("ymdhms", registers(26, 11, 23, 9, 8, 7), "2026-11-23T09:08:07"),
        ("ymd_hms_packed", bytes([26, 11, 23, 9, 8, 7]), "2026-11-23T09:08:07"),
        ("bcd", bytes.fromhex("261123090807"), "2026-11-23T09:08:07"),
        ("bcd", bytes.fromhex("991231235959"), "2099-12-31T23:59:59"),
        ("iec870", bytes.fromhex("001a 0b17 0908 1b58"), "2026-11-23T09:08:07"),
        ("iec870", bytes.fromhex("001a 0b37 8908 1b59"), "2026-11-23T09:08:07.001"),
    ],
)
def test_read(encoding, raw, seen):
    """Each encoding gives the date it holds, with a zone only where it counts in UTC."""
    assert DATES[encoding](raw) == seen


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        *((encoding, bytes(2 * width)) for encoding, width in DATE_REGISTERS.items()),
        *((encoding, b"\xff" * 2 * width) for encoding, width in DATE_REGISTERS.items()),
        ("unix64", b"\x7f" * 8),
        ("unixms64", b"\x7f" * 8),
        ("ymdhms", registers(2026, 2, 30, 0, 0, 0)),
        ("ymdhms", registers(2026, 13, 1, 0, 0, 0)),
        ("ymdhms", registers(2026, 1, 1, 24, 0, 0)),
        ("ymdhms", registers(2026, 1, 1, 0, 0, 60)),
        ("ymdhms", registers(1969, 1, 1, 0, 0, 0)),
        ("ymdhms", registers(10_000, 1, 1, 0, 0, 0)),
        ("ymd_hms_packed", bytes([100, 1, 1, 0, 0, 0])),
        ("ymd_hms_packed", bytes([26, 2, 29, 0, 0, 0])),
        ("bcd", bytes.fromhex("26112a000000")),
        ("bcd", bytes.fromhex("261301000000")),
        ("iec870", bytes.fromhex("001a 0b17 0988 1b58")),
        ("iec870", bytes.fromhex("011a 0b17 0908 1b58")),
        ("iec870", bytes.fromhex("0064 0b17 0908 1b58")),
        ("iec870", bytes.fromhex("001a 0b17 0908 ea60")),
        ("iec870", bytes.fromhex("001a 0b17 1f08 1b58")),
    ],
)
def test_no_date(encoding, raw):
    """A clock never set, a date that does not exist and an invalid mark give no date."""
    assert DATES[encoding](raw) is None


@given(st.sampled_from(sorted(DATES)), st.data())
def test_any_bytes(encoding, data):
    """Whatever a device holds, there is a date or none, never an error."""
    size = 2 * DATE_REGISTERS[encoding]
    seen = DATES[encoding](data.draw(st.binary(min_size=size, max_size=size)))
    assert seen is None or seen[:4].isdecimal()
