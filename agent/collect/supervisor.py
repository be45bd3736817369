"""One link and its devices: opens sessions, runs the groups, is the only one to reconnect.

A device can hurt no other: one that keeps silent is left alone for a growing while, the session is
opened again at once for the rest. A session that ends after it gave data is opened again at once
too: many devices close a connection they find idle, and no poll is lost by it. This is one of two
files that may catch every exception: what a driver lets out that is no `DriverError` is its bug,
told once, and costs only this link.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.backoff import Backoff
from agent.collect.alerts import listen, wants_alerts
from agent.collect.backfill import begin, fill_gaps
from agent.collect.bus import Bus
from agent.collect.caretaker import tend
from agent.collect.device import ALONE_MAX_S
from agent.collect.identity import SessionSpent, may_say, says_nothing, wants_identity
from agent.collect.poller import poll
from agent.collect.problems import problem_of
from agent.collect.subscriber import follow
from agent.config.model import Mode
from agent.telemetry import logs
from agent.telemetry.status import DeviceState
from drivers.api import (
    AccessError,
    ConnectError,
    DriverError,
    NoReply,
    Remembers,
    SessionLost,
    Subscribes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collect.device import DeviceRun
    from agent.collect.group import GroupRun

OPEN_DEADLINE_S = 60.0
"""Opening a session takes no longer, whatever the driver does."""
CLOSE_DEADLINE_S = 5.0
"""Closing a session takes no longer; what is left of it is left behind."""
REFUSED_MAX_S = 60.0
"""How seldom a device that refuses us, or a broken driver, is tried."""
STEADY_S = 3.0
"""A session that ends sooner is no success: the pauses before the next ones grow on."""

_MOST_NAMES = 3

_log = logging.getLogger("chulian.collect")


class LinkSupervisor:
    """Runs the devices that share one link; `run` is its life."""

    def __init__(self, devices: Sequence[DeviceRun], *, cycle_s: float = 0.0) -> None:
        self.devices = tuple(devices)
        self._bus = Bus(devices, name=str(devices[0].plan.link), cycle_s=cycle_s)
        self._driver = devices[0].plan.driver
        self._link = devices[0].plan.link
        self._backoff = Backoff(longest_s=ALONE_MAX_S)
        self._refused = Backoff(first_s=5.0, longest_s=REFUSED_MAX_S)
        self._told = ""
        self._opened_s = 0.0
        self._reads = 0
        """Reads of all devices before the session began."""
        self._culprit: GroupRun | None = None
        self.session: Any | None = None
        """The session that is served now; None between two."""

    @property
    def name(self) -> str:
        """The link's address, for people."""
        return str(self._link)

    @property
    def bus(self) -> Bus:
        """What the devices of the link know of each other."""
        return self._bus

    async def run(self) -> None:
        """Serve the link until cancelled."""
        try:
            while True:
                await self._until_due()
                try:
                    await self._session()
                except asyncio.CancelledError:
                    raise
                except Exception as error:  # noqa: BLE001 - the boundary to third-party code
                    if self._goes_on(error):
                        self._say_again(error)
                    else:
                        await self._failed(error)
        finally:
            for device in self.devices:
                device.close_books()
            for device in self.devices:
                await device.put_held()

    async def _until_due(self) -> None:
        """Wait until some device of the link may be asked again."""
        left_s = min(d.retry_s for d in self.devices) - time.monotonic()
        if left_s > 0:
            await asyncio.sleep(left_s)

    async def _session(self) -> None:
        for device in self.devices:
            if device.state is DeviceState.IDLE:
                device.become(DeviceState.CONNECTING, None)
        began_s = time.monotonic()
        opening = self._driver.open(self._link)
        async with asyncio.timeout(OPEN_DEADLINE_S):
            session = await opening.__aenter__()
        try:
            self._begin(session, opening_s=time.monotonic() - began_s)
            await self._serve(session)
        finally:
            self.session = None
            self._bus.deadline.stop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_DEADLINE_S):
                    await opening.__aexit__(None, None, None)

    def _begin(self, session: Any, *, opening_s: float) -> None:
        """Settle how each group is served by a session that was just opened."""
        self._opened_s = time.monotonic()
        self._reads = self._all_reads()
        for device in self.devices:
            for group in device.groups:
                group.subscribed = _subscribes(session, group)
        begin(session, self.devices)
        self._bus.begin_session(self._polled(session), opening_s=opening_s)
        for device in self.devices:
            wanted = wants_identity(device, session)
            device.first_good = partial(self._bus.ask_identity, device) if wanted else None
            if not may_say(device, session):
                says_nothing(device)
        self._bus.deadline.start()
        self.session = session

    def _polled(self, session: Any) -> dict[DeviceRun, list[GroupRun]]:
        """Give the groups of each device that this session polls; the others are subscribed to."""
        found = {
            device: [group for group in device.groups if not _subscribes(session, group)]
            for device in self.devices
        }
        return {device: groups for device, groups in found.items() if groups}

    async def _serve(self, session: Any) -> None:
        """Run every group; the first to fail ends the session for all."""
        owners: dict[asyncio.Task[None], GroupRun | None] = {
            asyncio.create_task(
                self._group(session, device, group), name=f"{device.id}/{group.plan.name}"
            ): group
            for device in self.devices
            for group in device.groups
        }
        owners[asyncio.create_task(tend(self._bus, session), name=f"tend:{self.name}")] = None
        for device in filter(lambda one: wants_alerts(one, session), self.devices):
            owners[asyncio.create_task(listen(session, device), name=f"{device.id}:alarms")] = None
        if isinstance(session, Remembers):
            filling = fill_gaps(session, self.devices)
            owners[asyncio.create_task(filling, name=f"fill:{self.name}")] = None
        try:
            done, _ = await asyncio.wait(owners, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in owners:
                task.cancel()
            await asyncio.gather(*owners, return_exceptions=True)
        errors = [(error, owners[task]) for task in done if (error := task.exception()) is not None]
        # one silent device ends the session for all: who is to blame, not who heard of it first
        blamed = [one for one in errors if isinstance(one[0], NoReply) and one[0].device]
        ended = SessionLost("the driver ended the subscription")
        error, self._culprit = next(iter(blamed or errors), (ended, None))
        raise error

    async def _group(self, session: Any, device: DeviceRun, group: GroupRun) -> None:
        if not _subscribes(session, group):
            await poll(self._bus, session, device, group)
            return
        left_s = device.retry_s - time.monotonic()
        if left_s > 0:
            await asyncio.sleep(left_s)
        await follow(self._bus, session, device, group)

    def _goes_on(self, error: Exception) -> bool:
        """Tell whether a session ended that may be opened again at once, nobody being to blame.

        A subscription is no such session: what changes in between is lost, and that must show.
        """
        if isinstance(error, SessionSpent) or self._bus.spent_by_question(error):
            return True
        if not isinstance(error, SessionLost) or isinstance(error, NoReply):
            return False
        return self._bus.polls_all and self._all_reads() > self._reads

    def _all_reads(self) -> int:
        return sum(device.reads for device in self.devices)

    async def _failed(self, error: Exception) -> None:
        was_up = self._was_up()
        if was_up and time.monotonic() - self._opened_s >= STEADY_S:
            self._backoff.reset()
            self._refused.reset()
        problem = problem_of(error, self.name)
        if isinstance(error, NoReply) and error.device:
            silent = [d for d in self.devices if d.id == error.device]
            if silent:
                if self._culprit is not None:
                    self._bus.charge_silence(self._culprit)
                await self._bus.silent(silent[0], self._culprit, error, probe=True)
                return
        self._say(error, episode=was_up)
        state, reason, pause_s = self._judge(error)
        for device in self.devices:
            await device.fail(problem, state, reason=reason, pause_s=pause_s)

    def _judge(self, error: Exception) -> tuple[DeviceState, str, float]:
        """Give the state the devices fall into, the reason told, and the pause in seconds."""
        if isinstance(error, AccessError):
            return DeviceState.FAULTED, "access_refused", self._refused.next_s()
        if isinstance(error, (ConnectError, TimeoutError)):
            return DeviceState.BACKOFF, "unreachable", self._backoff.next_s()
        if isinstance(error, SessionLost):
            return DeviceState.BACKOFF, "session_lost", self._backoff.next_s()
        if isinstance(error, DriverError):
            return DeviceState.FAULTED, "driver_error", self._refused.next_s()
        return DeviceState.FAULTED, "driver_bug", self._refused.next_s()

    def _was_up(self) -> bool:
        """Whether the link worked until now: what follows is a new episode."""
        return any(d.state is DeviceState.ONLINE for d in self.devices)

    def _say(self, error: Exception, *, episode: bool) -> None:
        """Log the start of an episode once; a bug of the driver with its traceback."""
        text = f"{type(error).__name__}: {error}"
        if text == self._told and not episode:
            return
        self._told = text
        known = isinstance(error, (DriverError, TimeoutError))
        if isinstance(error, DriverError) and error.hint:
            text = f"{text}: {error.hint}"
        with logs.about(self._who()):
            _log.warning("link down: %s: %s", self.name, text, exc_info=None if known else error)

    def _say_again(self, error: Exception) -> None:
        """Log that the session is opened again; once for what happens every few seconds."""
        text = f"{type(error).__name__}: {error}"
        level = logging.DEBUG if text == self._told else logging.INFO
        self._told = text
        with logs.about(self._who()):
            _log.log(level, "link ended, is opened again: %s: %s", self.name, text)

    def _who(self) -> str:
        """Name the devices for a log line, a few of many."""
        more = len(self.devices) - _MOST_NAMES
        names = ",".join(d.id for d in self.devices[:_MOST_NAMES])
        return f"{names},+{more}" if more > 0 else names


def _subscribes(session: Any, group: GroupRun) -> bool:
    mode = group.plan.settings.mode
    return mode is Mode.SUBSCRIBE or (mode is None and isinstance(session, Subscribes))
