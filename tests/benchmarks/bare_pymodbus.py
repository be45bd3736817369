"""The bare loop of pymodbus: reads every register at each interval and drops what it read."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop
from pymodbus.client import AsyncModbusTcpClient

REGISTERS_PER_REQUEST = 125


class Count:
    """Values read so far, and whether it is enough."""

    values = 0
    enough = False


async def read(port: int, size: int, interval_s: float, *, units: int, count: Count) -> None:
    """Read the devices of one connection until it is enough, on an absolute schedule.

    A late read shifts it.
    """
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    if not await client.connect():
        raise ConnectionError(port)
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while not count.enough:
        for unit in range(1, units + 1):
            await read_once(client, unit, size, count)
        due_s = max(due_s + interval_s, loop.time())
        await asyncio.sleep(due_s - loop.time())
    client.close()


async def read_once(client: AsyncModbusTcpClient, unit: int, size: int, count: Count) -> None:
    """Read every register of one device, and count them."""
    for start in range(0, size, REGISTERS_PER_REQUEST):
        wanted = min(REGISTERS_PER_REQUEST, size - start)
        answer = await client.read_holding_registers(start, count=wanted, device_id=unit)
        if answer.isError():
            raise ConnectionError(answer)
        count.values += len(answer.registers)


async def main(
    warm_up_s: float, seconds: float, size: int, interval_s: float, *, units: int, ports: list[int]
) -> None:
    """Read all devices side by side and print what a window of it cost."""
    count = Count()
    async with asyncio.TaskGroup() as group:
        for port in ports:
            group.create_task(read(port, size, interval_s, units=units, count=count))
        await asyncio.sleep(warm_up_s)
        values, cpu_s, start_s = count.values, time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        spent = {
            "values": count.values - values,
            "cpu_s": time.process_time() - cpu_s,
            "wall_s": time.monotonic() - start_s,
        }
        count.enough = True
    print(json.dumps(spent), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    factory = uvloop.new_event_loop if arguments[0] == "--uvloop" else None
    if factory:
        del arguments[0]
    units_each = 1
    if arguments[0] == "--units":
        units_each = int(arguments[1])
        del arguments[:2]
    warm_up, measured, values, interval_ms, _publishing_ms, _queue, *targets = arguments
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(
            main(float(warm_up), float(measured), int(values), float(interval_ms) / 1000,
                 units=units_each, ports=[int(port) for port in targets])
        )  # fmt: skip
