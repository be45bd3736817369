"""`chulian write DEVICE POINT VALUE`: shows what is there, asks, writes one point, reads it back.

Hands the order to the agent that runs on this box; where none runs it reaches the machine itself,
and says so. Exit codes: 0 done and confirmed, 1 not confirmed or refused by the device, 2 refused
by the rules or the configuration, 3 device or agent not reached. Standard output holds the result,
or one JSON document; questions go to standard error.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, Literal

from agent.cli.output import Exit, print_json
from agent.config.load import load
from agent.control.client import NoAgent, NoAnswer, hand_in
from agent.control.outcome import Fate, Order, Outcome
from agent.control.place import socket_path
from agent.control.server import local_user
from agent.store.outbox import StoreError, StoreLocked
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from pathlib import Path

    from agent.cli.arguments import Parser
    from agent.config.plan import Loaded
    from drivers.api import Value

    Op = Literal["preview", "write"]

_CODES: Final = {
    Fate.CONFIRMED: Exit.OK,
    Fate.ACCEPTED: Exit.OK,
    Fate.UNCONFIRMED: Exit.FINDINGS,
    Fate.REFUSED: Exit.USAGE,
    Fate.UNREACHABLE: Exit.UNREACHABLE,
}
_FATES: Final = {
    Fate.CONFIRMED: Message("done", "已完成"),
    Fate.ACCEPTED: Message("done", "已完成"),
    Fate.UNCONFIRMED: Message("NOT CONFIRMED", "未确认"),
    Fate.REFUSED: Message("refused, nothing was sent", "已拒绝，未发送"),
    Fate.UNREACHABLE: Message("not reached, nothing was sent", "联系不上设备，未发送"),
}
_DIRECT: Final = Message(
    "No agent is running: this command reaches the machine itself.",
    "采集代理未运行：本命令直接连接设备。",
)
_BUSY: Final = Message(
    "The agent is running and takes no orders: no point may be written in the configuration it was "
    "started with. Restart it after enabling the point.",
    "采集代理正在运行，但不接受写操作：它启动时的配置里没有允许写的点位。修改配置后请重启采集代理。",
)
_NO_RIGHT: Final = Message(
    "Only root and the user the agent runs as may write: {path}.",
    "只有 root 或运行采集代理的用户才能写：{path}。",
)
_NOT_AS_ROOT: Final = Message(
    "No agent is running, and root would leave files its user {owner} cannot open. Run it as that "
    "user: sudo -u {owner} chulian write ...",
    "采集代理没有运行；以 root 执行会留下 {owner} 用户打不开的文件。"
    "请改用该用户执行：sudo -u {owner} chulian write ...",
)
_NO_ANSWER: Final = Message(
    "The agent did not answer ({why}): the value may or may not have been written. Look at the "
    "machine.",
    "采集代理没有答复（{why}）：数值可能已写入，也可能没有。请到现场核对。",
)
_ASK: Final = Message("Write this to the machine? [y/N] ", "确认写入设备？[y/N] ")
_NOBODY: Final = Message(
    "Nobody can be asked (no terminal): add --yes to write without a question.",
    "当前没有终端，无法询问确认：如确需直接写入，请加 --yes。",
)
_DECLINED: Final = Message("Nothing was written.", "没有写入。")
_YES: Final = frozenset({"y", "yes", "是", "好"})


class _Stop(Exception):  # noqa: N818 - ends the command, with a sentence and a code
    def __init__(self, message: Message, code: Exit) -> None:
        super().__init__(message.en)
        self.message = message
        self.code = code


def add_arguments(parser: Parser) -> None:
    """Add which point, which value, and whether to ask."""
    text = parser.text
    parser.add_argument("device", metavar="DEVICE", help=text(en="id of the device", zh="设备编号"))
    parser.add_argument("point", metavar="POINT", help=text(en="name of the point", zh="点位名称"))
    parser.add_argument(
        "value", metavar="VALUE",
        help=text(en="value in the unit of the point; 1 or 0 for on and off",
                  zh="要写的值（换算后的工程值）；开关量填 1 或 0"),
    )  # fmt: skip
    parser.add_argument(
        "--yes", action="store_true",
        help=text(en="do not ask before writing", zh="不再询问，直接写入"),
    )  # fmt: skip
    parser.epilog = text(
        en="Exit code 0: written and confirmed; 1: not confirmed; 2: refused; 3: not reached.",
        zh="退出码 0：已写入并确认；1：未确认；2：被拒绝；3：联系不上。",
    )


def run(args: Namespace) -> int:
    """Show, ask, write, and tell what came of it."""
    loaded = load(args.config)
    order = Order(args.device, args.point, args.value, local_user(os.geteuid()))
    try:
        outcome = _ordered(args, order, lambda op: _handed_in(loaded, op, order, lang=args.lang))
    except _Stop as stop:
        if args.json:
            print_json({"error": {"en": stop.message.en, "zh": stop.message.zh}})
        else:
            print(stop.message.text(args.lang), file=sys.stderr)
        return stop.code
    if args.json:
        print_json(outcome.as_dict())
    else:
        print("\n".join(_result_lines(outcome, lang=args.lang)))
    return Exit.UNREACHABLE if outcome.code == "offline" else _CODES[outcome.fate]


def _ordered(args: Namespace, order: Order, hand: Callable[[Op], Outcome]) -> Outcome:
    """Preview, ask the person, write."""
    preview = hand("preview")
    if preview.fate is not Fate.READY:
        return preview
    for line in _preview_lines(preview, order, lang=args.lang):
        print(line, file=sys.stderr)
    if not args.yes:
        if not sys.stdin.isatty():
            raise _Stop(_NOBODY, Exit.USAGE)
        print(_ASK.text(args.lang), end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in _YES:
            raise _Stop(_DECLINED, Exit.FINDINGS)
    return hand("write")


def _handed_in(loaded: Loaded, op: Op, order: Order, *, lang: str) -> Outcome:
    """Give the order to the running agent, else carry it out here; raises `_Stop`."""
    path = socket_path(loaded.config.store.path)
    try:
        return hand_in(path, op, order)
    except NoAgent:
        pass
    except PermissionError:
        raise _Stop(_filled(_NO_RIGHT, path=path), Exit.USAGE) from None
    except NoAnswer as error:
        raise _Stop(_filled(_NO_ANSWER, why=error), Exit.FINDINGS) from None
    _refuse_root(path.parent, euid=os.geteuid())
    from dataclasses import replace

    from agent.cli.write_direct import carry_out

    try:
        outcome = replace(carry_out(loaded, op, order), direct=True)
    except StoreLocked:
        raise _Stop(_BUSY, Exit.UNREACHABLE) from None
    except StoreError as error:
        raise _Stop(Message(str(error), error.zh), Exit.USAGE) from None
    if op == "preview":
        print(_DIRECT.text(lang), file=sys.stderr)
    return outcome


def _refuse_root(folder: Path, *, euid: int) -> None:
    """Keep root from making files in the folder of another user; raises `_Stop`."""
    if euid == 0 and folder.is_dir() and (owner := folder.stat().st_uid) != 0:
        raise _Stop(_filled(_NOT_AS_ROOT, owner=local_user(owner)), Exit.USAGE)


def _preview_lines(preview: Outcome, order: Order, *, lang: str) -> list[str]:
    """Show what is there, what is to be, and within which limits."""
    zh = lang == "zh"
    lines = [
        f"{preview.device}  {preview.tag}  {preview.description}".rstrip(),
        f"  {'当前值' if zh else 'now'}: {_shown(preview.old, preview.unit)}",
        f"  {'新值' if zh else 'new'}: {_shown(preview.new, preview.unit)}",
    ]
    if preview.min is not None and preview.max is not None:
        step = f", {'步长' if zh else 'step'} {preview.step:g}" if preview.step else ""
        span = f"{preview.min:g} … {preview.max:g}{step}"
        lines.append(f"  {'允许范围' if zh else 'limits'}: {span}")
    return [*lines, f"  {'操作人' if zh else 'by'}: {order.who}"]


def _result_lines(outcome: Outcome, *, lang: str) -> list[str]:
    """Say what came of it, and what the device holds now."""
    fate = _FATES[outcome.fate].text(lang)
    lines = [f"{fate}: {outcome.device} {outcome.tag}: {outcome.message.text(lang)}"]
    if outcome.fate in {Fate.CONFIRMED, Fate.ACCEPTED, Fate.UNCONFIRMED}:
        held = "设备现值" if lang == "zh" else "the device holds"
        lines.append(f"  {held}: {_shown(outcome.after, outcome.unit)}")
    return lines


def _shown(value: Value, unit: str) -> str:
    """Write a value with its unit, ten digits at most; a dash where there is none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        value = int(value)
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return f"{text} {unit}".rstrip()


def _filled(text: Message, **facts: object) -> Message:
    """Fill the facts into a sentence."""
    return Message(text.en.format(**facts), text.zh.format(**facts))
