"""`chulian run`: the agent, under any supervisor; SIGTERM or Ctrl-C is a clean stop.

The configuration is read by a process of its own, and first of all: what the agent needs to run is
imported beside it, in functions, not before.

Exit codes: 0 after a clean stop, 2 when configuration or store cannot be used, 1 when the agent
could not go on: the fault leaves as a traceback, a supervisor starts it again, the data is on disk.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

from agent.cli.output import Exit
from agent.config.apart import LOAD, ReaderError, ask, load
from agent.process.enough import missing
from agent.process.later import import_later
from agent.process.memory import keep_one_heap
from agent.telemetry import logs
from drivers.reads import leave_reading_to_another, reads_settings

if TYPE_CHECKING:
    import argparse
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

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
    leave_reading_to_another()
    try:
        loaded = _loaded(args.config)
    except ReaderError as error:
        print(error.message.text(args.lang), file=sys.stderr)
        return Exit.FINDINGS
    try:
        settings = logs.parse(os.environ.get(logs.VARIABLE, ""))
    except ValueError as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    logs.set_up(settings, secrets=loaded.secrets.values())
    from agent.process.threads import end_process

    return end_process(_live(loaded, args.lang), before=before)


def _loaded(path: Path) -> Loaded:
    """Have the configuration read by another process, and import meanwhile what will run by it."""
    if reads_settings():  # the models are made already: this is no process of its own
        return load(path)
    question = ask(LOAD, path)
    import_later("urllib.request")  # paho names it, for proxies
    import_module("agent.app")
    import_module("agent.web.server")
    loaded: Loaded = question.answer()
    return loaded


def _live(loaded: Loaded, lang: str) -> int:
    import asyncio

    from agent.store.outbox import StoreError
    from agent.web.server import BindError

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
    import asyncio

    from agent.app import Agent
    from agent.process.signals import heeded
    from agent.telemetry.notify import Notifier

    stop = asyncio.Event()
    agent = Agent(loaded, notifier=Notifier.from_environment())
    with heeded(on_stop=stop.set, on_reload=agent.reload):
        await agent.run(stop)
