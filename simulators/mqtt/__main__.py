"""`python -m simulators.mqtt`: the broker as a process, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import ssl
from typing import TYPE_CHECKING

from simulators.mqtt.broker import Broker

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulators.mqtt", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind")
    parser.add_argument("--port", type=int, default=1883, help="port; 0 picks a free one")
    parser.add_argument("--cert", help="PEM file of the server certificate: then it speaks TLS")
    parser.add_argument("--key", help="PEM file of the private key")
    return parser.parse_args(arguments)


def tls_context(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    """Give the server's TLS context, or None without a certificate."""
    if cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context


async def serve(options: argparse.Namespace) -> None:
    """Listen until SIGINT or SIGTERM; the first line printed is the URL."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    context = tls_context(options.cert, options.key)
    async with Broker(host=options.host, port=options.port, ssl_context=context) as broker:
        print(broker.url, flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(serve(parse(None)))
