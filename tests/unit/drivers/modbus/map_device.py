"""A device with a map: holes, borders, a longest request, and a way to refuse."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field

from drivers.api import DataType, Quality, Silent, Tag
from drivers.modbus import DRIVER, ModbusConfig, ModbusSession
from drivers.modbus.learning.learner import Learner
from drivers.modbus.wire.exchange import Exchange
from drivers.modbus.wire.framing import ExceptionReply

SILENCE = 0
"""As the code of a refusal: no answer at all."""

CODES = {DataType.UINT16: ">H", DataType.INT32: ">i", DataType.FLOAT64: ">d"}
TABLES = {1: "co", 2: "di", 3: "hr", 4: "ir"}


def held(table, address):
    """Give what an address holds; no two registers of a table are alike."""
    return address % 3 == 0 if table in {"co", "di"} else (address * 7 + len(table)) & 0xFFFF


@dataclass
class MapDevice:
    """What it refuses, and how; what it was asked stands in `asked`."""

    holes: set = field(default_factory=set)
    """(table, address) pairs it does not have."""
    borders: set = field(default_factory=set)
    """Addresses no request may cross into from the one before."""
    longest: int = 125
    longest_bits: int = 2000
    hole_code: int = 2
    length_code: int = 3
    asked: list = field(default_factory=list)
    """(table, start, count, whether it was answered)."""
    everything: int | None = None
    """A code with which it refuses whatever it is asked."""

    def answer(self, function, start, count):
        """Give the payload, an exception code, or SILENCE."""
        table = TABLES[function]
        refused = self._refusal(table, start, count)
        self.asked.append((table, start, count, refused is None))
        if refused is not None:
            return refused
        values = [held(table, at) for at in range(start, start + count)]
        if table in {"co", "di"}:
            bits = sum(value << at for at, value in enumerate(values))
            return bits.to_bytes((count + 7) // 8, "little")
        return struct.pack(f">{count}H", *values)

    def over_tcp(self, request):
        """Answer a request as a Peer does."""
        transaction, unit = struct.unpack_from(">H4xB", request)
        function, start, count = struct.unpack_from(">BHH", request, 7)
        answer = self.answer(function, start, count)
        if answer == SILENCE:
            return None
        pdu = (
            bytes([function | 0x80, answer])
            if isinstance(answer, int)
            else bytes([function, len(answer)]) + answer
        )
        return struct.pack(">HHHB", transaction, 0, 1 + len(pdu), unit) + pdu

    @property
    def refused(self):
        """Count the requests it did not answer with values."""
        return sum(not good for *_, good in self.asked)

    def _refusal(self, table, start, count):
        if self.everything is not None:
            return self.everything
        if count > (self.longest_bits if table in {"co", "di"} else self.longest):
            return self.length_code
        if any((table, at) in self.holes for at in range(start, start + count)):
            return self.hole_code
        if any(at in self.borders for at in range(start + 1, start + count)):
            return self.hole_code
        return None


class MapLine:
    """A line of our own to such a device: answers at once; silence leaves it alive."""

    def __init__(self, device):
        self.device = device

    def start(self, requests, terms):
        exchange = Exchange(requests, terms, asyncio.get_running_loop().create_future())
        if not requests:
            exchange.succeed(1)
        while not exchange.done.done():
            request = requests[len(exchange.answers)]
            data = request.tail[6:].ljust(4, b"\0")
            answer = self.device.answer(request.function, *struct.unpack_from(">HH", data))
            if answer == SILENCE:
                exchange.fail(Silent("no answer"))
            else:
                exchange.accept(ExceptionReply(answer) if isinstance(answer, int) else answer)
        return exchange

    def withdraw(self, exchange):
        exchange.forget()


class Clock:
    """Time that moves when a test says so: monotonic seconds, and a wall clock that may jump."""

    def __init__(self):
        self.now_s = 1_000.0
        self.set_by_s = 1_700_000_000.0

    def __call__(self):
        return self.now_s

    def wall_ns(self):
        return int((self.now_s + self.set_by_s) * 1_000_000_000)


def session_with(device):
    """Give a session with a device on a line of our own."""
    return ModbusSession(MapLine(device))


def plan_of(points, clock=None, **settings):
    """Plan points given as (address, type) or as addresses of uint16; with a clock if told."""
    config = ModbusConfig(**{"driver": "modbus", "host": "192.0.2.1"} | settings)
    pairs = [(each, DataType.UINT16) if isinstance(each, str) else each for each in points]
    tags = [Tag(f"t{at}", address, kind) for at, (address, kind) in enumerate(pairs)]
    plan = DRIVER.plan(config, tags, device="d1", group="g1")
    if clock is not None:
        plan.learner = Learner(clock=clock, wall_ns=clock.wall_ns)
    return plan


def addresses(*parts):
    return [f"hr:{at}" for part in parts for at in part]


def expected(tag, point):
    """Work out what a point holds."""
    words = [held(point.table, point.start + at) for at in range(point.width)]
    if tag.data_type is DataType.BOOL:
        return words[0]
    if tag.data_type is DataType.BIT:
        return bool(words[0] >> int(tag.address.split(".")[1]) & 1)
    raw = struct.pack(f">{point.width}H", *words)
    return struct.unpack(CODES[tag.data_type], raw)[0]


def right(plan, frame):
    """Name the columns that are good, after checking that every value is the device's own."""
    for column, (point, value) in enumerate(zip(plan.points, frame.values, strict=True)):
        bad = frame.reasons is not None and column in frame.reasons
        assert (value is None) == bad
        assert frame.qualities is None or frame.qualities[column] == (
            Quality.BAD if bad else Quality.GOOD
        )
        if not bad:
            assert value == expected(plan.tags[column], point)
    return {column for column, value in enumerate(frame.values) if value is not None}
