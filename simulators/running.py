"""How every simulator runs on the command line: says where it is, obeys, stops when told."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine


def require(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise ValueError with what should hold, unless it does."""
    if not holds:
        raise ValueError(what)


def announce(args: argparse.Namespace, where: dict[str, Any], *, hint: str = "") -> None:
    """Print where it listens; the first lines, so that a script can read them."""
    if args.json:
        print(json.dumps(where, ensure_ascii=False), flush=True)
        return
    for name, value in where.items():
        print(f"{name}: {value}", flush=True)
    if hint:
        print(hint, flush=True)


async def until(
    stopped: asyncio.Event,
    work: Coroutine[Any, Any, None] | None = None,
    command: Callable[[str], Awaitable[str]] | None = None,
) -> None:
    """Let the simulator run until it is stopped, or until its work fails."""
    from simulators.console import lines

    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(stopped.wait())]
    if work is not None:
        tasks.append(asyncio.create_task(work))
    if command is not None:
        tasks.append(asyncio.create_task(_obey(lines(), command, stopped)))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _obey(
    typed: AsyncIterator[str], command: Callable[[str], Awaitable[str]], stopped: asyncio.Event
) -> None:
    """Answer typed lines; when the input ends, go on running."""
    async for line in typed:
        print(await command(line), flush=True)
    await stopped.wait()
