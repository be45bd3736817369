"""`chulian ledger`: the declared ledger (台账): shown, checked, its history, how it is edited.

show and check read the configuration file; history and verify read the journal beside the store;
export and template write a spreadsheet; import takes one into the configuration file, whose other
lines stay as they are; login asks the running agent for a code to edit it on the page. No machine
is asked, the agent need not be stopped.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli import ledger_changes, ledger_view
from agent.cli.ledger_tables import export, not_written, refuse, template
from agent.cli.output import Exit, print_json, print_problems
from agent.clock.clock import plausible
from agent.kpi.days import Calendar
from agent.ledger.edit import Signed, apply, read_config
from agent.ledger.entry import Source
from agent.ledger.findings import batch_findings, findings
from agent.ledger.importing import prepare_import
from agent.ledger.journal import Journal, JournalError, differences, journal_path
from agent.ledger.records import Declared
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.cli.arguments import Parser
    from agent.config.model import AgentConfig
    from agent.config.problems import Problem
    from agent.ledger.history import History

_NS_PER_MS = 1_000_000
_OWN = ("enterprise", "locations", "processes", "equipment")


def add_arguments(parser: Parser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    say = parser.text
    show = actions.add_parser("show", help=say(en="the ledger as a table", zh="以表格显示台账"))
    check = actions.add_parser(
        "check", help=say(en="problems of the ledger, and what an assessor will ask about",
                          zh="检查台账，并列出评估人员会追问的变更"))  # fmt: skip
    history = actions.add_parser(
        "history", help=say(en="who changed what, and when", zh="变更记录：谁、何时、改了什么")
    )
    verify = actions.add_parser(
        "verify", help=say(en="whether the history is whole", zh="核验变更记录是否完整、未被改动")
    )
    export = actions.add_parser(
        "export", help=say(en="the ledger as a spreadsheet", zh="把台账导出为表格")
    )
    take = actions.add_parser(
        "import", help=say(en="take a spreadsheet into the configuration file",
                           zh="把表格中的台账写入配置文件"))  # fmt: skip
    template = actions.add_parser(
        "template", help=say(en="an empty spreadsheet to fill in", zh="生成空白台账表格")
    )
    login = actions.add_parser(
        "login", help=say(en="a code to edit the ledger on the gateway's page",
                          zh="获取验证码，登录网关页面修改台账"))  # fmt: skip
    for action in (show, check, history, verify, export, take, login):
        action.add_argument("-c", "--config", type=Path, default=argparse.SUPPRESS, metavar="FILE",
                            help=say(en="configuration file", zh="配置文件"))  # fmt: skip
    for action in (show, check, history, verify, export, take, template, login):
        action.add_argument(
            "--json",
            action="store_true",
            default=argparse.SUPPRESS,
            help=say(en="answer as one JSON document", zh="以 JSON 输出结果"),
        )
    show.add_argument("--as-of", type=_day(parser), metavar="DATE",
                      help=say(en="day the ledger is of (default: today)",
                               zh="台账日期（默认今天）"))  # fmt: skip
    verify.add_argument("--set-aside", action="store_true",
                        help=say(en="keep a damaged history under another name, begin a new one",
                                 zh="记录损坏时：原文件改名保留，另起新的记录"))  # fmt: skip
    for action in (export, template):
        action.add_argument("-o", "--output", type=Path, required=True, metavar="TABLE",
                            help=say(en=".xlsx, or .csv (one file per sheet)",
                                     zh=".xlsx，或 .csv（每个工作表一个文件）"))  # fmt: skip
    take.add_argument("table", type=Path, help=say(en="spreadsheet, .xlsx or .csv",
                                                   zh="台账表格，.xlsx 或 .csv"))  # fmt: skip
    take.add_argument("--by", default="", metavar="NAME",
                      help=say(en="who signs for the change (default: the user logged in)",
                               zh="变更签字人（默认为当前登录用户）"))  # fmt: skip
    take.add_argument(
        "--dry-run",
        action="store_true",
        help=say(en="only tell what would change", zh="只列出变更，不写入"),
    )
    parser.set_defaults(as_of=None)


def run(args: argparse.Namespace) -> int:
    """Run the action that was chosen; without one show the ledger."""
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "show": _show, "check": _check, "history": _history, "verify": _verify,
        "export": export, "import": _import, "template": template, "login": _login,
    }  # fmt: skip
    try:
        return actions[args.action or "show"](args)
    except JournalError as error:
        return refuse(args, error.message)


def _show(args: argparse.Namespace) -> int:
    config, _ = read_config(args.config)
    now = _today(config)
    view = ledger_view.View(Declared.of(config), args.as_of or now, config.rate)
    if args.as_of is not None and args.as_of != now:
        view = view.of_history(_past(config, args.config))
    if args.json:
        print_json(ledger_view.document(view))
    else:
        print("\n".join(ledger_view.lines(view, lang=args.lang)))
    return Exit.OK


def _check(args: argparse.Namespace) -> int:
    config, warnings = read_config(args.config)
    own = [one for one in warnings if one.where.startswith(_OWN)]
    journal = _journal(config, args.config)
    known = journal.read()
    history = ledger_changes.replayed(journal, known)
    declared = Declared.of(config)
    found = list(findings(history))
    pending = differences(known.state, declared.records()) if known.entries else []
    if pending:
        batch = ledger_changes.pending_batch(history, declared, _today(config))
        found += batch_findings(batch, history.machines)
    if args.json:
        print_json(ledger_changes.check_document(own, found, known.bad, pending=len(pending)))
    else:
        _print_check(args, own, known.bad is not None)
        shown = ledger_changes.finding_lines(found, lang=args.lang)
        if not known.entries and known.bad is None:
            shown = ledger_changes.history_lines(history, None, zone="UTC", lang=args.lang)
        print("\n".join([*shown, *ledger_changes.pending_lines(len(pending), lang=args.lang)]))
    return Exit.FINDINGS if own or found or known.bad else Exit.OK


def _print_check(args: argparse.Namespace, own: list[Problem], damaged: bool) -> None:  # noqa: FBT001 - one fact
    if own:
        print_problems(own, lang=args.lang, file=sys.stdout)
    if damaged:
        print(ledger_changes.DAMAGED.text(args.lang))


def _history(args: argparse.Namespace) -> int:
    config, _ = read_config(args.config)
    journal = _journal(config, args.config)
    known = journal.read()
    history = ledger_changes.replayed(journal, known)
    if args.json:
        print_json(ledger_changes.history_document(history, known.bad))
    else:
        zone = config.gateway.timezone
        print(
            "\n".join(ledger_changes.history_lines(history, known.bad, zone=zone, lang=args.lang))
        )
    return Exit.OK if known.bad is None else Exit.FINDINGS


def _verify(args: argparse.Namespace) -> int:
    config, _ = read_config(args.config)
    journal = _journal(config, args.config)
    known = journal.read()
    kept = None
    if known.bad is not None and args.set_aside:
        now_ns = _now_ns()
        kept = journal.set_aside(at_ms=now_ns // _NS_PER_MS, day=_today(config), who=_user())
    if args.json:
        print_json(ledger_changes.verify_document(journal.path, known, kept))
    else:
        print("\n".join(ledger_changes.verify_lines(journal.path, known, kept, lang=args.lang)))
    return Exit.OK if known.bad is None else Exit.FINDINGS


def _import(args: argparse.Namespace) -> int:
    edit = prepare_import(args.config, args.table)
    config, past = edit.config, _past(edit.config, args.config)
    if not args.dry_run:
        now_ns = _now_ns()
        if not plausible(now_ns):
            return refuse(args, Message(en="the clock of this box is not set: set it first",
                                         zh="本机时钟未校准，请先校时"))  # fmt: skip
        signed = Signed(args.by or _user(), Source.SPREADSHEET, now_ns // _NS_PER_MS,
                        _today(config))  # fmt: skip
        try:
            apply(edit, _journal(config, args.config), signed)
        except OSError as error:
            return refuse(args, not_written(args.config, error))
    found = ledger_changes.edit_findings_of(edit, _today(config), past.machines)
    if args.json:
        print_json(ledger_changes.import_document(edit, found, written=not args.dry_run))
    else:
        if edit.warnings:
            print_problems(edit.warnings, lang=args.lang, file=sys.stdout)
        lines = ledger_changes.import_lines(edit, found, written=not args.dry_run, lang=args.lang)
        print("\n".join(lines))
    return Exit.FINDINGS if found else Exit.OK


def _login(args: argparse.Namespace) -> int:
    from agent.cli.ledger_login import login

    return login(args)


def _journal(config: AgentConfig, file: Path) -> Journal:
    """Give the journal beside the store; relative paths are relative to the file's folder."""
    return Journal(journal_path(file.absolute().parent / config.store.path))


def _past(config: AgentConfig, file: Path) -> History:
    journal = _journal(config, file)
    return ledger_changes.replayed(journal, journal.read())


def _today(config: AgentConfig) -> date:
    return Calendar(config.gateway.timezone).day(_now_ns()).date


def _now_ns() -> int:
    return time.time_ns()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        return "?"


def _day(parser: Parser) -> Callable[[str], date]:
    def day(text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                parser.text(en=f"{text!r} is no date; write it as 2026-07-31",
                            zh=f"“{text}”不是日期，请写成 2026-07-31 的形式")
            ) from None  # fmt: skip

    return day
