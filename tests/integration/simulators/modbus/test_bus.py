"""How answers go astray on a bus: late, elsewhere, in pieces, or with the connection."""

import asyncio
import os
import struct

import pytest

from simulators.modbus.framing import framing_of
from simulators.modbus.patterns import expected
from simulators.modbus.serial_line import SerialLine
from simulators.modbus.streams import StreamServer
from simulators.modbus.timing import LineTiming


def request(address, *, transaction=1, unit=1, count=1):
    return struct.pack(">HHHBBHH", transaction, 0, 6, unit, 3, address, count)


def answer(address, *, transaction=1, unit=1):
    value = expected(unit, "hr", address)
    return struct.pack(">HHHBBBH", transaction, 0, 5, unit, 3, 2, value)


async def asked(server, *requests):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for each in requests:
        writer.write(each)
    return reader, writer


async def left(writer):
    writer.close()
    await writer.wait_closed()


async def test_late_answers_keep_their_order(make_bus):
    """Two requests at once are answered late, the first first, each with its own id."""
    loop = asyncio.get_running_loop()
    async with StreamServer(make_bus(moods=["late:0.1"])) as server:
        begun_s = loop.time()
        reader, writer = await asked(server, request(5), request(6, transaction=2))
        async with asyncio.timeout(5):
            assert await reader.readexactly(22) == answer(5) + answer(6, transaction=2)
        assert 0.09 < loop.time() - begun_s < 1
        await left(writer)


async def test_an_answer_comes_into_another_connection(make_bus):
    """What one connection asked late arrives in the next one, as through a serial server."""
    async with StreamServer(make_bus(moods=["late-other:0.1"])) as server:
        _, first = await asked(server, request(5))
        await left(first)
        reader, second = await asked(server)
        async with asyncio.timeout(5):
            assert await reader.readexactly(11) == answer(5)
        await left(second)


async def test_one_client_only(make_bus):
    """The second connection is closed at once, the first one lives."""
    async with StreamServer(make_bus(moods=["one-client"])) as server:
        reader, writer = await asked(server, request(5))
        async with asyncio.timeout(5):
            assert await reader.readexactly(11) == answer(5)
            second, other = await asked(server, request(5))
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await second.readexactly(1)
            writer.write(request(6))
            assert await reader.readexactly(11) == answer(6)
        await left(writer)
        other.close()


@pytest.mark.parametrize("mood", ["idle-close:0.1", "close-each", "cut"])
async def test_closing(make_bus, mood):
    """The device ends the connection: when idle, after each answer, in the middle of one."""
    async with StreamServer(make_bus(moods=[mood])) as server:
        reader, writer = await asked(server, request(5))
        async with asyncio.timeout(5):
            seen = await reader.read()
        assert answer(5).startswith(seen)
        assert (seen == answer(5)) == (mood != "cut")
        await left(writer)


async def test_slow_start(make_bus):
    """A device that starts keeps silent, then answers."""
    async with StreamServer(make_bus(moods=["slow-start:0.2"])) as server:
        reader, writer = await asked(server, request(5))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.readexactly(1)
        async with asyncio.timeout(5):
            while not server.bus.answered[1]:
                writer.write(request(6, transaction=9))
                await asyncio.sleep(0.05)
            assert await reader.readexactly(11) == answer(6, transaction=9)
        await left(writer)


async def test_reboot(make_bus):
    """A reboot drops the connection and comes back on the same port."""
    async with StreamServer(make_bus(moods=["reboot:0.1"])) as server:
        port = server.port
        reader, writer = await asked(server, request(5))
        async with asyncio.timeout(5):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
        server.bus.temper.set()
        writer.close()
        async with asyncio.timeout(5):
            while True:
                try:
                    reader, writer = await asked(server, request(5))
                    assert await reader.readexactly(11) == answer(5)
                    break
                except (ConnectionError, asyncio.IncompleteReadError):
                    await asyncio.sleep(0.02)
        assert server.port == port
        await left(writer)


async def test_a_flood_stops_with_its_connection(make_bus):
    """A reader that leaves is not written to any more."""
    async with StreamServer(make_bus(moods=["flood:20"])) as server:
        reader, writer = await asked(server, request(5))
        async with asyncio.timeout(5):
            assert len(await reader.readexactly(300_000)) == 300_000
            writer.transport.abort()
            await server.bus.conversations[0].lost
        assert server.bus.conversations == []


