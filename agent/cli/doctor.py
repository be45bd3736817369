"""`chulian doctor`: what is wrong with this gateway, and what to do about it.

Asks the running agent over its page where one runs, and looks itself where none does: disk, clock,
memory, store, the way to each platform, every device. Everything at once, each with a deadline;
what was found is printed as it comes. Publishes nothing, writes to no machine.

Exit 0 all well, 1 something to look at, 2 configuration wrong, 3 something does not answer.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

from agent.cli.losses_view import spans_of
from agent.cli.output import print_json
from agent.cli.running import address, ask
from agent.config.load import examine
from agent.config.problems import ConfigError
from agent.doctor import box, devices, platform, sealing, store
from agent.doctor.finding import Finding, Level, exit_code
from agent.doctor.wear import wear
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable

    from agent.cli.arguments import Parser
    from agent.config.plan import Loaded

_SIGNS: Final = {Level.OK: "✓", Level.WARN: "!", Level.BAD: "✗", Level.AWAY: "✗"}
_RUNS: Final = Message("an agent runs and was asked", "采集程序正在运行，结果来自该程序")
_RUNS_NOT: Final = Message("no agent runs; looked by ourselves", "采集程序未运行，由本命令直接检查")
_USABLE: Final = Message("{} devices, usable", "{} 台设备，配置可用")
_CHECK: Final = Message("See `chulian check`.", "详见 `chulian check`。")
_SUM: Final = Message(
    "{bad} to look at, {ok} well. {sign} = look here",
    "{bad} 项需要处理，{ok} 项正常。{sign} 表示需要查看",
)


def add_arguments(parser: Parser) -> None:
    """Add what may be left out, and say what the exit codes mean."""
    parser.add_argument(
        "--no-devices", action="store_true",
        help=parser.text(en="do not ask the machines", zh="不询问设备"),
    )  # fmt: skip
    parser.add_argument(
        "--no-platform", action="store_true",
        help=parser.text(en="do not go the way to the platform", zh="不检查到平台的连接"),
    )  # fmt: skip
    parser.epilog = parser.text(
        en="Exit code 0: all well; 1: something to look at; 2: configuration wrong; "
        "3: something does not answer.",
        zh="退出码 0：一切正常；1：有需要查看的项；2：配置有误；3：有设备、平台或程序无应答。",
    )


def run(args: Namespace) -> int:
    """Look at everything and print what was found."""
    examined = examine(args.config)
    if examined.loaded is None:
        raise ConfigError(examined.problems)
    found: list[Finding] = []

    def report(finding: Finding) -> None:
        found.append(finding)
        if not args.json:
            print("\n".join(_lines(finding, lang=args.lang)), flush=True)

    loaded = examined.loaded
    warnings = len(examined.problems)
    seen = Message(_USABLE.en.format(len(loaded.devices)), _USABLE.zh.format(len(loaded.devices)))
    level = Level.WARN if warnings else Level.OK
    report(
        Finding("config", level, str(args.config), seen, _CHECK if warnings else Message("", ""))
    )
    running = ask(loaded.config.http, "/api/status")
    _say_who(args, running is not None)
    _look_at_box(loaded, report)
    if running is not None:
        _each(wear(loaded.config), report)
        _ask_agent(args, loaded, running, report)
    else:
        asyncio.run(_look_outside(args, loaded, report))
    _finish(args, found, running=running is not None)
    return exit_code(found)


def _say_who(args: Namespace, running: bool) -> None:  # noqa: FBT001 - private, one caller
    if not args.json:
        print((_RUNS if running else _RUNS_NOT).text(args.lang), file=sys.stderr)


def _look_at_box(loaded: Loaded, report: Callable[[Finding], None]) -> None:
    config = loaded.config
    _each(box.disk(config), report)
    _each(box.clock(config), report)
    _each(box.memory(config), report)


def _ask_agent(
    args: Namespace, loaded: Loaded, status: dict[str, Any], report: Callable[[Finding], None]
) -> None:
    """Take everything from the agent's own status; go the way to a platform it does not reach."""
    where = address(loaded.config.http)
    _each(store.of_agent(status["store"], spans_of(status["store"]), where=where), report)
    _each(sealing.of_agent(status["rate"], where=where), report)
    away = set()
    for destination in status["destinations"] if not args.no_platform else ():
        _each(platform.of_agent(destination), report)
        if not destination["connected"]:
            away.add(destination["name"])
    if away:
        asyncio.run(_ways(loaded, report, login=False, names=away))
    for device in status["devices"] if not args.no_devices else ():
        report(devices.of_agent(device))


async def _look_outside(args: Namespace, loaded: Loaded, report: Callable[[Finding], None]) -> None:
    path = loaded.config.store.path
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            _in_thread(lambda: [*store.of_file(path), *sealing.of_file(path)], report)
        )
        if not args.no_platform:
            tasks.create_task(_ways(loaded, report, login=True))
        if not args.no_devices:
            tasks.create_task(devices.ask_all(loaded.devices, report))


async def _in_thread(
    look: Callable[[], Iterable[Finding]], report: Callable[[Finding], None]
) -> None:
    _each(await asyncio.to_thread(look), report)


async def _ways(
    loaded: Loaded,
    report: Callable[[Finding], None],
    *,
    login: bool,
    names: set[str] | None = None,
) -> None:
    async def go(at: int) -> None:
        destination = loaded.config.publish[at]
        password = loaded.secrets.get(destination.name)
        way = platform.reach(loaded.config, destination, password=password, login=login)
        _each(await way, report)

    async with asyncio.TaskGroup() as tasks:
        for at, destination in enumerate(loaded.config.publish):
            if names is None or destination.name in names:
                tasks.create_task(go(at))


def _each(findings: Iterable[Finding], report: Callable[[Finding], None]) -> None:
    for finding in findings:
        report(finding)


def _lines(finding: Finding, *, lang: str) -> list[str]:
    lines = [f"{_SIGNS[finding.level]} {finding.where}: {finding.seen.text(lang)}"]
    todo = finding.todo.text(lang)
    return [*lines, f"    → {todo}"] if todo else lines


def _finish(args: Namespace, found: list[Finding], *, running: bool) -> None:
    if args.json:
        print_json({"running": running, "findings": [one.as_dict() for one in found]})
        return
    bad = sum(one.level is not Level.OK for one in found)
    text = _SUM.text(args.lang).format(bad=bad, ok=len(found) - bad, sign="! ✗")
    print(text, file=sys.stderr)
