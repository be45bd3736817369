"""`python -m simulators.platform --url mqtt://HOST:PORT`: receive for a while, then tell.

Ends after --seconds or on SIGINT or SIGTERM. Exit codes: 0 all well, 1 lost, altered or invalid
data, 2 usage, 3 broker unreachable.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from simulators.platform.platform import Platform, PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.platform.rows import Row


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulators.platform", description=__doc__)
    parser.add_argument("--url", required=True, help="mqtt://host:port or mqtts://host:port")
    parser.add_argument("--topic-root", default="hb/v1", help="first topic levels")
    parser.add_argument("--seconds", type=float, help="how long; without it until a signal")
    parser.add_argument("--json", action="store_true", help="print the whole summary as JSON")
    parser.add_argument("--tls-ca", help="PEM file of the CAs to trust; else the system's")
    parser.add_argument("--tls-cert", help="PEM file of a client certificate")
    parser.add_argument("--tls-key", help="PEM file of its private key")
    parser.add_argument("--username", default="", help="user; password from CHULIAN_MQTT_PASSWORD")
    parser.add_argument("--client-id", default="", help="MQTT client id; else a random one")
    parser.add_argument("--joined-late", action="store_true", help="forgive rows before the first")
    parser.add_argument("--confirm", action="store_true", help="tell gateways what is stored")
    parser.add_argument("--record", help="append every new row to this file, one JSON a line")
    return parser.parse_args(arguments)


def tls_context(options: argparse.Namespace) -> ssl.SSLContext | None:
    """Give the TLS context for an mqtts URL, else None."""
    if not options.url.startswith("mqtts:"):
        return None
    context = ssl.create_default_context(cafile=options.tls_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.tls_cert:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    return context


def recorder(file: TextIO) -> Callable[[Row], None]:
    """Give a callback that writes each row as one line of JSON and flushes it."""

    def record(row: Row) -> None:
        line = {
            "ent": row.enterprise,
            "gw": row.gateway,
            "ep": row.epoch,
            "n": row.number,
            "kind": row.kind,
            "row": row.content,
        }
        file.write(orjson.dumps(line).decode() + "\n")
        file.flush()

    return record


async def receive(options: argparse.Namespace) -> dict[str, Any]:
    """Receive until the time is over or a signal comes; gives the summary."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with contextlib.ExitStack() as files:
        on_row = None
        if options.record:
            file = open(options.record, "a", encoding="utf-8")  # noqa: SIM115, PTH123, ASYNC230 - once, before anything arrives
            on_row = recorder(files.enter_context(file))
        async with Platform(
            options.url,
            topic_root=options.topic_root,
            tls=tls_context(options),
            username=options.username,
            password=os.environ.get("CHULIAN_MQTT_PASSWORD", ""),
            client_id=options.client_id,
            from_start=not options.joined_late,
            confirm=options.confirm,
            on_row=on_row,
        ) as platform:
            print("subscribed", file=sys.stderr, flush=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(options.seconds):
                    await stopped.wait()
            return platform.summary()


def render(summary: dict[str, Any]) -> str:
    """Give the summary as a few lines for a person."""
    counts = (
        "messages {messages}, rows {rows} (live {live_rows}, backlog {backlog_rows}, events"
        " {event_rows}), values {values}, duplicates {duplicates}, altered {altered_duplicates}\n"
        "holes {holes}, unaccounted rows {unaccounted_rows}, invalid messages {schema_errors}"
    )
    lines = [counts.format_map(summary)]
    lines += [f"  {item['topic']}: {item['reason']}" for item in summary["first_errors"]]
    for name, gateway in summary["gateways"].items():
        rate = gateway["rate"]
        told = "no meta yet"
        if rate:
            told = ", ".join(
                f"{kind} {_percent(rate[kind][rate['method']])}"
                for kind in ("declared", "adjusted", "verified")
            )
        lines.append(f"{name}: devices {len(gateway['devices'])}, rate {told}")
    return "\n".join(lines)


def _percent(pair: list[int] | None) -> str:
    return "not assessable" if pair is None else f"{pair[0]}/{pair[1]} = {pair[0] / pair[1]:.2%}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    options = parse(arguments)
    try:
        summary = asyncio.run(receive(options))
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 3
    print(json.dumps(summary, ensure_ascii=False, indent=2) if options.json else render(summary))
    wrong = ("unaccounted_rows", "altered_duplicates", "schema_errors")
    return int(any(summary[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
