"""`chulian browse`: what a machine offers, and a point table made of it.

Standard output holds the result; progress and advice go to standard error. Exit codes: 0 done, 2
the command line, configuration or start address is wrong, 3 the machine was not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.browse import show
from agent.browse.gather import Bounds, Gathered, gather
from agent.browse.propose import Proposals, propose
from agent.browse.target import NoTarget, Target, device_target, setting, url_target
from agent.cli.output import Exit, table_lines
from agent.collect.problems import problem_of
from agent.config.tables import write_csv, write_workbook
from agent.telemetry.status import Message
from drivers.api import AddressError

if TYPE_CHECKING:
    from argparse import Namespace

    from agent.cli.arguments import Parser

FORMATS: Final = ("table", "json", "csv", "xlsx")
MOST_POINTS: Final = 10_000

_WHICH: Final = Message(
    "Say what to browse: a URL such as opc.tcp://192.168.1.20:4840, or -d DEVICE.",
    "请指明要浏览什么：URL（如 opc.tcp://192.168.1.20:4840）或 -d 设备编号。",
)
_ONLY_URL: Final = Message(
    "--username, --password and --set belong to a URL; a device has its settings in the file.",
    "--username、--password、--set 只用于 URL；设备的设置写在配置文件里。",
)
_NEEDS_FILE: Final = Message(
    "A workbook needs a file: -o points.xlsx", "xlsx 必须写入文件：-o points.xlsx"
)
_NOT_WRITTEN: Final = Message("{}: {}", "无法写入 {}：{}")
_PROGRESS: Final = Message("{} points…", "已找到 {} 个点位…")
_INTERRUPTED: Final = Message("Interrupted: what was found so far.", "已中断，以下是已找到的内容。")
_FULL: Final = Message(
    "There is more than {} points: go deeper with --at, or raise --max.",
    "点位超过 {} 个：请用 --at 指定起点，或调大 --max。",
)
_NOTHING: Final = Message("Nothing that can be read was found.", "没有找到可读取的点位。")
_UNUSABLE: Final = Message(
    "{} points cannot stand in a table and were left out.", "有 {} 个点位无法写入点表，已略去。"
)
_SUMMARY: Final = Message(
    "{} points, {} of them recognised. As a point table: add -o points.xlsx",
    "共 {} 个点位，其中 {} 个已识别。要生成点表，请加 -o points.xlsx",
)
_WRITTEN: Final = Message(
    "{}: {} points, {} of them recognised. Delete what you do not need, then name the file in the "
    "device: points: {}",
    "{}：{} 个点位，其中 {} 个已识别。删去不需要的行，再在设备里写 points: {}",
)
_SEVERAL: Final = Message(
    "{} machines on one server, told apart by the first part of the names. For a table of one of "
    "them, with plain names: --at and the address of the machine.",
    "一台服务器上有 {} 台设备，点位名称的第一段用来区分。"
    "只要其中一台时，用 --at 指定该设备的地址，名称就不带前缀。",
)
_PIN: Final = Message(
    "There is no configuration yet: after comparing, trust it for this command with "
    "--set server_certificate={}",
    "还没有配置文件：核对无误后，可以只为本次浏览信任它，在命令后加 --set server_certificate={}",
)


def add_arguments(parser: Parser) -> None:
    """Add what to browse, how far, and what to make of it."""
    text = parser.text
    parser.add_argument("url", nargs="?", metavar="URL",
                        help=text(en="address of the server", zh="服务器地址"))  # fmt: skip
    parser.add_argument("-d", "--device", metavar="ID",
                        help=text(en="a device of the configuration instead",
                                  zh="改为浏览配置文件中的设备"))  # fmt: skip
    parser.add_argument("--at", metavar="ADDRESS",
                        help=text(en="where to begin (default: everything)",
                                  zh="从哪个地址开始（默认：全部）"))  # fmt: skip
    parser.add_argument("--depth", type=_positive, metavar="N",
                        help=text(en="levels below the start (default: all)",
                                  zh="向下几层（默认：全部）"))  # fmt: skip
    parser.add_argument("--max", type=_positive, metavar="N", default=MOST_POINTS,
                        help=text(en=f"most points (default: {MOST_POINTS})",
                                  zh=f"最多点位数（默认 {MOST_POINTS}）"))  # fmt: skip
    parser.add_argument("--format", choices=FORMATS,
                        help=text(en="table, json; point tables: csv, xlsx (default: by the file)",
                                  zh="table、json，或点表 csv、xlsx（默认看文件名）"))  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="FILE",
                        help=text(en="write to a file", zh="写入文件"))  # fmt: skip
    parser.add_argument("--username", metavar="NAME",
                        help=text(en="user name at the server", zh="登录用户名"))  # fmt: skip
    parser.add_argument("--password", metavar="env:NAME|file:PATH",
                        help=text(en="where the password is, never the password itself",
                                  zh="密码所在（环境变量或文件），不能直接写密码"))  # fmt: skip
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", default=[], type=_setting,
                        help=text(en="any other setting of a device, such as security=none",
                                  zh="设备的其他设置，例如 security=none"))  # fmt: skip
    parser.epilog = text(
        en="Exit code 0: done; 2: wrong address or settings; 3: not reached.",
        zh="退出码 0：完成；2：地址或设置有误；3：联系不上。",
    )


def run(args: Namespace) -> int:
    """Walk, and show or write what was found."""
    if (args.url is None) == (args.device is None):
        return _say(_WHICH, args, Exit.USAGE)
    if args.device is not None and (args.username or args.password or args.set):
        return _say(_ONLY_URL, args, Exit.USAGE)
    kind = _format(args)
    if kind == "xlsx" and args.output is None:
        return _say(_NEEDS_FILE, args, Exit.USAGE)
    try:
        target = _target(args)
    except NoTarget as error:
        return _say(error.message, args, Exit.USAGE)
    logging.getLogger("asyncua").addHandler(logging.NullHandler())
    bounds = Bounds(args.at, args.depth, args.max)
    found = asyncio.run(gather(target, bounds, on_found=_Progress(args.lang)))
    failed = _failed(found, target, args)
    if failed is not None and not found.points:
        return failed
    proposals = propose(found.points)
    for line in _notes(found, proposals, most=args.max):
        print(line.text(args.lang), file=sys.stderr)
    written = _write(proposals, kind, args)
    return written if written != Exit.OK else failed or Exit.OK


def _target(args: Namespace) -> Target:
    if args.device is not None:
        return device_target(args.config, args.device)
    settings: dict[str, Any] = dict(args.set)
    for key in ("username", "password"):
        if getattr(args, key) is not None:
            settings[key] = getattr(args, key)
    return url_target(args.url, settings, config=args.config, environ=os.environ)


def _failed(found: Gathered, target: Target, args: Namespace) -> Exit | None:
    """Say what ended the walk early, and give its exit code; None where nothing did."""
    if found.error is None:
        return None
    if isinstance(found.error, AddressError):
        first = found.error.problems[0]
        wrong = Message(f"--at {first.address}: {first.why}. {first.hint}",
                        f"--at {first.address}：{first.why_zh}。{first.hint_zh}")  # fmt: skip
        return _say(wrong, args, Exit.USAGE)
    problem = problem_of(found.error, str(target.link))
    print(problem.text(args.lang), file=sys.stderr)
    shown = _refused_certificate(problem.en, target, args)
    if shown is not None:
        print(_filled(_PIN, shown).text(args.lang), file=sys.stderr)
    return Exit.UNREACHABLE


def _refused_certificate(problem: str, target: Target, args: Namespace) -> Path | None:
    """Give the file of the certificate a problem is about, where no configuration can trust it."""
    if target.pki is None or args.config.is_file():
        return None
    from agent.certs.folder import State, entries

    refused = [one for one in entries(target.pki) if one.state is State.REJECTED]
    return next((one.path for one in refused if one.facts.short in problem), None)


def _notes(found: Gathered, proposals: Proposals, *, most: int) -> list[Message]:
    notes = []
    if found.interrupted:
        notes.append(_INTERRUPTED)
    if found.full:
        notes.append(_filled(_FULL, most))
    if not proposals.rows:
        notes.append(_NOTHING)
    if proposals.unusable:
        notes.append(_filled(_UNUSABLE, proposals.unusable))
    if len(proposals.machines) > 1:
        notes.append(_filled(_SEVERAL, len(proposals.machines)))
    return notes


def _write(proposals: Proposals, kind: str, args: Namespace) -> Exit:
    """Write the result to the file or to standard output."""
    known = sum(row.known for row in proposals.rows)
    data = _result(proposals, kind, lang=args.lang)
    if args.output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        if kind == "table" and proposals.rows:
            summary = _filled(_SUMMARY, len(proposals.rows), known)
            print(summary.text(args.lang), file=sys.stderr)
        return Exit.OK
    try:
        args.output.write_bytes(data)
    except OSError as error:
        return _say(_filled(_NOT_WRITTEN, args.output, error.strerror), args, Exit.USAGE)
    told = _filled(_WRITTEN, args.output, len(proposals.rows), known, args.output.name)
    print(told.text(args.lang), file=sys.stderr)
    return Exit.OK


def _result(proposals: Proposals, kind: str, *, lang: str) -> bytes:
    tags = [row.tag for row in proposals.rows]
    if kind == "xlsx":
        return write_workbook(tags, lang=lang)
    if kind == "csv":
        return write_csv(tags, lang=lang)
    if kind == "json":
        return f"{json.dumps(show.document(proposals), ensure_ascii=False, indent=2)}\n".encode()
    lines: list[str] = []
    for title, rows in show.sections(proposals, lang=lang):
        lines += [title, *(f"  {line}" for line in table_lines(rows)), ""]
    return "\n".join(lines).encode(sys.stdout.encoding or "utf-8", "backslashreplace")


def _format(args: Namespace) -> str:
    suffix = args.output.suffix.lower().removeprefix(".") if args.output is not None else ""
    chosen = args.format or (suffix if suffix in FORMATS else "table")
    return str(chosen)


def _say(message: Message, args: Namespace, code: Exit) -> Exit:
    print(message.text(args.lang), file=sys.stderr)
    return code


def _filled(text: Message, *facts: object) -> Message:
    return Message(text.en.format(*facts), text.zh.format(*facts))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _setting(text: str) -> tuple[str, Any]:
    try:
        return setting(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: KEY=VALUE") from None


class _Progress:
    """Counts on one line of a terminal, by the hundred."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._shown = sys.stderr.isatty()
        self._next = 0

    def __call__(self, points: int) -> None:
        """Show how many points there are."""
        if self._shown and points >= self._next:
            self._next = points + 100
            print(f"\r{_PROGRESS.text(self._lang).format(points)} ", end="", file=sys.stderr)
