"""`chulian run`: the agent, under any supervisor; SIGTERM or Ctrl-C is a clean stop.

Exit codes: 0 after a clean stop, 2 when configuration or store cannot be used, 1 when the agent
could not go on: the fault leaves as a traceback, a supervisor starts it again, the data is on disk.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from agent.app import Agent
from agent.cli.output import Exit
from agent.config.load import load
from agent.store.outbox import StoreError
from agent.telemetry import logs
from agent.telemetry.notify import Notifier
from agent.web.server import BindError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from agent.config.plan import Loaded


STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What ends the agent in order: the supervisor's word, and Ctrl-C."""


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Take no arguments beyond the common ones."""


def run(args: argparse.Namespace) -> int:
    """Run the agent until it is told to stop."""
    loaded = load(args.config)
    try:
        settings = logs.parse(os.environ.get(logs.VARIABLE, ""))
    except ValueError as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    logs.set_up(settings, secrets=loaded.secrets.values())
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_main(loaded))
        # the loop's handlers went with the loop: a second SIGTERM must not kill what ends in order
        for name in STOP_SIGNALS:
            signal.signal(name, signal.SIG_IGN)
    except StoreError as error:
        print(error.zh if args.lang == "zh" else error, file=sys.stderr)
        return Exit.USAGE
    except BindError as error:
        print(error.message.text(args.lang), file=sys.stderr)
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
    loop = asyncio.get_running_loop()
    for name in STOP_SIGNALS:
        loop.add_signal_handler(name, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _told_to_reload)
    await Agent(loaded, notifier=Notifier.from_environment()).run(stop)


def _told_to_reload() -> None:
    logging.getLogger("chulian.app").warning("SIGHUP: restart to apply a changed configuration")
