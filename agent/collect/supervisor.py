"""One link and its devices: opens sessions, runs the groups, is the only one to reconnect.

A device can hurt no other: one that keeps silent is left alone for a growing while, the session is
opened again at once for the rest. This is one of two files that may catch every exception: what a
driver lets out that is no `DriverError` is its bug, told once, and costs only this link.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from agent.backoff import Backoff
from agent.collect.device import ALONE_MAX_S
from agent.collect.poller import poll
from agent.collect.problems import problem_of
from agent.collect.subscriber import follow
from agent.config.model import Mode
from agent.telemetry import logs
from agent.telemetry.status import DeviceState
from drivers.api import AccessError, ConnectError, DriverError, NoReply, SessionLost, Subscribes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collect.device import DeviceRun, GroupRun

OPEN_DEADLINE_S = 60.0
"""Opening a session takes no longer, whatever the driver does."""
CLOSE_DEADLINE_S = 5.0
"""Closing a session takes no longer; what is left of it is left behind."""
REFUSED_MAX_S = 60.0
"""How seldom a device that refuses us, or a broken driver, is tried."""

_log = logging.getLogger("chulian.collect")


class LinkSupervisor:
    """Runs the devices that share one link; `run` is its life."""

    def __init__(self, devices: Sequence[DeviceRun]) -> None:
        self.devices = tuple(devices)
        self._driver = devices[0].plan.driver
        self._link = devices[0].plan.link
        self._backoff = Backoff(longest_s=ALONE_MAX_S)
        self._refused = Backoff(first_s=5.0, longest_s=REFUSED_MAX_S)
        self._told = ""

    @property
    def name(self) -> str:
        """The link's address, for people."""
        return str(self._link)

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
                    await self._failed(error)
        finally:
            for device in self.devices:
                device.close_books()

    async def _until_due(self) -> None:
        """Wait until some device of the link may be asked again."""
        left_s = min(d.retry_s for d in self.devices) - time.monotonic()
        if left_s > 0:
            await asyncio.sleep(left_s)

    async def _session(self) -> None:
        for device in self.devices:
            if device.state is DeviceState.IDLE:
                device.become(DeviceState.CONNECTING, None)
        opening = self._driver.open(self._link)
        async with asyncio.timeout(OPEN_DEADLINE_S):
            session = await opening.__aenter__()
        try:
            await self._serve(session)
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_DEADLINE_S):
                    await opening.__aexit__(None, None, None)

    async def _serve(self, session: Any) -> None:
        """Run every group; the first to fail ends the session for all."""
        tasks = [
            asyncio.create_task(
                self._group(session, device, group), name=f"{device.id}/{group.plan.name}"
            )
            for device in self.devices
            for group in device.groups
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        errors = [error for task in done if (error := task.exception()) is not None]
        # one silent device ends the session for all: who is to blame, not who heard of it first
        blamed = [error for error in errors if isinstance(error, NoReply) and error.device]
        raise next(iter(blamed or errors), SessionLost("the driver ended the subscription"))

    async def _group(self, session: Any, device: DeviceRun, group: GroupRun) -> None:
        left_s = device.retry_s - time.monotonic()
        if left_s > 0:
            await asyncio.sleep(left_s)
        mode = group.plan.settings.mode
        subscribes = mode is Mode.SUBSCRIBE or (mode is None and isinstance(session, Subscribes))
        if subscribes:
            await follow(session, device, group)
        else:
            await poll(session, device, group)

    async def _failed(self, error: Exception) -> None:
        self._say(error)
        if self._was_up():
            self._backoff.reset()
            self._refused.reset()
        problem = problem_of(error, self.name)
        if isinstance(error, NoReply) and error.device:
            silent = [d for d in self.devices if d.id == error.device]
            if silent:
                await silent[0].fail(problem, DeviceState.BACKOFF, reason="no_reply")
                return
        state, reason, pause_s = self._judge(error)
        for device in self.devices:
            await device.fail(problem, state, reason=reason)
            device.retry_s = time.monotonic() + pause_s

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

    def _say(self, error: Exception) -> None:
        """Log the start of an episode once; a bug of the driver with its traceback."""
        text = f"{type(error).__name__}: {error}"
        if text == self._told and not self._was_up():
            return
        self._told = text
        known = isinstance(error, (DriverError, TimeoutError))
        with logs.about(",".join(d.id for d in self.devices)):
            _log.warning("link down: %s: %s", self.name, text, exc_info=None if known else error)
