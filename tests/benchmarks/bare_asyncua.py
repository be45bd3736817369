"""The bare loop of asyncua: subscribes every variable with a handler that only counts."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

import uvloop
from asyncua.client.client import Client

NAMESPACE = "urn:chulian:peer:node-opcua"
PATIENCE_S = 60.0
"""A server that makes ten thousand items answers nobody for seconds; a second is the library's."""
ITEMS_PER_CALL = 1000


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of each server."""

    size: int
    sampling_ms: float
    publishing_ms: float
    queue: int


class Handler:
    """Counts the notifications it is handed."""

    def __init__(self, *, variables: int) -> None:
        self._variables = variables
        self.values = 0
        self.begun = asyncio.Event()
        """Set when as many values have come as there are variables: the start is over."""

    def datachange_notification(self, _node: object, _value: object, _data: object) -> None:
        """Take one value."""
        self.values += 1
        if self.values == self._variables:
            self.begun.set()


async def subscribe(stack: AsyncExitStack, port: int, terms: Terms, handler: Handler) -> None:
    """Connect to one server and have every variable's changes handed to the handler."""
    client = await stack.enter_async_context(
        Client(f"opc.tcp://127.0.0.1:{port}", timeout=PATIENCE_S, watchdog_intervall=PATIENCE_S)
    )
    index = await client.get_namespace_index(NAMESPACE)
    nodes = [client.get_node(f"ns={index};s=V{number}") for number in range(terms.size)]
    subscription = await client.create_subscription(terms.publishing_ms, handler)
    for start in range(0, len(nodes), ITEMS_PER_CALL):
        results = await subscription.subscribe_data_change(
            nodes[start : start + ITEMS_PER_CALL],
            queuesize=terms.queue,
            sampling_interval=terms.sampling_ms,  # type: ignore[call-overload]  # its Duration is a float
        )
        if not all(isinstance(result, int) for result in results):
            raise ConnectionError(results)


async def main(warm_up_s: float, seconds: float, terms: Terms, ports: list[int]) -> None:
    """Subscribe to all servers and print what a window of it cost."""
    handler = Handler(variables=terms.size * len(ports))
    async with AsyncExitStack() as stack:
        for port in ports:
            await subscribe(stack, port, terms, handler)
        await handler.begun.wait()
        await asyncio.sleep(warm_up_s)
        values, cpu_s, start_s = handler.values, time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        spent = {
            "values": handler.values - values,
            "cpu_s": time.process_time() - cpu_s,
            "wall_s": time.monotonic() - start_s,
        }
    print(json.dumps(spent), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    factory = uvloop.new_event_loop if arguments[0] == "--uvloop" else None
    if factory:
        del arguments[0]
    warm_up, measured, values, interval_ms, publishing_ms, queue, *targets = arguments
    wanted = Terms(int(values), float(interval_ms), float(publishing_ms), int(queue))
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(float(warm_up), float(measured), wanted, [int(port) for port in targets]))
