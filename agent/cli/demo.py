"""`chulian demo`: a simulated workshop, a broker, the agent and a platform stand-in, at once.

The agent is a process of its own, started as in a factory; killed, it is started again, so that a
visitor can try to lose data. The platform stand-in counts for itself, from what arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.demo_agent import AgentProcess
from agent.cli.demo_view import Moment, make_view
from agent.cli.output import Exit, print_json
from agent.store.inspect import report
from agent.telemetry.status import Message

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from agent.cli.arguments import Parser
    from simulators.platform.platform import Platform

GATEWAY = "demo"
PAGE_PORT = 8642
ARRIVAL_S = 10.0
"""How long, at the end, the platform may take to receive what was acknowledged."""
_MISSING = Message(
    "The demo needs the extra 'demo': pip install 'chulian[demo]'",
    "演示功能需要安装附加组件:pip install 'chulian[demo]'",
)


class DemoError(Exception):
    """The agent of the demo does not start; its own words."""


def add_arguments(parser: Parser) -> None:
    """Add the demo's options."""
    parser.add_argument(
        "--seconds", type=float, metavar="N",
        help=parser.text(en="end after so long (default: Ctrl-C)",
                         zh="运行多少秒后结束（默认按 Ctrl-C 结束）"),
    )  # fmt: skip
    parser.add_argument(
        "--port", type=int, default=PAGE_PORT, metavar="PORT",
        help=parser.text(en="port of the status page (taken: another one)",
                         zh="状态页端口（被占用时自动换一个）"),
    )  # fmt: skip
    parser.add_argument(
        "--speed", type=float, default=4.0, metavar="X",
        help=parser.text(en="how fast the workshop lives", zh="车间时间流逝的倍速"),
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N",
        help=parser.text(en="another number, another day in the workshop",
                         zh="随机种子，换一个数就是另一天的车间"),
    )  # fmt: skip
    parser.add_argument(
        "--folder", type=Path, metavar="DIR",
        help=parser.text(en="keep configuration and store here (default: a temporary folder)",
                         zh="配置与存储文件的目录（默认为临时目录）"),
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the demo; exit code 0 when nothing was lost, 1 when something was."""
    try:
        import simulators.platform.platform  # noqa: F401 - asks whether the extra is installed
    except ImportError as error:
        print(f"{_MISSING.text(args.lang)} ({error})", file=sys.stderr)
        return Exit.USAGE
    # peers vanish here because visitors are invited to kill the agent
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    with contextlib.ExitStack() as stack:
        if args.folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chulian-demo-")))
        else:
            folder = args.folder
            folder.mkdir(parents=True, exist_ok=True)
        try:
            summary = asyncio.run(_demo(args, folder))
        except DemoError as error:
            print(error, file=sys.stderr)
            return Exit.USAGE
    if args.json:
        print_json(summary)
    else:
        make_view(args.lang).summary(summary)
    return Exit.OK if summary["ok"] else Exit.FINDINGS


async def _demo(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from simulators.mqtt.broker import Broker
    from simulators.platform.platform import Platform
    from simulators.workshop import Workshop

    port = _free_port(args.port)
    async with (
        Broker() as broker,
        Workshop(seed=args.seed, speed=args.speed) as shop,
        Platform(broker.url) as platform,
    ):
        config = folder / "agent.yaml"
        content = demo_config(shop.describe(language=args.lang), broker.url, port)
        write_config(config, content, lang=args.lang)
        async with AgentProcess(config, port) as agent:
            await _watch(args, agent, platform)
        if agent.refused:
            raise DemoError(agent.refused)
        found = report(folder / "chulian.db")
        await _arrived(platform, found.totals.acked.rows)
        return _summary(agent, platform, found.totals, sound=found.sound)


def demo_config(shop: Mapping[str, Any], broker_url: str, page_port: int) -> dict[str, Any]:
    """Give the demo's configuration; `shop` holds devices, processes and equipment."""
    return {
        "gateway": {"id": GATEWAY, "name": "楚联演示网关", "timezone": "Asia/Shanghai"},
        "enterprise": {
            "id": "demo-shop",
            "name": "示范机械加工厂",
            "uscc": "91420106MA4K00010G",
            "region": "420106",
            "industry": "C3484",
            "industry_kind": "discrete",
        },
        "store": {"path": "chulian.db", "max_mb": 200, "commit_interval_s": 0.5},
        "publish": [{"name": "platform", "url": broker_url, "reconnect_max_s": 2}],
        "clock": {"synchronised_file": "agent.yaml"},  # a demo's time is as good as any
        "http": {"port": page_port},
        "rate": {"period_days": 1, "min_days": 1, "emit_every_s": 5},
        **shop,
    }


def write_config(path: Path, document: Mapping[str, Any], *, lang: str) -> None:
    """Write a configuration as an integrator would: the file, and a point table per device."""
    from ruamel.yaml import YAML

    from agent.config.model import TagEntry
    from agent.config.tables import write_csv

    (path.parent / "points").mkdir(exist_ok=True)
    devices = []
    for device in document["devices"]:
        name = f"points/{document['gateway']['id']}-{device['id']}.csv"
        tags = [TagEntry.model_validate(tag) for tag in device["tags"]]
        (path.parent / name).write_bytes(write_csv(tags, lang=lang))
        devices.append({k: v for k, v in device.items() if k != "tags"} | {"points": name})
    yaml = YAML()
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump({**document, "devices": devices}, stream)


async def _watch(args: argparse.Namespace, agent: AgentProcess, platform: Platform) -> None:
    """Show progress once a second until the time is over or somebody ends it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    ends_s = float("inf") if args.seconds is None else time.monotonic() + args.seconds
    view = None if args.json else make_view(args.lang)
    with view or contextlib.nullcontext():
        while not (stop.is_set() or agent.refused) and time.monotonic() < ends_s:
            status = await agent.status()
            if view is not None:
                moment = Moment(agent.url, agent.pid, agent.restarts, status, platform.summary())
                view.show(moment)
            left_s = min(1.0, max(0.0, ends_s - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), left_s)


async def _arrived(platform: Platform, rows: int) -> None:
    """Wait until the platform has what the broker acknowledged."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ARRIVAL_S):
            await platform.until(lambda: platform.summary()["rows"] >= rows)


def _summary(
    agent: AgentProcess, platform: Platform, totals: Any, *, sound: bool
) -> dict[str, Any]:
    """Set what the store counted beside what the platform counted."""
    names = ("stored", "acked", "rejected", "dropped", "waiting")
    counts = {n: getattr(totals, n) for n in names}
    seen = platform.summary()
    gateway = seen["gateways"].get(GATEWAY, {})
    arrived = {"rows": seen["rows"], "values": seen["values"]}
    acked = {"rows": counts["acked"].rows, "values": counts["acked"].values}
    faultless = not (seen["holes"] or seen["schema_errors"])
    return {
        "ok": sound and arrived == acked and faultless and counts["stored"].rows > 0,
        "store": {n: {"rows": c.rows, "values": c.values} for n, c in counts.items()},
        "law_holds": sound,
        "platform": {
            **arrived,
            "agrees": arrived == acked,
            "duplicates": seen["duplicates"],
            "holes": seen["holes"],
            "schema_errors": seen["schema_errors"],
            "devices": gateway.get("devices", []),
        },
        "rate": gateway.get("rate"),
        "agent_restarts": agent.restarts,
        "peak_rss_mb": agent.peak_rss_mb,
    }


def _free_port(wanted: int) -> int:
    """Give the wanted port, or a free one if it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    return wanted
