"""`chulian simulate opcua`: from options to a running device.

Without a model, a limit, a policy or a fault it is the counting server for benchmarks, as ever.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from simulators.opcua.options import access_of, builds_device, limits_of
from simulators.running import announce, require, until

if TYPE_CHECKING:
    import argparse

    from simulators.opcua.companion import Companion
    from simulators.opcua.device import Device
    from simulators.opcua.plain import Plain


async def run(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    """Run what the options ask for until it is stopped.

    Raises:
        ValueError: options that do not go together, or a certificate that cannot be made.
        OSError: a port or file that is not there, or taken.
    """
    from simulators.opcua.control import listing

    if args.list_faults:
        print(listing(getattr(args, "lang", "en")))
        return
    require(args.size > 0 and args.interval_ms > 0, "--size, --interval-ms > 0")
    if builds_device(args):
        await _run_device(args, stopped)
    else:
        await _run_counting(args, stopped)


async def _run_counting(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    from simulators.counting import COUNTER, count, counting_points
    from simulators.opcua_server import OpcuaServer

    points = {COUNTER: counting_points(args.size)}
    async with OpcuaServer(points, host=args.host, port=args.port) as server:
        announce(args, {"opcua_url": server.url, "size": args.size})
        await until(stopped, count(server, args.size, interval_s=args.interval_ms / 1e3))


async def _run_device(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    from simulators.opcua.control import HELP, Control
    from simulators.opcua.device import Device

    # what asyncua says of refused clients is for its developers; `status` has our counts
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    content = _content(args)
    language = getattr(args, "lang", "en")
    async with Device(content, **_settings(args)) as device:
        control = Control(device, language=language)
        where: dict[str, Any] = {"opcua_url": device.url, "model": args.model}
        if args.policy:
            where["pki"] = args.pki
        announce(args, where, hint=HELP[language == "zh"])
        await content.advance(device, 0.0, time_ns=time.time_ns())
        for fault in args.fault:
            print(await control.obey(fault), flush=True)
        live = _live(content, device, interval_s=args.interval_ms / 1e3, speed=args.speed)
        await until(stopped, live, control.obey)


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    from simulators.opcua.clock import DeviceClock
    from simulators.opcua.history import Historian

    return {
        "host": args.host,
        "port": args.port,
        "limits": limits_of(args),
        "access": access_of(args),
        "clock": DeviceClock(args.clock),
        "historian": Historian(
            depth=args.history, portion=args.history_portion, mood=args.history_mood
        ),
        "endpoint": args.endpoint,
    }


def _content(args: argparse.Namespace) -> Companion | Plain:
    from simulators.opcua.companion import Companion
    from simulators.opcua.plain import Plain

    require(args.machines > 0 and args.speed > 0, "--machines, --speed > 0")
    require(not args.alarms or args.model in {"cnc", "packml"}, "--alarms: --model cnc or packml")
    if args.model == "counting":
        return Plain(args.size, types=("UInt32",))
    if args.model == "plain":
        return Plain(args.size)
    shapes = {"cnc": Companion.cnc_shop, "packml": Companion.packml_line}
    return shapes[args.model](seed=args.seed, count=args.machines, conditions=args.alarms)


async def _live(
    content: Companion | Plain, device: Device, *, interval_s: float, speed: float
) -> None:
    """Let the machines live at even times; what comes too late is left out, not made up for."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while True:
        due_s = max(due_s + interval_s, loop.time())
        await asyncio.sleep(due_s - loop.time())
        await content.advance(device, interval_s * speed, time_ns=time.time_ns())
        await device.tick()
