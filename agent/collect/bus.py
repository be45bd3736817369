"""The devices of one link as a bus: who is polled, who is silent, whose turn it is to be probed.

A silent device is demoted: its groups rest, and one group's read at a time asks for it, rarely
enough that the others keep their rate (`agent.collect.probing`). The first answer promotes it: all
its groups are back on their schedule at once. Where one group keeps silent while its device answers
another (some devices answer nothing at all to an address they do not know), that group alone is
demoted. This module decides and waits for nothing; `agent.collect.caretaker` asks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from agent.collect.deadline import Deadline
from agent.collect.probing import Probing
from agent.collect.problems import problem_of
from agent.telemetry import logs
from agent.telemetry.status import DeviceState
from drivers.api import NoReply, SessionLost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.collect.device import DeviceRun
    from agent.collect.group import GroupRun

AGAIN_S = 1.0
"""A probe that was cut short is made again after this."""

_log = logging.getLogger("chulian.collect")


class Lane(IntEnum):
    """Kinds of errands; they take turns."""

    PROBE = 0
    IDENTIFY = 1


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be asked beside the polls."""

    lane: Lane
    device: DeviceRun
    group: GroupRun | None = None
    """The one group to be probed; None: the device, by any of its groups."""


class Bus:
    """What the devices of one link know of each other; outlives sessions."""

    def __init__(self, devices: Sequence[DeviceRun], *, name: str, cycle_s: float) -> None:
        self.devices = tuple(devices)
        self.name = name
        self.deadline = Deadline([g for d in devices for g in d.groups], cycle_s=cycle_s)
        self.errands: Probing[Errand] = Probing()
        self.changed = asyncio.Event()
        """Set when an errand may have become due, or the wait for one may be over."""
        self.ended_s = -inf
        """Monotonic time at which a poll of the link last ended."""
        self.cut_short: Errand | None = None
        """The errand that was under way when the last session ended."""
        self._polled: Mapping[DeviceRun, Sequence[GroupRun]] = {}
        self._unheard: set[DeviceRun] = set()

    @property
    def shared(self) -> bool:
        """Whether some device of the link lives, whose time is to be spared."""
        return not all(device.silent for device in self.devices)

    @property
    def polls_all(self) -> bool:
        """Whether every group of the link is polled in this session, none subscribed to."""
        return sum(map(len, self._polled.values())) == sum(len(d.groups) for d in self.devices)

    def begin_session(
        self, polled: Mapping[DeviceRun, Sequence[GroupRun]], *, opening_s: float
    ) -> None:
        """Take up a new session and the groups that are polled in it.

        Of a device that was not heard yet one group goes first and the others wait for its outcome:
        a dead device costs its line one time-out, not one per group.
        """
        if self.cut_short is not None:
            self.cut_short = None
            self.errands.charge(opening_s)
        self._polled = polled
        self._unheard.clear()
        for device, groups in polled.items():
            due = [] if device.silent else [group for group in groups if not group.alone]
            if len(due) > 1 and device.state is not DeviceState.ONLINE:
                self._unheard.add(device)
                due = [min(due, key=lambda group: group.plan.plan.requests)]
            for group in groups:
                group.let(polled=group in due)

    def awaits(self, device: DeviceRun, group: GroupRun) -> bool:
        """Whether an answer of this group would be news, to be told by `answered`."""
        return device.silent or group.mute or device in self._unheard

    def answered(self, device: DeviceRun, group: GroupRun) -> None:
        """A group was heard: what waited for that is back on its schedule at once."""
        if group.mute:
            group.mute = group.alone = False
            group.backoff.reset()
            group.let(polled=True)
            self.errands.drop(Errand(Lane.PROBE, device, group))
        if device.silent:
            device.silent = False
            self.errands.drop(Errand(Lane.PROBE, device))
        self._unheard.discard(device)
        for one in self._polled.get(device, ()):
            if not one.alone:
                one.let(polled=True)

    async def silent(
        self, device: DeviceRun, group: GroupRun | None, error: Exception, *, probe: bool = False
    ) -> None:
        """A read was met by silence: demote the device, or the group if the device answers others.

        A read that was under way when its device was demoted only counts.
        """
        demoted = device.silent and not probe
        alone = (
            group is not None
            and group.mute
            and device.state is DeviceState.ONLINE
            and len(self._polled.get(device, ())) > 1
        )
        if group is not None:
            group.mute = True
        if demoted:
            device.failures += 1
        elif alone and group is not None:
            await self._demote_group(device, group)
        else:
            await self._demote(device, error)
        self.changed.set()

    def charge_silence(self, group: GroupRun) -> None:
        """Note what it cost the line that this poll met silence."""
        now_s = time.monotonic()
        # while others' polls ended the line was not ours: the cost begins with the last of them
        self.errands.met_silence(now_s, cost_s=now_s - max(group.reading_s, self.ended_s))

    def probed_group(self, device: DeviceRun) -> GroupRun | None:
        """Give the group by which a device is probed next: each in turn, none being read."""
        free = [group for group in self._polled.get(device, ()) if group.reader is None]
        return min(free, key=lambda group: group.reading_s, default=None)

    def probe_again(self, errand: Errand) -> None:
        """Put a probe back that was not made, or cut short."""
        if errand.lane is not Lane.PROBE or errand in self.errands:
            return
        if errand.group.alone if errand.group is not None else errand.device.silent:
            self.errands.add(errand, due_s=time.monotonic() + AGAIN_S, lane=Lane.PROBE)

    def spent_by_question(self, error: Exception) -> bool:
        """Whether a session was lost to the question who a device is, which is no fault of it."""
        asked = self.cut_short is not None and self.cut_short.lane is Lane.IDENTIFY
        # a poll that names a silent device is not mistaken: its own read was met by silence
        return asked and isinstance(error, SessionLost) and not isinstance(error, NoReply)

    def ask_identity(self, device: DeviceRun, *, due_s: float = 0.0) -> None:
        """Let a device be asked who it is, in its turn and not before `due_s`."""
        self.errands.add(Errand(Lane.IDENTIFY, device), due_s=due_s, lane=Lane.IDENTIFY)
        self.changed.set()

    async def _demote(self, device: DeviceRun, error: Exception) -> None:
        if not device.silent:
            with logs.about(device.id):
                _log.warning("device silent: %s: %s", self.name, error)
        device.silent = True
        self._unheard.discard(device)
        if Errand(Lane.IDENTIFY, device) in self.errands:
            self.errands.drop(Errand(Lane.IDENTIFY, device))
            device.first_good = partial(self.ask_identity, device)
        groups = self._polled.get(device, ())
        for group in groups:
            group.alone = False
            group.let(polled=False)
            self.errands.drop(Errand(Lane.PROBE, device, group))
        try:
            await device.fail(problem_of(error, self.name), DeviceState.BACKOFF, reason="no_reply")
        finally:  # cancelled while the store has no room: a device must never be forgotten
            if groups and device.silent:
                self.errands.add(Errand(Lane.PROBE, device), due_s=device.retry_s, lane=Lane.PROBE)

    async def _demote_group(self, device: DeviceRun, group: GroupRun) -> None:
        device.failures += 1
        group.alone = True
        group.let(polled=False)
        due_s = time.monotonic() + group.backoff.next_s()
        self.errands.add(Errand(Lane.PROBE, device, group), due_s=due_s, lane=Lane.PROBE)
        await device.silence((group,))
