"""The simulators on the command line: `python -m simulators` and `chulian simulate`.

Each runs until Ctrl-C or SIGTERM, prints its addresses first, and stops cleanly with exit code 0;
2 when it cannot start (a port that is taken, a wrong argument).
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from simulators.modbus.options import add_options
from simulators.opcua.options import add_options as add_opcua_options
from simulators.running import announce, require, until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXIT_USAGE = 2
_ELSEWHERE = {
    "broker": "simulators.mqtt.__main__",
    "platform": "simulators.platform.__main__",
}
"""Simulators that are programs of their own: all arguments are theirs."""
_HELP = {
    "workshop": ("the whole simulated shop", "整个仿真车间"),
    "modbus": (
        "Modbus devices on every transport, sane or misbehaving",
        "各种通信方式的 Modbus 设备，可按需制造故障",
    ),
    "opcua": (
        "OPC UA machines shaped by companion models, sane or misbehaving",
        "按配套规范建模的 OPC UA 设备，可按需制造故障",
    ),
    "proxy": ("a TCP proxy that misbehaves on demand", "可按需制造故障的 TCP 代理"),
    "broker": ("an MQTT broker", "MQTT 服务器"),
    "platform": ("a stand-in for the platform", "平台替身"),
}


def add_arguments(parser: argparse.ArgumentParser, *, language: str) -> None:
    """Add one sub-command per simulator, with help in `zh` or `en`."""

    def text(en: str, zh: str) -> str:
        return zh if language == "zh" else en

    parsers = parser.add_subparsers(dest="what", required=True, metavar="|".join(_HELP))
    made = {}
    for name, both in _HELP.items():
        if name in _ELSEWHERE:  # a prefix nobody types: options are words too, and passed on
            other = parsers.add_parser(name, help=text(*both), add_help=False, prefix_chars="\0")
            other.add_argument("rest", nargs=argparse.REMAINDER)
        else:
            made[name] = parsers.add_parser(name, help=text(*both))
            _add_common(made[name], text)
    _add_workshop(made["workshop"], text)
    _add_counting(made["modbus"], text, default_port=5020)
    add_options(made["modbus"], text)
    _add_counting(made["opcua"], text, default_port=4840)
    add_opcua_options(made["opcua"], text)
    proxy = made["proxy"]
    proxy.add_argument("target", help=text("where to forward, host:port", "转发目标 host:port"))
    proxy.add_argument(
        "--port", type=int, default=0, help=text("port; 0 picks one", "端口；0 为自动选择")
    )


def run(args: argparse.Namespace) -> int:
    """Run the chosen simulator until it is told to stop; give the exit code."""
    if args.what in _ELSEWHERE:
        code: int = import_module(_ELSEWHERE[args.what]).main(args.rest)
        return code
    try:
        asyncio.run(_run(args))
    except (OSError, ValueError) as error:
        print(f"cannot start / 无法启动: {error}", file=sys.stderr)
        return EXIT_USAGE
    return 0


async def _run(args: argparse.Namespace) -> None:
    runners = {"workshop": _workshop, "modbus": _modbus, "opcua": _opcua, "proxy": _proxy}
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # not on Windows; Ctrl-C raises there
            loop.add_signal_handler(number, stopped.set)
    await runners[args.what](args, stopped)


def _add_common(parser: argparse.ArgumentParser, text: Callable[[str, str], str]) -> None:
    parser.add_argument("--host", default="127.0.0.1", help=text("address to bind", "监听地址"))
    parser.add_argument(
        "--json",
        action="store_true",
        help=text("print addresses as one JSON document", "以 JSON 输出地址"),
    )
    parser.add_argument("--lang", choices=("zh", "en"), default=argparse.SUPPRESS)


def _add_workshop(parser: argparse.ArgumentParser, text: Callable[[str, str], str]) -> None:
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help=text("same seed, same values", "随机种子，相同则数值相同"),
    )
    parser.add_argument(
        "--speed", type=float, default=3.0, help=text("simulated seconds per second", "时间倍率")
    )
    parser.add_argument(
        "--tick-s", type=float, default=0.5, help=text("s per tick", "刷新周期（秒）")
    )
    parser.add_argument(
        "--opcua-port", type=int, default=4840, help=text("port; 0 picks one", "端口；0 为自动选择")
    )
    parser.add_argument(
        "--modbus-port",
        type=int,
        default=5020,
        help=text("port; 0 picks one", "端口；0 为自动选择"),
    )
    parser.add_argument("--username", default="", help=text("refuse anonymous", "不允许匿名"))
    parser.add_argument("--password", default="", help=text("of that user", "对应密码"))


def _add_counting(
    parser: argparse.ArgumentParser, text: Callable[[str, str], str], *, default_port: int
) -> None:
    parser.add_argument(
        "--port",
        type=int,
        default=default_port,
        help=text("port; 0 picks one", "端口；0 为自动选择"),
    )
    parser.add_argument("--size", type=int, default=1000, help=text("how many", "数量"))
    parser.add_argument(
        "--interval-ms", type=float, default=1000, help=text("change interval", "变化周期（毫秒）")
    )


async def _workshop(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    from simulators.console import SHOP_HELP, command_shop
    from simulators.workshop import Workshop

    require(args.speed > 0 and args.tick_s > 0, "--speed, --tick-s > 0")
    async with Workshop(
        seed=args.seed,
        speed=args.speed,
        tick_s=args.tick_s,
        host=args.host,
        opcua_port=args.opcua_port,
        modbus_port=args.modbus_port,
        username=args.username,
        password=args.password,
    ) as shop:
        language = getattr(args, "lang", "en")
        where: dict[str, Any] = {
            "opcua_url": shop.opcua_url,
            "modbus": f"{shop.modbus_host}:{shop.modbus_port}",
        }
        if args.json:
            where["configuration"] = shop.describe(language=language)
        announce(args, where, hint=SHOP_HELP[language == "zh"])
        await until(stopped, shop.run(), lambda line: command_shop(shop, line))


async def _modbus(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    from simulators.modbus.program import run as run_modbus

    await run_modbus(args, stopped)


async def _opcua(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    from simulators.opcua.program import run as run_opcua

    await run_opcua(args, stopped)


async def _proxy(args: argparse.Namespace, stopped: asyncio.Event) -> None:
    from simulators.console import PROXY_HELP, command_proxy
    from simulators.proxy import TcpProxy

    host, _, port = args.target.rpartition(":")
    require(bool(host) and port.isdecimal(), f"target host:port, not {args.target!r}")
    async with TcpProxy(host, int(port), host=args.host, port=args.port) as proxy:
        where = {"proxy": f"{proxy.host}:{proxy.port}", "target": args.target}
        announce(args, where, hint=PROXY_HELP[getattr(args, "lang", "en") == "zh"])
        await until(stopped, command=lambda line: command_proxy(proxy, line))


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and run; what `python -m simulators` calls."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    add_arguments(parser, language="en")
    return run(parser.parse_args(argv))
