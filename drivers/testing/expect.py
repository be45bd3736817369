"""How the battery states a finding, and the waits it judges by.

Every wait is bounded; every finding says which point of the battery, what was seen, and what to do.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from drivers.api import DriverError

ErrorT = TypeVar("ErrorT", bound="DriverError")

PROMPT_S = 1.0
"""A cancelled call must be gone within this; a person who stops the agent waits no longer."""
MARGIN_S = 0.5
"""What a driver's deadline may be late by."""
_POLL_S = 0.01


class Violation(AssertionError):  # noqa: N818 - what pytest prints, and it is not an error
    """A driver breaks the contract."""


def require(ok: object, what: str) -> None:
    """Raise a `Violation` that says `what`, unless `ok`."""
    if not ok:
        raise Violation(what)


@asynccontextmanager
async def deadline(within_s: float, *, doing: str) -> AsyncIterator[None]:
    """Require the block to end in time."""
    try:
        async with asyncio.timeout(within_s) as limit:
            yield
    except TimeoutError as error:
        if limit.expired():
            raise Violation(f"{doing}: not done within {within_s:.2f} s") from error
        raise


async def must_raise(
    call: Coroutine[object, object, object],
    error: type[ErrorT],
    *,
    within_s: float,
    doing: str,
) -> ErrorT:
    """Await `call` in a task of its own and give the `error` it raises in time.

    Raises:
        Violation: it returned, was late, or raised anything else (which is chained).
    """
    task = asyncio.ensure_future(call)
    done, _ = await asyncio.wait({task}, timeout=within_s)
    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=PROMPT_S)
        raise Violation(f"{doing}: nothing happened within {within_s:.2f} s: bound every await")
    require(not task.cancelled(), f"{doing}: raised CancelledError though nobody cancelled")
    seen = task.exception()
    require(seen is not None, f"{doing}: no error; {error.__name__} was due")
    if not isinstance(seen, error):
        raise Violation(f"{doing}: raised {seen!r}; {error.__name__} was due") from seen
    return seen


async def must_cancel(
    call: Coroutine[object, object, object], *, turns: int, pause_s: float = 0.0, doing: str
) -> None:
    """Start `call`, let the loop turn, cancel it, and require it to be gone promptly.

    A call that has finished by itself before the cancellation is left to its result.
    """
    task = asyncio.ensure_future(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    if pause_s:
        await asyncio.wait({task}, timeout=pause_s)
    if not task.cancel():
        task.result()
        return
    done, _ = await asyncio.wait({task}, timeout=PROMPT_S)
    require(done, f"{doing}: still running {PROMPT_S:g} s after it was cancelled")
    if not task.cancelled():
        seen = task.exception()
        raise Violation(f"{doing}: cancelled, but ended with {seen!r}") from seen


async def eventually(condition: Callable[[], bool], *, within_s: float = 2.0) -> bool:
    """Tell whether `condition` comes true in time, looking every 10 ms."""
    try:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - descriptors and threads tell no event
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return condition()
    return True
