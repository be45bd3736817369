"""`chulian write` as a person runs it, and what the store says of it afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import sqlite3
import sys


class Done:
    """What a command gave."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def document(self):
        return json.loads(self.out)


async def write(agent, *words, answer=None, lang="en"):
    """Run `chulian write`; an answer is typed at a terminal, without one there is none."""
    inside, terminal = pty.openpty() if answer is not None else (None, asyncio.subprocess.DEVNULL)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "agent", "write", "-c", agent.config, "--lang", lang, *words,
        stdin=terminal, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        if inside is not None:
            os.write(inside, answer.encode() + b"\n")
        async with asyncio.timeout(30):
            out, err = await process.communicate()
    finally:
        if inside is not None:
            os.close(inside)
            os.close(terminal)
    return Done(process.returncode, out.decode(), err.decode())


def told(agent, kind="write"):
    """Give the events of a kind that are in the store, by time."""
    with contextlib.closing(sqlite3.connect(f"file:{agent.store}?mode=ro", uri=True)) as db:
        bodies = [
            body for (body,) in db.execute("SELECT body FROM rows WHERE kind = 1 ORDER BY seq")
        ]
    events = [json.loads(b"{" + bytes(body)) for body in bodies]
    return [event for event in events if event["type"] == kind]
