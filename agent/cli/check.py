"""`chulian check`: everything that is wrong with a configuration, and what it would read.

Offline: no machine and no broker is contacted. Exit 0 without findings, 1 with warnings only, 2
with errors.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from agent.cli.output import Exit, print_json, print_problems, table_lines
from agent.cli.plan_view import line_lines, lines_document, request_lines, requests_document
from agent.config.load import examine
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from argparse import Namespace

    from agent.cli.arguments import Parser
    from agent.config.load import Examined
    from agent.config.plan import DevicePlan, GroupPlan, Loaded

_TOTAL = Message(en="{} device(s), {} tag(s): usable", zh="{} 台设备，{} 个点位：配置可用")
_GROUP = Message(
    en="every {interval:g} s|{tags} tag(s) in {requests} request(s)|{per_minute:g} requests/min",
    zh="每 {interval:g} 秒|{tags} 个点位，{requests} 次请求|{per_minute:g} 次/分钟",
)
_MODES = {
    "poll": Message(en="poll", zh="轮询"),
    "subscribe": Message(en="subscribe", zh="订阅"),
}


def add_arguments(parser: Parser) -> None:
    """Add `--plan`, and say what the exit codes mean."""
    parser.add_argument(
        "--plan", action="store_true",
        help=parser.text(en="list every request: what, how many tags, its time on the line",
                         zh="列出每次请求：读什么、多少点位、占用线路多久"),
    )  # fmt: skip
    parser.epilog = parser.text(
        en="Exit code 0: nothing found; 1: warnings only; 2: errors.",
        zh="退出码 0：没有问题；1：只有警告；2：有错误。",
    )


def run(args: Namespace) -> int:
    """Print every problem, and, when the configuration can be used, what it reads."""
    examined = examine(args.config)
    if args.json:
        print_json(_document(examined))
    else:
        if examined.problems:
            print_problems(examined.problems, lang=args.lang, file=sys.stdout)
        if examined.loaded is not None:
            for line in summary_lines(examined.loaded, lang=args.lang, plan=args.plan):
                print(line)
            print(f"{args.config}: {total(examined.loaded, lang=args.lang)}")
    if examined.loaded is None:
        return Exit.USAGE
    return Exit.FINDINGS if examined.problems else Exit.OK


def summary_lines(loaded: Loaded, *, lang: str, plan: bool = False) -> list[str]:
    """Say what is read: each device with its groups, with `plan` every request, then the lines."""
    lines = []
    for device in loaded.devices:
        label = f"{device.id} {device.entry.name}".strip()
        lines.append(f"{label}  {device.entry.driver}  {device.link}")
        rows = [_group_cells(group, lang=lang) for group in device.groups]
        shown = table_lines(rows) if rows else []
        for group, line in zip(device.groups, shown, strict=True):
            lines.append(f"  {line}")
            if plan:
                lines.extend(f"    {one}" for one in request_lines(group, lang=lang))
    return lines + line_lines(loaded, lang=lang, every=plan)


def total(loaded: Loaded, *, lang: str) -> str:
    """Say in one sentence how many devices and tags are read."""
    tags = sum(len(group.tags) for device in loaded.devices for group in device.groups)
    return _TOTAL.text(lang).format(len(loaded.devices), tags)


def _group_cells(group: GroupPlan, *, lang: str) -> list[str]:
    mode = _mode(group)
    text = _GROUP.text(lang).format(
        interval=group.settings.interval_s,
        tags=len(group.tags),
        requests=group.plan.requests,
        per_minute=_requests_per_minute(group),
    )
    cells = [group.name, _MODES[mode].text(lang), *text.split("|")]
    return cells if mode == "poll" else [*cells[:-1], ""]


def _document(examined: Examined) -> dict[str, Any]:
    loaded = examined.loaded
    return {
        "usable": loaded is not None,
        "problems": [one.as_dict() for one in examined.problems],
        "devices": [_device_document(one) for one in loaded.devices] if loaded else [],
        "lines": lines_document(loaded) if loaded else [],
    }


def _device_document(device: DevicePlan) -> dict[str, Any]:
    return {
        "id": device.id,
        "name": device.entry.name,
        "driver": device.entry.driver,
        "link": str(device.link),
        "groups": [
            {
                "name": group.name,
                "mode": _mode(group),
                "interval_s": group.settings.interval_s,
                "tags": len(group.tags),
                "requests_per_read": group.plan.requests,
                "reads_per_minute": 60 / group.settings.interval_s,
                "requests_per_minute": _requests_per_minute(group),
                "requests": requests_document(group),
            }
            for group in device.groups
        ],
    }


def _mode(group: GroupPlan) -> str:
    return group.settings.mode.value if group.settings.mode is not None else "poll"


def _requests_per_minute(group: GroupPlan) -> float:
    """Requests the group costs its link; a subscription costs them once, not per minute."""
    if _mode(group) != "poll":
        return 0.0
    return group.plan.requests * 60 / group.settings.interval_s
