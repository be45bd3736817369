"""`chulian run`: the agent, under any supervisor; SIGTERM or Ctrl-C is a clean stop.

Exit codes: 0 after a clean stop, 2 when configuration or store cannot be used, 1 when the agent
could not go on: the fault leaves as a traceback, a supervisor starts it again, the data is on disk.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from agent.app import Agent
from agent.cli.output import Exit
from agent.config.load import load
from agent.process.enough import missing
from agent.process.memory import keep_one_heap
from agent.process.signals import heeded
from agent.process.threads import end_process
from agent.store.outbox import StoreError
from agent.telemetry import logs
from agent.telemetry.notify import Notifier
from agent.web.server import BindError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from agent.config.plan import Loaded


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Take no arguments beyond the common ones."""


def run(args: argparse.Namespace) -> int:
    """Run the agent until it is told to stop."""
    keep_one_heap()
    if (short := missing()) is not None:
        print(short.text(args.lang), file=sys.stderr)
        return Exit.FINDINGS
    before = threading.enumerate()
    loaded = load(args.config)
    try:
        settings = logs.parse(os.environ.get(logs.VARIABLE, ""))
    except ValueError as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    logs.set_up(settings, secrets=loaded.secrets.values())
    return end_process(_live(loaded, args.lang), before=before)


def _live(loaded: Loaded, lang: str) -> int:
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_main(loaded))
    except StoreError as error:
        print(error.zh if lang == "zh" else error, file=sys.stderr)
        return Exit.USAGE
    except BindError as error:
        print(error.message.text(lang), file=sys.stderr)
        return Exit.USAGE
    return Exit.OK


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Give uvloop's loop where it is installed, asyncio's own where not or where asked for."""
    if os.environ.get("CHULIAN_LOOP") == "asyncio":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    factory: Any = uvloop.new_event_loop
    return factory  # type: ignore[no-any-return]


async def _main(loaded: Loaded) -> None:
    stop = asyncio.Event()
    agent = Agent(loaded, notifier=Notifier.from_environment())
    with heeded(on_stop=stop.set, on_reload=agent.reload):
        await agent.run(stop)
