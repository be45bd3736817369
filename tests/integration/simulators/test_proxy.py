"""The proxy before an echo server, on both event loops."""

import asyncio
import socket

import pytest
import uvloop

from simulators.faults import Direction
from simulators.proxy import TcpProxy


class Echo:
    """A server that returns what it gets and remembers it."""

    async def __aenter__(self):
        self.got = bytearray()
        self.ends = 0
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        try:
            while data := await reader.read(65_536):
                self.got += data
                writer.write(data)
                await writer.drain()
            self.ends += 1
        except ConnectionError:
            pass
        finally:
            writer.close()


async def dial(proxy):
    return await asyncio.open_connection(proxy.host, proxy.port)


async def answered(reader, count, *, within_s=2.0):
    async with asyncio.timeout(within_s):
        return await reader.readexactly(count)


async def silent(reader, *, for_s=0.15):
    """Whether nothing comes for a while."""
    try:
        async with asyncio.timeout(for_s):
            await reader.read(1)
    except TimeoutError:
        return True
    return False


async def transparent():
    async with Echo() as echo, TcpProxy("127.0.0.1", echo.port) as proxy:
        reader, writer = await dial(proxy)
        payload = bytes(range(256)) * 4096
        writer.write(payload)
        assert await answered(reader, len(payload)) == payload
        assert proxy.passed_bytes(Direction.UP) == len(payload)
        assert proxy.passed_bytes(Direction.BOTH) == 2 * len(payload)
        assert (proxy.accepted, proxy.connections) == (1, 1)
        writer.write_eof()
        async with asyncio.timeout(2):
            assert await reader.read() == b""
        assert echo.ends == 1
        writer.close()


async def delayed():
    loop = asyncio.get_running_loop()
    async with Echo() as echo, TcpProxy("127.0.0.1", echo.port) as proxy:
        reader, writer = await dial(proxy)
        proxy.delay(0.15)
        begin = loop.time()
        for _ in range(5):
            writer.write(b"x")
            await asyncio.sleep(0.02)
        assert await answered(reader, 5) == b"xxxxx"
        assert 0.3 <= loop.time() - begin < 1.0
        proxy.clear()
        begin = loop.time()
        writer.write(b"y")
        assert await answered(reader, 1) == b"y"
        assert loop.time() - begin < 0.15
        writer.close()


async def frozen():
    async with Echo() as echo, TcpProxy("127.0.0.1", echo.port) as proxy:
        reader, writer = await dial(proxy)
        proxy.freeze()
        writer.write(b"held")
        assert await silent(reader)
        assert not echo.got
        late_reader, late_writer = await dial(proxy)
        late_writer.write(b"new")
        assert await silent(late_reader)
        proxy.thaw()
        assert await answered(reader, 4) == b"held"
        assert await answered(late_reader, 3) == b"new"
        writer.close()
        late_writer.close()


async def frozen_one_way():
    async with Echo() as echo, TcpProxy("127.0.0.1", echo.port) as proxy:
        reader, writer = await dial(proxy)
        proxy.freeze(direction=Direction.DOWN)
        writer.write(b"question")
        assert await silent(reader)
        assert echo.got == b"question"
        proxy.thaw()
        assert await answered(reader, 8) == b"question"
        writer.close()


async def cut():
    async with Echo() as echo, TcpProxy("127.0.0.1", echo.port) as proxy:
        reader, writer = await dial(proxy)
        writer.write(b"x")
        await answered(reader, 1)
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await answered(reader, 1)
        writer.close()
        reader, writer = await dial(proxy)
        writer.write(b"again")
        assert await answered(reader, 5) == b"again"
        writer.close()


async def refused():
    async with Echo() as echo, TcpProxy("127.0.0.1", echo.port) as proxy:
        reader, writer = await dial(proxy)
        port = proxy.port
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await dial(proxy)
        writer.write(b"open")
        assert await answered(reader, 4) == b"open"
        await proxy.accept()
        assert proxy.port == port
        new_reader, new_writer = await dial(proxy)
        new_writer.write(b"new")
        assert await answered(new_reader, 3) == b"new"
        writer.close()
        new_writer.close()


async def dripping():
    loop = asyncio.get_running_loop()
    async with Echo() as echo, TcpProxy("127.0.0.1", echo.port) as proxy:
        reader, writer = await dial(proxy)
        proxy.drip(100, direction=Direction.DOWN)
        begin = loop.time()
        writer.write(b"z" * 50)
        first = await reader.read(50)
        assert 0 < len(first) < 50
        await answered(reader, 50 - len(first))
        assert 0.35 <= loop.time() - begin < 1.5
        with pytest.raises(ValueError, match="freeze"):
            proxy.drip(0)
        writer.close()


async def target_down():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        dead_port = unused.getsockname()[1]
    async with TcpProxy("127.0.0.1", dead_port) as proxy:
        reader, writer = await dial(proxy)
        with pytest.raises(ConnectionResetError):
            await answered(reader, 1)
        writer.close()


async def leaving_while_frozen():
    async with Echo() as echo:
        async with TcpProxy("127.0.0.1", echo.port) as proxy:
            reader, writer = await dial(proxy)
            proxy.freeze()
            writer.write(b"x" * 100_000)
            await writer.drain()
        with pytest.raises(ConnectionError):
            await answered(reader, 1)
        writer.close()


CLAIMS = {
    "bytes pass unchanged, counted, and the end of stream too": transparent,
    "every byte is late by the delay, not the sum of delays": delayed,
    "frozen it accepts and forwards nothing; thawed it delivers what it held": frozen,
    "one direction can freeze alone": frozen_one_way,
    "a cut is a reset, and new connections are fine": cut,
    "refused are new connections only, until it accepts again": refused,
    "a slow lane passes small pieces at its pace": dripping,
    "a dead target is a reset, not silence": target_down,
    "leaving the block ends held connections": leaving_while_frozen,
}


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("claim", CLAIMS)
def test_proxy(claim, run):
    """The claim in the test's id holds, on plain asyncio and on uvloop."""
    run(CLAIMS[claim]())
