"""Machines that change all the time, in the test's own loop, and the devices that read them."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager

from simulators.counting import CountingMap
from simulators.modbus_server import ModbusServer

INTERVAL_S = 0.1


@asynccontextmanager
async def counting(size):
    """Serve `size` registers that all change every interval; gives the device that reads them."""
    bank = CountingMap(size, interval_s=INTERVAL_S, clock=time.monotonic)
    async with ModbusServer({1: bank}) as server:
        yield {
            "id": "counter",
            "driver": "modbus",
            "host": server.host,
            "port": server.port,
            "timeout_s": 5,
            "groups": {"default": {"interval_s": INTERVAL_S}},
            "tags": [
                {"name": f"r{at}", "address": f"hr:{at}", "type": "uint16"} for at in range(size)
            ],
        }


def generations(values):
    """Give the generations that one scan of counting registers is made of."""
    return {(value.value - int(value.metric[1:])) % 65536 for value in values}
