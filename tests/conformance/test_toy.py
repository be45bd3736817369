"""A stranger's driver of under 120 lines passes the whole battery."""

import asyncio
from pathlib import Path
from types import MappingProxyType

import uvloop
from conformance import toy_driver
from conformance.toy_driver import DRIVER, ToyConfig

from drivers.api import DataType, Tag
from drivers.testing.conformance import Conformance, TcpCase

SPEED = Tag("spindle.speed", "speed", DataType.FLOAT64)
COUNT = Tag("part.count", "count", DataType.INT64)
TOTAL = Tag("part.total", "总数", DataType.INT64)


class ToyServer:
    """The toy machine: answers every line that ends in a question mark."""

    def __init__(self, values):
        self.values = dict(values)
        self._tasks = {}

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()

    async def stop(self):
        self._server.close()
        for writer in self._tasks.values():
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._tasks[asyncio.current_task()] = writer
        try:
            while question := await reader.readline():
                name = question.decode().rstrip("?\n")
                known = name in self.values
                answer = f"{name}={self.values[name]}" if known else f"{name}=unknown point"
                writer.write(f"{answer}\n".encode())
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


class ToyCase(TcpCase):
    driver = DRIVER
    reference = "conformance.toy_driver:DRIVER"
    installed = False
    shipped = False
    expected = MappingProxyType({SPEED: 1200.5, COUNT: 42, TOTAL: 100_000})
    change = (COUNT, 43)
    malformed = (
        Tag("a", "5speed", DataType.INT64),
        Tag("b", "", DataType.INT64),
        Tag("c", "speed"),
    )
    refused = Tag("coolant.level", "coolant", DataType.FLOAT64)
    timeout_s = 0.4
    server = None

    def config_at(self, host, port):
        return ToyConfig(driver="toy", host=host, port=port, timeout_s=self.timeout_s)

    def hostile_replies(self):
        return (
            b"",
            b"\n",
            b"=\n",
            b"=1\n" * 9,
            b"speed",
            b"speed=fast\n",
            b"count=1\nspeed=2\nother=3\n",
            b"\xff\xfe\x00\n" * 3,
            b"speed=" + b"9" * 100_000 + b"\n",
        )

    async def serve(self):
        self.server = ToyServer({tag.address: value for tag, value in self.expected.items()})
        return await self.server.start()

    async def shutdown(self):
        if self.server is not None:
            await self.server.stop()
            self.server = None

    async def set(self, tag, value):
        self.server.values[tag.address] = value


class UvloopToyCase(ToyCase):
    def new_loop(self):
        return uvloop.new_event_loop()


def test_toy_driver_is_short():
    """A driver for a simple protocol takes less than 120 lines."""
    text = Path(toy_driver.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 120
    assert max(map(len, text.splitlines())) <= 100


class TestToy(Conformance):
    case = ToyCase()


class TestToyOnUvloop(Conformance):
    case = UvloopToyCase()
