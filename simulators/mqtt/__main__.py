"""`python -m simulators.mqtt`: the broker as a process, until it is told to stop.

The first line printed is its URL. Exit codes: 0 stopped, 2 it cannot listen or read its files.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import ssl
import sys
from typing import TYPE_CHECKING

from simulators.mqtt.broker import Broker
from simulators.mqtt.faults import Faults, Limits
from simulators.mqtt.wire import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT = Limits()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulators.mqtt", description=__doc__)
    add, add_fault = parser.add_argument, parser.add_argument_group("faults").add_argument
    add("--host", default="127.0.0.1", help="address to bind")
    add("--port", type=int, default=1883, help="port; 0 picks a free one")
    add("--cert", help="PEM file of the server certificate: then it speaks TLS")
    add("--key", help="PEM file of the private key")
    add("--username", help="only this user; password from CHULIAN_MQTT_PASSWORD")
    add("--max-packet-bytes", type=int, default=_DEFAULT.max_packet_bytes, help="largest packet")
    add("--receive-maximum", type=int, default=_DEFAULT.receive_maximum, help="largest window")
    add_fault("--refuse", action="store_true", help="refuse every client with 0x88")
    add_fault("--stall-pubacks", action="store_true", help="route messages, never acknowledge")
    add_fault("--puback-delay-s", type=float, default=0.0, help="acknowledge so much later")
    add_fault("--drop-pubacks", type=int, default=0, help="do not send the first so many PUBACKs")
    add_fault("--duplicate", action="store_true", help="deliver every QoS 1 message twice")
    add_fault(
        "--reason",
        action="append",
        default=[],
        metavar="FILTER=CODE",
        type=topic_reason,
        help="PUBACK reason for topics, such as hb/v1/+/+/event=0x87; may be repeated",
    )
    return parser.parse_args(arguments)


def topic_reason(text: str) -> tuple[str, int]:
    """Read FILTER=CODE, the code as 0x87 or 135; ValueError otherwise."""
    topic_filter, _, code = text.rpartition("=")
    number = int(code, 0)
    if not topic_filter or not 0 <= number <= 0xFF:
        raise ValueError(text)
    return topic_filter, number


def make_broker(options: argparse.Namespace) -> Broker:
    """Build the broker the options describe; OSError when a certificate cannot be read."""
    users = None
    if options.username is not None:
        users = {options.username: os.environ.get("CHULIAN_MQTT_PASSWORD", "")}
    return Broker(
        host=options.host,
        port=options.port,
        ssl_context=tls_context(options.cert, options.key),
        users=users,
        faults=Faults(
            refuse_connect=Reason.SERVER_UNAVAILABLE if options.refuse else None,
            stall_pubacks=options.stall_pubacks,
            puback_delay_s=options.puback_delay_s,
            drop_pubacks=options.drop_pubacks,
            duplicate_deliveries=options.duplicate,
            reason_by_filter=dict(options.reason),
        ),
        limits=Limits(
            max_packet_bytes=options.max_packet_bytes, receive_maximum=options.receive_maximum
        ),
    )


def tls_context(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    """Give the server's TLS context, or None without a certificate."""
    if cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context


async def serve(options: argparse.Namespace) -> None:
    """Listen until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with make_broker(options) as broker:
        print(broker.url, flush=True)
        await stopped.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    options = parse(arguments)
    try:
        asyncio.run(serve(options))
    except OSError as error:
        print(f"cannot start / 无法启动: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
