"""The stages of the agent's data path, each as a pulse that proves it moves or has reason to wait.

What a stage waits for with right: collecting for machines and for room in the store, the intake for
a disk that refuses, sending for a broker, the page for nobody asking.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.process.progress import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.collect.supervisor import LinkSupervisor
    from agent.store.writer import Writer
    from agent.telemetry.status import DestinationStatus
    from agent.web.server import Server

SESSION_S = 150.0
"""A session may take so long to be closed, waited for and opened again, all deadlines added up."""


def store_pulse(writer: Writer) -> Pulse:
    """Tell whether the store's thread goes round; it does so when idle, and between two tries."""
    return Pulse(writer.progress_s, waits=False)


def intake_pulse(writer: Writer, *, commit_interval_s: float) -> Pulse:
    """Tell whether what was collected is being committed."""
    status = writer.status()
    waits = not status.intake_frames or status.problem is not None
    return Pulse(status.commits, waits=waits, patience_s=commit_interval_s)


def collect_pulse(links: Sequence[LinkSupervisor], *, room: Callable[[], bool]) -> Pulse:
    """Tell whether anything is collected; one link that hangs hurts no other and is no reason."""
    patience = [_owed_s(link) for link in links]
    owed = [one for one in patience if one is not None]
    moved = tuple(
        (link.bus.deadline.moved_s, sum(d.reads + d.failures for d in link.devices))
        for link in links
    )
    waits = len(owed) < len(links) or not links or not room()
    return Pulse(moved, waits=waits, patience_s=max(owed, default=0.0))


def publish_pulse(
    status: DestinationStatus, *, holds: bool, waiting_rows: int, max_delay_s: float
) -> Pulse:
    """Tell whether rows that wait are being sent, while a broker is there that takes them."""
    waits = (
        not status.connected
        or status.in_flight > 0
        or status.unconfirmed > 0
        or status.problem is not None
        or holds
        or not waiting_rows
    )
    return Pulse((status.connects, status.sent_messages), waits=waits, patience_s=max_delay_s)


def page_pulse(server: Server | None) -> Pulse:
    """Tell whether requests are being answered; without a request there is nothing to do."""
    return Pulse(0, waits=True) if server is None else Pulse(server.served, not server.serving)


def _owed_s(link: LinkSupervisor) -> float | None:
    """Give how long a link that owes something may still take; None while it owes nothing.

    Between two sessions that is everything; in one, a read that is due. A read under way has its
    deadline; one that is due and not under way has none, as nothing is to be waited for.
    """
    if link.session is None:
        return SESSION_S
    now_s = time.monotonic()
    groups = [group for device in link.devices for group in device.groups]
    due = [g for g in groups if g.live.is_set() and g.due_s is not None and g.due_s < now_s]
    if not due or any(g.subscribed for g in groups):
        return None
    return link.bus.deadline.limit_s if any(g.reader is not None for g in groups) else 0.0
