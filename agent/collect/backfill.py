"""Gaps filled from what a device kept itself: behind the live values, bounded, told when done.

One task per session, one span at a time, the oldest first. Live values have the way: a span waits
until they flow again, and its values come at the pace that the device's configuration allows. What
was given before is not given again (`agent.collect.continuity`). Never ends a session: a device
that cannot tell its past still tells its present.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from agent.looks import next_look
from agent.store.events import event_body
from agent.telemetry import logs
from drivers.api import DriverError, Remembers, SessionLost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.collect.continuity import Span
    from agent.collect.device import DeviceRun
    from agent.collect.group import GroupRun
    from drivers.api import Frame

LOOK_S: Final = 1.0
"""How often it is looked whether a span is due."""
DEADLINE_S: Final = 4 * 3600.0
"""A span that takes longer is given up."""

_HOUR_MS: Final = 3_600_000
_MS: Final = 1_000_000

_log = logging.getLogger("chulian.collect")


def begin(session: Any, devices: Sequence[DeviceRun]) -> None:
    """Settle which groups are to be filled in this session; called before they run."""
    remembers = isinstance(session, Remembers)
    for device in devices:
        history = device.plan.entry.history
        for group in device.groups:
            wanted = history.fill and (group.subscribed or history.polled)
            group.continuity.fills = remembers and wanted


async def fill_gaps(session: Any, devices: Sequence[DeviceRun]) -> None:
    """Fill every span that is due, until cancelled.

    Raises:
        SessionLost: the session is over; spans stay wanted from where they were left.
    """
    while True:
        for device, group, span in _due(devices):
            await _fill(session, device, group, span)
        await next_look(LOOK_S)


def _due(devices: Sequence[DeviceRun]) -> Iterator[tuple[DeviceRun, GroupRun, Span]]:
    for device in devices:
        for group in device.groups:
            for lost in group.continuity.drop_lost():
                _tell(device, group, lost, complete=False)
            span = group.continuity.due(time.monotonic()) if group.down_since is None else None
            if span is not None:
                yield device, group, span


async def _fill(session: Any, device: DeviceRun, group: GroupRun, span: Span) -> None:
    """Fill one span; it stays wanted only if the session ends meanwhile."""
    begun_ms = span.from_ms
    oldest_ms = span.to_ms - int(device.plan.entry.history.max_hours * _HOUR_MS)
    if span.from_ms < oldest_ms:
        span.from_ms, span.cut = oldest_ms, True
    found = complete = False
    try:
        async with asyncio.timeout(DEADLINE_S):
            found = await _pour(session, device, group, span)
        complete = not span.cut
    except SessionLost:
        raise
    except (DriverError, TimeoutError) as error:
        found = True
        with logs.about(device.id):
            _log.warning("gap of group %s not filled to its end: %s", group.plan.name, error)
    span.from_ms = begun_ms
    group.continuity.done(span)
    if found:
        group.continuity.proven = True
        device.keep_mark(group)  # a life that ends now does not fill it again
        _tell(device, group, span, complete=complete)


async def _pour(session: Any, device: DeviceRun, group: GroupRun, span: Span) -> bool:
    """Take what the device kept of a span; give whether it keeps anything at all."""
    found = False
    kept = session.history(
        group.plan.plan, from_ns=span.asked_from_ms * _MS, to_ns=span.to_ms * _MS
    )
    async with contextlib.aclosing(kept) as frames:
        async for frame in frames:
            found = True
            await _take(device, group, span, frame)
    return found


async def _take(device: DeviceRun, group: GroupRun, span: Span, frame: Frame) -> None:
    """Store what of a frame is news, and let the live values have their time."""
    news = span.news(frame) if frame.values else None
    if news is not None:
        await device.take_past(group, news)
        span.filled(news)
    else:
        span.reached_ms = max(span.reached_ms, frame.read_ns // _MS if not frame.values else 0)
    await asyncio.sleep(len(frame.values) / device.plan.entry.history.values_per_s)


def _tell(device: DeviceRun, group: GroupRun, span: Span, *, complete: bool) -> None:
    now_ms = time.time_ns() // _MS
    body = event_body(
        "filled",
        t_ms=now_ms,
        d=device.id,
        g=group.plan.name,
        **{"from": span.from_ms},
        to=span.to_ms,
        values=span.values,
        complete=complete,
    )
    device.sink.put_event(now_ms, body)
    group.ledger.filled(
        from_ms=span.from_ms, to_ms=span.to_ms, values=span.values, complete=complete
    )
    with logs.about(device.id):
        _log.info("gap of group %s filled with %d values of the past", group.plan.name, span.values)
