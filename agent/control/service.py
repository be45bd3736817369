"""The agent's half of writing: a desk and its socket, where a person enabled any point at all."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path
    from typing import Any

    from agent.config.plan import DevicePlan
    from agent.control.desk import Record

_log = logging.getLogger("chulian.control")


def writable_points(devices: Sequence[DevicePlan]) -> int:
    """Count the points a person enabled for writing."""
    groups = [group for device in devices for group in device.groups]
    return sum(tag.write is not None for group in groups for tag in group.tags)


@asynccontextmanager
async def taking_orders(
    devices: Sequence[DevicePlan],
    *,
    store: Path,
    session: Callable[[str], Any | None],
    record: Record,
) -> AsyncIterator[str]:
    """Take orders while inside the block; gives the socket's path.

    `session` gives the live session of a device that answers, so that bus and connection stay the
    collector's; `record` takes an event row.
    Without a point that may be written there is no socket, and the path is empty. A socket that
    cannot be made is told in the log and keeps nobody from collecting.
    """
    count = writable_points(devices)
    async with AsyncExitStack() as stack:
        if not count:
            yield ""
            return
        from agent.control.desk import Desk
        from agent.control.history import History
        from agent.control.place import history_path, socket_path
        from agent.control.server import listening

        path = socket_path(store)
        history = History(history_path(store))

        async def reach(device: str, *, again: bool) -> Any | None:  # noqa: ARG001 - the collector reconnects
            return session(device)

        desk = Desk(devices, reach=reach, record=record, history=history)
        try:
            await stack.enter_async_context(listening(desk, path))
        except OSError as error:
            _log.error("no orders to write are taken: %s: %s", path, error)
            yield ""
            return
        _log.warning("%d points may be written by a person at this box: %s", count, path)
        yield str(path)
