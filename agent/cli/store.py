"""`chulian store status|verify`: what waits in the outbox, and whether its counters are true.

`status` asks the running agent first, else reads the file; `verify` counts every row of a store
that no agent has open. Nothing is changed.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from agent.cli.output import Exit, print_json
from agent.cli.running import ask
from agent.config.load import load
from agent.store.inspect import Report, report
from agent.store.outbox import StoreError
from agent.telemetry.status import Message

if TYPE_CHECKING:
    import argparse

    from agent.cli.arguments import Parser
    from agent.config.model import AgentConfig

_COUNTS = {
    "stored": Message("stored", "已入库"),
    "acked": Message("acknowledged", "已确认"),
    "rejected": Message("refused", "被拒收"),
    "dropped": Message("dropped", "已丢弃"),
    "waiting": Message("waiting", "待发送"),
}


def add_arguments(parser: Parser) -> None:
    """Add what to do."""
    parser.add_argument(
        "action",
        choices=["status", "verify"],
        help=parser.text(
            en="status: the counters; verify: count every row and check every page",
            zh="status：查看计数；verify：逐行核对并检查文件完整性",
        ),
    )


def run(args: argparse.Namespace) -> int:
    """Show the store; exit code 1 when something in it is not true."""
    config = load(args.config).config
    if args.action == "status":
        running = ask(config.http, "/api/status")
        if running is not None:
            return _show_running(args, running["store"])
    try:
        found = report(config.store.path)
    except StoreError as error:
        print(error.zh if args.lang == "zh" else error, file=sys.stderr)
        return Exit.USAGE
    return _show_file(args, config, found)


def _show_running(args: argparse.Namespace, store: dict[str, Any]) -> int:
    if args.json:
        print_json(store)
    else:
        _print_counts(store, lang=args.lang, balanced=store["balanced"])
    return Exit.OK if store["balanced"] else Exit.FINDINGS


def _show_file(args: argparse.Namespace, config: AgentConfig, found: Report) -> int:
    counts = {name: asdict(getattr(found.totals, name)) for name in _COUNTS}
    if args.json:
        extra = {"found": asdict(found.found), "integrity": found.integrity, "sound": found.sound}
        print_json({"epoch": found.epoch, **counts, **extra})
    else:
        zh = args.lang == "zh"
        print(f"{config.store.path} ({found.epoch})")
        _print_counts(counts, lang=args.lang, balanced=found.balanced)
        print(
            f"{'逐行核对' if zh else 'counted row by row'}: {found.found.rows} / "
            f"{found.found.values}, {'文件完整性' if zh else 'integrity'}: {found.integrity}"
        )
    return Exit.OK if found.sound else Exit.FINDINGS


def _print_counts(counts: dict[str, Any], *, lang: str, balanced: bool) -> None:
    rows, values = ("行", "值") if lang == "zh" else ("rows", "values")
    for name, title in _COUNTS.items():
        count = counts[name]
        print(f"  {title.text(lang):<14}{count['rows']:>14} {rows} {count['values']:>16} {values}")
    law = Message(
        "stored = acknowledged + refused + dropped + waiting",
        "已入库 = 已确认 + 被拒收 + 已丢弃 + 待发送",
    ).text(lang)
    print(f"  {law}: {'✓' if balanced else '✗'}")
