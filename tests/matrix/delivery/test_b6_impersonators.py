"""B6: a broker that is not who it should be is sent neither password nor data."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from integration.agent.publishing import Bench
from unit.agent.publish.authority import EXPIRED, GENUINE, Authority
from unit.agent.store.patience import until

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
"""paho leaves the socket of a failed handshake to the garbage collector."""
CONNACK = b"\x20\x03\x00\x00\x00"


class Impostor:
    """Speaks TLS with a certificate that nobody should believe; keeps what it is told."""

    def __init__(self, context):
        self._context = context
        self.heard = b""

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.url = f"mqtts://localhost:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        with contextlib.suppress(OSError):
            writer.write(CONNACK)
            while got := await reader.read(65_536):
                self.heard += got
        writer.close()


@pytest.mark.parametrize("lie", ["other authority", "other name", "expired"])
async def test_b6_an_impersonator_hears_nothing(tmp_path, lie, report, figure):
    """With a foreign CA, a foreign name or a date that is over: no password, no row, no loss."""
    plant = Authority(tmp_path, "plant")
    signer = Authority(tmp_path, "stranger") if lie == "other authority" else plant
    host = "elsewhere" if lie == "other name" else "localhost"
    dates = EXPIRED if lie == "expired" else GENUINE
    async with Impostor(signer.server(dates=dates, host=host)) as impostor:
        fields = {"username": "secret-user", "password": "secret-word"}
        async with Bench(tmp_path, impostor.url, tls={"ca": plant.ca}, **fields) as bench:
            await bench.put(2)
            bench.start()
            await until(lambda: bench.problem and "certificate" in bench.problem.en, within_s=30)
            assert bench.waiting == 2
    assert impostor.heard == b""
    figure("impersonators", 1)
    figure("told to them, bytes", len(impostor.heard))
    report(f"{lie}: 0 bytes")
