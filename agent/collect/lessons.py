"""What plans learn while they are read, kept for a later life of the program.

Guarantees: a plan gets its lessons back before its first read; what it learns is handed in at the
latest `KEEP_EVERY_S` later and at the end; lessons of groups that are gone are forgotten. A lesson
that is too long is not kept, which is told once. Never looks into a lesson: it is the driver's own.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from agent.looks import next_look
from agent.telemetry import logs
from drivers.api import Learns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agent.config.plan import DevicePlan
    from agent.store.outbox import LessonRow

KEEP_EVERY_S = 10.0
"""Plans are looked at this seldom: a lesson is learned once, reads are made all the time."""
LESSON_CHARS = 65_536
"""Longest lesson kept: some thousand bad addresses."""

_log = logging.getLogger("chulian.collect")


class LessonBook:
    """The lessons of every plan that learns."""

    def __init__(
        self,
        devices: Iterable[DevicePlan],
        kept: Sequence[LessonRow],
        *,
        keep: Callable[[Sequence[LessonRow]], None],
        more: Mapping[tuple[str, str], Learns] | None = None,
    ) -> None:
        """Take the plans, what was kept, where to hand in, and `more` that learns, by its key."""
        self._keep = keep
        self._kept = {(device, group): text for device, group, text, _ in kept}
        self._plans: dict[tuple[str, str], Learns] = {}
        known: set[tuple[str, str]] = set()
        for device in devices:
            known.add((device.id, ""))
            for group in device.groups:
                key = (device.id, group.name)
                if isinstance(group.plan, Learns):
                    known.add(key)
                    self._plans[key] = group.plan
                    self._recall(key, group.plan)
        for key, learns in (more or {}).items():
            known.add(key)
            self._plans[key] = learns
            self._recall(key, learns)
        self._gone = sorted(self._kept.keys() - known)

    async def run(self) -> None:
        """Hand in what was learned, now and then and at the end, until cancelled."""
        now_ms = time.time_ns() // 1_000_000
        if self._gone:
            self._keep([(device, group, "", now_ms) for device, group in self._gone])
            self._gone = []
        try:
            while self._plans:
                await next_look(KEEP_EVERY_S)
                self.keep()
        finally:
            self.keep()

    def keep(self) -> None:
        """Hand in every lesson that has changed since it was last handed in."""
        now_ms = time.time_ns() // 1_000_000
        changed: list[LessonRow] = []
        for key, plan in self._plans.items():
            text = plan.lessons
            if text == self._kept.get(key, ""):
                continue
            self._kept[key] = text
            if len(text) > LESSON_CHARS:
                with logs.about(key[0]):
                    _log.warning("lessons of group %s are too long to be kept", key[1])
                text = ""
            changed.append((*key, text, now_ms))
        if changed:
            self._keep(changed)

    def renew(self, key: tuple[str, str], learns: object) -> None:
        """Go on with what stands for a key from now on, and tell it what is kept."""
        self._plans.pop(key, None)
        if isinstance(learns, Learns):
            self._plans[key] = learns
            self._recall(key, learns)

    def _recall(self, key: tuple[str, str], plan: Learns) -> None:
        text = self._kept.get(key, "")
        if text:
            plan.recall(text)
