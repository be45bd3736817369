"""`chulian simulate modbus`: from options to a running device, or to thirty on one line.

Without a map, units or a personality it is the counting server for benchmarks, as ever.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from simulators.modbus.options import builds_bus, unit_numbers
from simulators.running import announce, require, until

if TYPE_CHECKING:
    import argparse
    import asyncio

    from simulators.modbus.bus import Bus
    from simulators.modbus.framing import FramingName
    from simulators.modbus.images import Image
    from simulators.modbus.timing import LineTiming
    from simulators.modbus.units import Unit

FRAMING_OF: Final[dict[str, FramingName]] = {
    "tcp": "tcp", "udp": "tcp", "tls": "tcp", "rtu-tcp": "rtu", "ascii-tcp": "ascii",
    "rtu": "rtu", "ascii": "ascii",
}  # fmt: skip
"""Transport -> framing."""
IDENTITY: Final = {0: "Chulian simulator", 1: "SIMULATED", 2: "1.0"}
"""What function 0x2B tells: nobody can take its data for a machine's."""


async def run(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    """Run what the options ask for until it is stopped.

    Raises:
        ValueError: options that do not go together, or a map that cannot be read.
        OSError: a port or file that is not there, or taken.
    """
    if args.list_personalities:
        from simulators.modbus.personalities import listing

        print(listing(getattr(args, "lang", "en")))
        return
    require(0 < args.size <= 65_536 and args.interval_ms > 0, "1 <= --size <= 65536")
    if builds_bus(args):
        await _run_bus(args, stopped)
    else:
        await _run_counting(args, stopped)


async def _run_counting(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    from simulators.counting import CountingMap
    from simulators.modbus_server import ModbusServer

    bank = CountingMap(args.size, interval_s=args.interval_ms / 1e3, clock=time.monotonic)
    async with ModbusServer({1: bank}, host=args.host, port=args.port) as server:
        announce(args, {"modbus": f"{server.host}:{server.port}", "unit": 1, "size": args.size})
        await until(stopped)


async def _run_bus(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    from simulators.modbus.bus import Bus
    from simulators.modbus.control import HELP, Control
    from simulators.modbus.moods import Temper

    transport = args.transport or ("rtu" if args.serial else "rtu-tcp" if args.dial else "tcp")
    bus = Bus(
        _units(args),
        framing=FRAMING_OF[transport],
        temper=Temper(args.personality, seed=args.seed),
        timing=_timing(args, transport),
    )
    async with AsyncExitStack() as stack:
        where = await _open(args, bus, transport, stack)
        where["units"] = sorted(bus.units)
        language = getattr(args, "lang", "en")
        announce(args, where, hint=HELP[language == "zh"])
        await until(stopped, command=Control(bus, language=language).obey)


def _units(args: argparse.Namespace) -> dict[int, Unit]:
    """Make the units: those with a map, and those with the pattern."""
    from simulators.modbus.images import MapImage, PatternImage
    from simulators.modbus.mapfile import load_map, load_values

    values = load_values(args.values) if args.values else None
    images: dict[int, Image] = {}
    for text in args.map:
        numbers, equals, file = text.rpartition("=")
        points = load_map(file)
        for number in unit_numbers(numbers) if equals else (1,):
            images[number] = MapImage(number, points, values=values)
    for number in unit_numbers(args.units) if args.units else () if images else (1,):
        images.setdefault(number, PatternImage(number, size=args.size))
    return {number: _unit(args, image) for number, image in images.items()}


def _unit(args: argparse.Namespace, image: Image) -> Unit:
    from simulators.modbus.units import Unit

    return Unit(
        image,
        interval_s=args.interval_ms / 1e3,
        max_registers=args.max_registers,
        too_long=args.too_long,
        absent=args.absent,
        writable=args.writable,
        turnaround_s=args.turnaround_ms / 1e3,
        identity=IDENTITY,
    )


def _timing(args: argparse.Namespace, transport: str) -> LineTiming | None:
    """Reckon with the time of a line where its speed is given."""
    from simulators.modbus.timing import LineTiming

    if args.baud is None:
        return None
    require(args.baud >= 300, "--baud >= 300")
    bits = 7 if FRAMING_OF[transport] == "ascii" else 8
    return LineTiming(args.baud, data_bits=bits, parity=args.parity, stop_bits=args.stop_bits)


async def _open(
    args: argparse.Namespace, bus: Bus, transport: str, stack: AsyncExitStack
) -> dict[str, Any]:
    """Open the transport; give where it is."""
    from simulators.modbus.drafts import bytes_of
    from simulators.modbus.streams import Dialler, Heartbeat, StreamServer

    beat = Heartbeat(bytes_of(args.heartbeat), every_s=args.heartbeat_s)
    if transport in {"rtu", "ascii"}:
        from simulators.modbus.serial_line import OWN_PTY, SerialLine

        line = await stack.enter_async_context(SerialLine(bus, args.serial or OWN_PTY))
        return {"serial": line.port, "transport": transport}
    require(not args.serial, "--serial: --transport rtu | ascii")
    if args.dial:
        host, _, port = args.dial.rpartition(":")
        require(bool(host) and port.isdecimal(), f"--dial host:port, not {args.dial!r}")
        dialler = Dialler(
            bus, host, int(port), registration=bytes_of(args.registration), heartbeat=beat
        )
        await stack.enter_async_context(dialler)
        return {"dial": args.dial, "registration": args.registration}
    if transport == "udp":
        from simulators.modbus.datagrams import DatagramServer

        datagrams = DatagramServer(bus, host=args.host, port=args.port)
        await stack.enter_async_context(datagrams)
        return {"modbus": f"{datagrams.host}:{datagrams.port}", "transport": transport}
    tls = None
    if transport == "tls":
        from simulators.modbus.certificates import server_context

        tls = server_context(Path(args.tls_dir), host=args.host)
    server = StreamServer(
        bus, host=args.host, port=args.port, tls=tls, heartbeat=beat if beat.content else None
    )
    await stack.enter_async_context(server)
    where = {"modbus": f"{server.host}:{server.port}", "transport": transport}
    if tls is not None:
        where["tls_ca"] = str(Path(args.tls_dir) / "ca.pem")
    return where
