"""A connection that reads nothing for a moment, over a real socket."""

from __future__ import annotations

import asyncio
import struct

import pytest

from drivers.opcua.security.unprotected import Unprotected
from drivers.opcua.wire.connection import REST_S, dial

BAD_TCP_NOT_ENOUGH_RESOURCES = 0x8081_0000
ERROR = b"ERRF" + struct.pack("<IIi", 16, BAD_TCP_NOT_ENOUGH_RESOURCES, -1)  # and no reason


@pytest.fixture
async def scene():
    """A connection, and the server's end of it."""
    ends: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _, writer: ends.put_nowait(writer), "127.0.0.1")
    async with server:
        connection = await dial("127.0.0.1", server.sockets[0].getsockname()[1], Unprotected())
        writer = await ends.get()
        yield connection, writer
        connection.end(ConnectionError("the test is over"))
        writer.close()
        await connection.closed()


async def test_what_comes_in_a_rest_is_read_after_it(scene):
    """Nothing is read before the rest is over, and all of it then."""
    connection, writer = scene
    began_s = asyncio.get_running_loop().time()
    connection.rest()
    connection.rest()
    writer.write(ERROR)
    await asyncio.wait_for(connection.closed(), 30)
    assert "BadTcpNotEnoughResources" in str(connection.error)
    assert asyncio.get_running_loop().time() - began_s >= REST_S


async def test_a_connection_that_ends_in_a_rest_stays_ended(scene):
    """The end of a rest disturbs no connection that is gone; another rest begins nothing."""
    connection, _ = scene
    connection.rest()
    why = ConnectionError("given up")
    connection.end(why)
    await connection.closed()
    connection.rest()
    await asyncio.sleep(2 * REST_S)
    assert connection.error is why
