"""Writing while no agent runs: the command opens store and link itself, under the same rules.

Holds the store's lock meanwhile, so that no agent starts and asks on the same bus; the attempt is
put on record in the store and sent by the next run.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Literal

from agent.control.desk import Desk
from agent.control.history import History
from agent.control.place import history_path
from agent.kpi.evidence import CONTROL_METRICS, RULES
from agent.publish.announce import digest, meta_content
from agent.store.outbox import Batch, Kind, NewRow
from agent.store.sqlite import Outbox

if TYPE_CHECKING:
    from agent.config.plan import DevicePlan, Loaded
    from agent.control.outcome import Order, Outcome

OPEN_DEADLINE_S = 60.0
"""Opening a link takes no longer, whatever the driver does."""

_log = logging.getLogger("chulian.control")


def carry_out(loaded: Loaded, op: Literal["preview", "write"], order: Order) -> Outcome:
    """Take an order to the machine and wait for what came of it.

    Raises:
        StoreLocked: an agent runs.
        StoreError: the store cannot be opened.
    """
    config = loaded.config
    outbox = Outbox.open(config.store)
    _log.addHandler(logging.NullHandler())  # the terminal gets the outcome, in its own language
    try:
        content = meta_content(config, loaded.devices, rules=RULES, control_metrics=CONTROL_METRICS)
        outbox.meta_version(digest(content))
        rows: list[NewRow] = []
        try:
            return asyncio.run(_carry_out(loaded, op, order, rows))
        finally:
            if rows:
                outbox.commit(Batch(rows=rows))
    finally:
        outbox.close(clean=outbox.opened_clean)


async def _carry_out(
    loaded: Loaded, op: Literal["preview", "write"], order: Order, rows: list[NewRow]
) -> Outcome:
    async with _Links(loaded.devices) as links:
        desk = Desk(
            loaded.devices,
            reach=links.session,
            record=lambda t_ms, body: rows.append(NewRow(Kind.EVENT, t_ms, 0, body)),
            history=History(history_path(loaded.config.store.path)),
        )
        return await (desk.write(order) if op == "write" else desk.preview(order))


class _Links(AsyncExitStack):
    """Opens the link of a device when it is first asked for, and anew when it failed."""

    def __init__(self, devices: tuple[DevicePlan, ...]) -> None:
        super().__init__()
        self._devices = {device.id: device for device in devices}
        self._open: Any | None = None

    async def session(self, device: str, *, again: bool) -> Any:
        """Give a session on the device's link; raises ConnectError or AccessError."""
        if self._open is None or again:
            self._open = None
            await self.aclose()
            plan = self._devices[device]
            async with asyncio.timeout(OPEN_DEADLINE_S):
                self._open = await self.enter_async_context(plan.driver.open(plan.link))
        return self._open