async def test_an_unknown_unit_is_silent_on_a_line_and_refused_by_a_gateway(make_bus):
    """Modbus TCP answers exception 11 for a unit that is not there."""
    async with StreamServer(make_bus(1)) as server:
        reader, writer = await asked(server, request(5, unit=9))
        async with asyncio.timeout(5):
            assert (await reader.readexactly(9))[6:] == bytes([9, 0x83, 11])
        await left(writer)
    bus = make_bus(1, framing="rtu")
    async with StreamServer(bus) as server:
        rtu = framing_of("rtu")
        ask = bytes.fromhex("0300050001")
        reader, writer = await asked(
            server, rtu.wrap(9, ask, transaction=0), rtu.wrap(1, ask, transaction=0)
        )
        async with asyncio.timeout(5):
            assert (await reader.readexactly(7))[0] == 1
        assert (bus.asked[9], bus.answered[9]) == (1, 0)
        await left(writer)


class Master:
    """Asks a serial line through its far end, with plain system calls."""

    def __init__(self, line):
        self.file = os.open(line.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.loop = asyncio.get_running_loop()
        self.received = asyncio.Queue()
        self.loop.add_reader(self.file, self._read)

    def _read(self):
        self.received.put_nowait((self.loop.time(), os.read(self.file, 4096)))

    def ask(self, unit, *, count=16):
        pdu = struct.pack(">BHH", 3, 0, count)
        os.write(self.file, framing_of("rtu").wrap(unit, pdu, transaction=0))
        return self.loop.time()

    def close(self):
        self.loop.remove_reader(self.file)
        os.close(self.file)


async def test_every_byte_takes_its_time(make_bus):
    """At 9,600 baud an exchange takes what arithmetic says, and no more than 10 ms beyond."""
    timing = LineTiming(9600, parity="even")
    bus = make_bus(7, framing="rtu", timing=timing, turnaround_s=0.005)
    async with SerialLine(bus) as line:
        least_s = timing.exchange_s(8, 37, 0.005) - timing.rest_s
        assert least_s == pytest.approx((8 + 37 + 3.5) * 11 / 9600 + 0.005)
        master = Master(line)
        took_s = []
        while len(took_s) < 50 and min(took_s, default=1) > least_s + 0.010:  # a busy machine
            begun_s = master.ask(7)
            async with asyncio.timeout(5):
                done_s, frame = await master.received.get()
            assert len(frame) == 5 + 32
            took_s.append(done_s - begun_s)
            await asyncio.sleep(2 * timing.rest_s)
        assert least_s - 0.002 < min(took_s) < least_s + 0.010
        master.close()
    assert (line.hasty, line.collisions) == (0, 0)


async def test_a_collision_costs_both(make_bus):
    """A request sent into an answer is lost, and the answer is damaged."""
    bus = make_bus(7, framing="rtu", timing=LineTiming(2400))
    async with SerialLine(bus) as line:
        master = Master(line)
        master.ask(7)
        async with asyncio.timeout(5):
            await asyncio.sleep(0.125)  # the middle of the answer, by arithmetic
            master.ask(7)
            _, frame = await master.received.get()
        assert framing_of("rtu").wrap(frame[0], frame[1:-2], transaction=0) != frame
        assert (line.collisions, bus.asked[7]) == (1, 1)
        master.close()


async def test_a_hasty_master_is_counted(make_bus):
    """A request within 3.5 characters of the last answer is seen as such."""
    bus = make_bus(7, framing="rtu", timing=LineTiming(600))
    async with SerialLine(bus) as line:
        master = Master(line)
        master.ask(7, count=1)
        async with asyncio.timeout(5):
            await master.received.get()
            master.ask(7, count=1)
            await master.received.get()
        assert line.hasty == 1
        master.close()


async def test_an_unplugged_line(make_bus):
    """When the line is unplugged its far end gets an error, and nothing is left behind."""
    bus = make_bus(7, framing="rtu")
    line = SerialLine(bus)
    async with line:
        master = os.open(line.port, os.O_RDWR | os.O_NOCTTY)
        line.unplug()
        with pytest.raises(OSError, match="Input/output"):
            os.write(master, b"x")
        os.close(master)
    assert bus.conversations == []
