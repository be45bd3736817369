"""Everything of ours that takes bytes from outside apart, with the errors it may raise."""

from __future__ import annotations

from agent.clock.stamp import unstamp
from agent.control.server import _order
from agent.publish.receipt import Receipt
from drivers.api import SessionLost
from drivers.modbus.points.address import Table
from drivers.modbus.wire.pdu import framing_of, read_request
from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.wire.builtin import read_data_value, read_diagnostics, read_variant
from drivers.opcua.wire.cursor import Cursor


def _modbus(name):
    framing = framing_of(name)
    request = read_request(framing, Table.HOLDING_REGISTERS, unit=1, start=0, count=3)

    def take(data):
        framing.size_of(data)
        framing.check(data, request, transaction=1, ids="strict")

    return take


def _opcua(read):
    return lambda data: read(Cursor(data))


TARGETS = {
    "modbus-tcp": (_modbus("tcp"), SessionLost),
    "modbus-rtu": (_modbus("rtu"), SessionLost),
    "modbus-ascii": (_modbus("ascii"), SessionLost),
    "opcua-variant": (_opcua(read_variant), DecodeError),
    "opcua-value": (_opcua(read_data_value), DecodeError),
    "opcua-diagnostics": (_opcua(read_diagnostics), DecodeError),
    "mqtt-receipt": (Receipt.model_validate_json, ValueError),
    "write-order": (lambda data: _order(data, who="x"), ValueError),
    "row-stamp": (unstamp, ValueError),
}
"""Name -> decoder, and what it may raise."""

SEEDS = {
    "modbus-tcp": [bytes.fromhex("000100000009010306000100020003"), b"\0\1\0\0\0\3\1\x83\2"],
    "modbus-rtu": [bytes.fromhex("010306000100020003dd75"), b"\1\x83\2\xc0\xf1"],
    "modbus-ascii": [b":010306000100020003F0\r\n"],
    "opcua-variant": [
        b"\x06\1\0\0\0",
        b"\x8c\2\0\0\0\1\0\0\0a\xff\xff\xff\xff",
        b"\xd8\1\0\0\0\x18",
    ],
    "opcua-value": [b"\x0d\x0b" + b"\0" * 8 + b"\0" * 8, b"\x03\6\1\0\0\0\0\0\0\x80"],
    "opcua-diagnostics": [b"\x7f" + b"\1\0\0\0" * 6, b"\x40\x40\x40\0"],
    "mqtt-receipt": [b'{"ep":"0123456789","seq":5,"ok":[[1,2]],"rej":[{"seq":3}],"want":[[7,9]]}'],
    "write-order": [b'{"op":"write","device":"d","tag":"t","value":"1"}', b"[" * 500],
    "row-stamp": [b'~0123456789ABCDEF 5 7~"t0":1}', b"~"],
}
"""What the mutations of each begin with."""


def mutated(seed, dice):
    """Give an input near a seed: bytes changed, cut, doubled, put in, or something else."""
    data = bytearray(seed if dice.random() < 0.95 else dice.randbytes(dice.randrange(300)))
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(data) + 1)
        way = dice.randrange(5)
        if way == 0 and at < len(data):
            data[at] = dice.randrange(256)
        elif way == 1:
            data[at:at] = dice.choice([b"\xff\xff\xff\x7f", b"\0", b"\xff" * 4, dice.randbytes(3)])
        elif way == 2:
            del data[at : at + dice.randrange(1, 5)]
        elif way == 3:
            data[at:at] = data[max(0, at - 8) : at] * dice.choice([1, 2, 50])
        elif at < len(data):
            data[at] ^= 1 << dice.randrange(8)
    return bytes(data)
