"""The agent with one debug hook: `python hooked_agent.py HOOK run -c FILE`.

A hook blocks one stage as soon as a file named `block` lies in the working directory, or sends the
process a SIGTERM at one point of its start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path

from agent.cli.main import main

BLOCK = Path("block")


def collect():
    """No read ends any more, whoever cancels it."""
    from agent.collect.deadline import Deadline

    read = Deadline.read

    async def stuck(self, session, group):
        while BLOCK.exists():
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue
        return await read(self, session, group)

    Deadline.read = stuck


def intake():
    """The store's thread goes round and never commits."""
    from agent.store.writer import Writer

    due_s = Writer._due_s
    Writer._due_s = lambda self: float("inf") if BLOCK.exists() else due_s(self)


def store():
    """A commit hangs in the disk."""
    from agent.store.sqlite import Outbox

    commit = Outbox.commit

    def hang(self, batch):
        if BLOCK.exists():
            threading.Event().wait()
        return commit(self, batch)

    Outbox.commit = hang


def publish():
    """The sender never finds anything to send."""
    from agent.publish.outflow import Outflow

    following = Outflow._next
    Outflow._next = lambda self: None if BLOCK.exists() else following(self)


def page():
    """An answer never leaves."""
    from agent.web.connection import Connection

    send = Connection._send

    async def stuck(self, *args, **kwargs):
        if BLOCK.exists():
            await asyncio.Event().wait()
        await send(self, *args, **kwargs)

    Connection._send = stuck


def loop():
    """A callback holds the event loop."""
    from agent.telemetry import notify

    feed = notify.feed_watchdog

    async def holding(*args):
        asyncio.get_running_loop().call_later(0.05, hold)
        await feed(*args)

    def hold():
        if BLOCK.exists():
            time.sleep(60)
        asyncio.get_running_loop().call_later(0.05, hold)

    from agent.process import vitals

    vitals.feed_watchdog = holding


def term_at(module):
    """Send the process a SIGTERM when a module begins to be imported."""

    class Finder:
        @staticmethod
        def find_spec(name, *_):
            if name == module:
                os.kill(os.getpid(), signal.SIGTERM)

    sys.meta_path.insert(0, Finder)


def hurry():
    """Have stages judged within a second or two instead of half a minute."""
    from agent.process import progress
    from agent.store import writer

    progress.STALLED_S, progress.LOOK_S, progress.AWAY_S = 1.5, 0.2, 60.0
    writer.HEARTBEAT_S = 0.2


if __name__ == "__main__":
    hook = sys.argv.pop(1)
    if hook.startswith("term:"):
        term_at(hook.removeprefix("term:"))
    else:
        hurry()
        globals()[hook]()
    sys.exit(main())
