"""The requests that learning adds to a read: they explain a refusal, or check a lesson.

Guarantees that a read which was answered is never lost by them: whatever ends an added request
ends the learning, not the read. Decides nothing: that is the learner's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from drivers.api import DriverError, NoReply, Silent
from drivers.modbus.learning.search import teaches
from drivers.modbus.points.decoder import Decoder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from drivers.modbus.blocks import Block
    from drivers.modbus.learning.search import Search
    from drivers.modbus.plan import Compiled, ModbusPlan
    from drivers.modbus.points.decoder import Decoded
    from drivers.modbus.wire.framing import Answer, ExceptionReply

Ask: TypeAlias = "Callable[[Block], Awaitable[Answer]]"
"""Runs the request for a block; raises what a session raises."""


async def explain(
    plan: ModbusPlan, compiled: Compiled, answers: Sequence[Answer], ask: Ask
) -> Decoded | None:
    """Find out what was refused and learn it; gives the frame's columns with what was read.

    None where nothing can be learned now.
    """
    search = plan.learner.search(plan, compiled, answers)
    if search is None:
        await check(plan, ask, clean=False)
        return None
    unread = dict(compiled.unread)
    cut: DriverError | None = None
    for block, answer in zip(compiled.blocks, answers, strict=True):
        if teaches(answer):
            unread |= dict.fromkeys(block.columns, answer.reason)
            cut = cut or await _explored(search, block, answer, ask)
    for piece in search.pieces:
        for column in piece.block.columns:
            unread.pop(column, None)
    decoder = Decoder(plan.points, [piece.block for piece in search.pieces], unread)
    decoded = decoder.decode([piece.answer for piece in search.pieces])
    plan.learner.take(search, plan, cut=cut)
    return decoded


async def _explored(
    search: Search, block: Block, refusal: ExceptionReply, ask: Ask
) -> DriverError | None:
    """Run the search for one block; gives the error that cut it short, if one did."""
    try:
        await _run(search.explore(block, refusal), ask)
    except DriverError as error:
        return error
    return None


async def _run(search: Generator[Block, Answer, None], ask: Ask) -> None:
    """Ask what a search wants to know until it is over."""
    try:
        block = next(search)
        while True:
            block = search.send(await ask(block))
    except StopIteration:
        return


async def approach(plan: ModbusPlan, ask: Ask) -> None:
    """Ask a short request first, where a block was met by silence or nothing else is to be asked.

    Raises:
        NoReply, Silent: the device is not there.
        SessionLost, Busy: as any read.
    """
    learner = plan.learner
    short = learner.silence.probe
    if short is not None:
        try:
            await ask(short)
        except (NoReply, Silent):
            learner.silence.probe_silent()
            raise
        learner.probe_answered(plan)
    elif plan.points and not plan.compiled.blocks:
        answer = await ask(learner.sign_of_life(plan))
        if isinstance(answer, bytes):
            learner.revived(plan)


async def check(plan: ModbusPlan, ask: Ask, *, clean: bool) -> None:
    """Ask the one request that is due beside a read, if any; `clean`: nothing was refused."""
    due = plan.learner.due(plan, clean=clean)
    if due is None:
        return
    answer: Answer | None = None
    try:
        answer = await ask(due.block)
    except (NoReply, Silent):
        answer = None
    except DriverError:
        return
    plan.learner.checked(due, answer, plan)
