"""The root of the command line: finds the command, parses its arguments, runs it.

A command is a module `agent.cli.<name>` with `add_arguments(parser)` and `run(args) -> int`; it
is imported only when it is called. Before `run` is called, `args` holds `lang` ("zh" or "en"),
and, where `COMMANDS` says so, `json` (bool) and `config` (Path). `--lang` may stand anywhere. A
`ConfigError` that leaves `run` is printed here, every problem of it, and ends with exit code 2.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from agent.cli.arguments import Parser, default_config
from agent.cli.output import LANGUAGES, Exit, choose_language, print_problems, without_language
from agent.config.problems import ConfigError
from agent.process.signals import leave_at_once
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its module, its one-line help, and the common options it takes."""

    module: str
    help: Message
    config: bool = True
    """Takes `-c FILE`."""
    json: bool = True
    """Takes `--json`."""


COMMANDS = {
    "run": Command(
        "agent.cli.run",
        Message(en="run the agent until SIGTERM or Ctrl-C",
                zh="运行采集代理，直到 SIGTERM 或 Ctrl-C"),
        json=False,
    ),
    "check": Command(
        "agent.cli.check",
        Message(en="check a configuration offline: every problem at once",
                zh="离线检查配置：一次列出全部问题"),
    ),
    "schema": Command(
        "agent.cli.schema",
        Message(en="print the JSON Schema of the configuration, for editors",
                zh="输出配置的 JSON Schema，供编辑器补全"),
        config=False, json=False,
    ),
    "points": Command(
        "agent.cli.points",
        Message(en="point tables: import, export, template", zh="点表：导入、导出、空白模板"),
        config=False,
    ),
    "browse": Command(
        "agent.cli.browse",
        Message(en="what a machine offers, and a point table made of it",
                zh="浏览设备能提供的数据，并生成点表"),
        json=False,
    ),
    "rate": Command(
        "agent.cli.rate",
        Message(en="the key-process CNC rate, declared and verified",
                zh="关键工序数控化率：申报值与数据验证值"),
    ),
    "oee": Command(
        "agent.cli.oee",
        Message(en="time in state and effectiveness of each machine, by shift",
                zh="各设备各班次的状态时间与综合效率（OEE）"),
    ),
    "ledger": Command(
        "agent.cli.ledger",
        Message(en="the ledger: show, check, history, spreadsheet, login",
                zh="设备台账：查看、检查、变更记录、表格导入导出、页面登录"),
    ),
    "store": Command(
        "agent.cli.store",
        Message(en="the outbox: what is waiting, and is it whole", zh="本地存储：待发数据与完整性"),
    ),
    "doctor": Command(
        "agent.cli.doctor",
        Message(en="what is wrong with this gateway, and what to do",
                zh="检查网关：哪里有问题，该怎么处理"),
    ),
    "write": Command(
        "agent.cli.write",
        Message(en="write one point that was enabled for it, and read it back",
                zh="写一个已允许写的点位，并回读核对"),
    ),
    "cert": Command(
        "agent.cli.cert",
        Message(en="OPC UA certificates: list, trust, export, explain",
                zh="OPC UA 证书：查看、信任、导出、解释代码"),
    ),
    "simulate": Command(
        "agent.cli.simulate",
        Message(en="simulated machines, with faults on demand", zh="仿真设备，可按需注入故障"),
        config=False, json=False,
    ),
    "demo": Command(
        "agent.cli.demo",
        Message(en="everything on one machine, one command", zh="一条命令，在本机演示全流程"),
        config=False,
    ),
}  # fmt: skip
"""Every command by name, in the order in which help lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code (see `agent.cli.output.Exit`)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is None and "run" in words:
        leave_at_once()
    lang = choose_language(words, os.environ)
    _never_fail_to_print()
    words = without_language(words)
    root = _root_parser(lang, version=_version() if "--version" in words else "")
    chosen = root.parse_args(words)
    if chosen.command is None:
        root.print_help(sys.stderr)
        return Exit.USAGE
    if chosen.command not in COMMANDS:
        _unknown_command(root, chosen.command)
    return _run(chosen.command, chosen.rest, lang=lang)


def _run(name: str, words: Sequence[str], *, lang: str) -> int:
    command = COMMANDS[name]
    module = import_module(command.module)
    parser = Parser(prog=f"chulian {name}", description=command.help.text(lang), lang=lang)
    _add_common(parser, command)
    module.add_arguments(parser)
    args = parser.parse_args(words)
    args.lang = lang
    try:
        return int(module.run(args))
    except ConfigError as error:
        print_problems(error.problems, lang=lang, as_json=getattr(args, "json", False))
        return Exit.USAGE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has left: nobody to tell
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _root_parser(lang: str, *, version: str) -> Parser:
    about = Message(
        en="Chulian edge agent: machines of a small factory, on the provincial platform, proven.",
        zh="楚联边缘采集代理：把小工厂的设备数据可靠地送上省级平台，并证明关键工序数控化率。",
    )
    names = "\n".join(f"  {name:<10}{one.help.text(lang)}" for name, one in COMMANDS.items())
    title = Message(en="commands", zh="命令").text(lang)
    parser = Parser(
        prog="chulian",
        usage="chulian [--lang zh|en] COMMAND ...",
        description=about.text(lang),
        epilog=f"{title}:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        lang=lang,
    )
    parser.add_argument("--version", action="version", version=f"chulian {version}",
                        help=parser.text(en="print the version", zh="显示版本"))  # fmt: skip
    _add_language(parser)
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _add_common(parser: Parser, command: Command) -> None:
    if command.config:
        parser.add_argument(
            "-c", "--config", type=Path, metavar="FILE",
            default=default_config(),
            help=parser.text(en="configuration file (default: CHULIAN_CONFIG, else agent.yaml)",
                             zh="配置文件（默认取 CHULIAN_CONFIG，否则为 agent.yaml）"),
        )  # fmt: skip
    if command.json:
        parser.add_argument(
            "--json", action="store_true",
            help=parser.text(en="answer as one JSON document", zh="以 JSON 输出结果"),
        )  # fmt: skip
    _add_language(parser)


def _add_language(parser: Parser) -> None:
    parser.add_argument(
        "--lang", choices=LANGUAGES,
        help=parser.text(en="language (default: CHULIAN_LANG, else by LANG)",
                         zh="语言（默认取 CHULIAN_LANG，否则看 LANG）"),
    )  # fmt: skip


def _unknown_command(root: Parser, name: str) -> NoReturn:
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = (
        root.text(en=f"; did you mean {near[0]}?", zh=f"；是否想输入 {near[0]}？") if near else ""
    )
    known = ", ".join(COMMANDS)
    root.error(
        root.text(
            en=f"there is no command {name!r}{hint} (commands: {known})",
            zh=f"没有命令 {name!r}{hint}（可用命令：{known}）",
        )
    )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("chulian")
    except PackageNotFoundError:
        return "0 (not installed)"


def _never_fail_to_print() -> None:
    """Let a console that cannot show a character show its code instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
