"""A driver without a machine: it plays scripts, for tests of a host and of the battery itself.

Give every device a `Script` and every link a `Wire`; the driver does what they say, in memory.
It keeps the whole contract: with an unspoilt script it passes the conformance battery.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from drivers.api import (
    API_VERSION,
    Access,
    AddressError,
    AddressProblem,
    Alert,
    ConnectError,
    DataType,
    DeviceConfig,
    FoundPoint,
    Frame,
    Identity,
    NoReply,
    PlannedRequest,
    Seconds,
    SessionLost,
    Tag,
    Value,
    WriteResult,
)
from drivers.testing.script import Delay, Ear, Feed, Never, Script, Spoil, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

    from drivers.testing.script import Fault

_ADDRESS = re.compile(r"[A-Za-z0-9_.]+")


class ScriptedConfig(DeviceConfig):
    """What a scripted device is reached by."""

    driver: Literal["scripted"] = Field("scripted", description="Name of the driver.")
    wire: str = Field("wire", description="Name of the link; devices of one name share it.")
    timeout_s: Seconds = Field(1.0, description="Longest wait for an answer of a frozen wire.")
    alerts: bool = Field(default=False, description="Whether the device is asked for alerts.")


@dataclass(frozen=True, slots=True)
class ScriptedLink:
    """The name of a wire."""

    wire: str
    timeout_s: float = field(default=1.0, compare=False)

    def __str__(self) -> str:
        return f"scripted:{self.wire}"


@dataclass(frozen=True, slots=True)
class ScriptedPlan:
    """The tags of one read."""

    device: str
    group: str
    tags: tuple[Tag, ...]
    requests: int = 1

    def explain(self) -> tuple[PlannedRequest, ...]:
        """Show the one request; how long it takes is known to its script alone."""
        names = tuple(tag.name for tag in self.tags)
        return (PlannedRequest("the script", names),)


class _Session:
    """One opening of a wire, and what every kind of session can do."""

    def __init__(self, link: ScriptedLink, wire: Wire, scripts: Mapping[str, Script]) -> None:
        self._link = link
        self._wire = wire
        self._scripts = scripts
        self.ear = Ear()

    async def identify(self, plan: ScriptedPlan) -> Identity:
        """Give what the script says of the device."""
        await self._carried(plan)
        return self._scripts[plan.device].identity

    async def browse(self, at: str | None = None) -> AsyncGenerator[FoundPoint, None]:
        """Walk the addresses of every script that begin with `at`."""
        for script in self._scripts.values():
            for address in list(script.values):
                if address.startswith(at or ""):
                    yield FoundPoint(address, address, DataType.AUTO)

    async def alerts(self, plan: ScriptedPlan) -> AsyncGenerator[Alert, None]:
        """Say that alerts are seen from here on; there are none until the session is lost."""
        await self._carried(plan)
        yield Alert(time.time_ns(), 0, "", "", "")
        while True:
            self.ear.wake.clear()
            await self.ear.wake.wait()
            await self._carried(plan)

    async def write(self, plan: ScriptedPlan, values: Mapping[Tag, Value]) -> Sequence[WriteResult]:
        """Set scripted values; a tag that is only to be read is refused."""
        await self._carried(plan)
        return [self._write(plan, tag, value) for tag, value in values.items()]

    def _write(self, plan: ScriptedPlan, tag: Tag, value: Value) -> WriteResult:
        if tag.access is not Access.READ_WRITE:
            return WriteResult(tag, written=False, reason="read_only")
        self._scripts[plan.device].set(tag.address, value)
        return WriteResult(tag, written=True)

    async def _carried(self, plan: ScriptedPlan) -> None:
        """Wait until the wire carries; a session once lost stays lost."""
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(self._link.timeout_s):
                while self._wire.frozen and not self.ear.lost:
                    self.ear.wake.clear()
                    await self.ear.wake.wait()
        except TimeoutError as error:
            self.ear.lost = True
            raise NoReply(f"{self._link}: {plan.device} is silent", device=plan.device) from error
        self._require_living()

    def _require_living(self) -> None:
        if self.ear.lost:
            raise SessionLost(f"{self._link}: the session is over")


class PollingSession(_Session):
    """A session that reads and does not subscribe."""

    async def read(self, plan: ScriptedPlan) -> Frame:
        """Play the next read of the plan's device and group."""
        script = self._scripts[plan.device]
        tick, fault = script.begin_read(plan.group)
        await self._carried(plan)
        spoil = await self._suffer(fault)
        self._require_living()
        return script.frame(plan, tick=tick, spoil=spoil)

    async def _suffer(self, fault: Fault | None) -> Spoil | None:
        try:
            return await _play(fault)
        except SessionLost:
            self.ear.lost = True
            raise


class PushingSession(_Session):
    """A session that subscribes and does not read."""

    async def subscribe(
        self, plan: ScriptedPlan, *, interval_s: float
    ) -> AsyncGenerator[Frame, None]:
        """Give the current values, then what `Script.set` changes, until `Script.fail`."""
        del interval_s
        script = self._scripts[plan.device]
        await self._carried(plan)
        feed = script.feed(plan, self.ear)
        try:
            while True:
                await self._due(feed, plan)
                yield feed.take()
        finally:
            script.feeds.discard(feed)

    async def _due(self, feed: Feed, plan: ScriptedPlan) -> None:
        while True:
            await self._carried(plan)
            if feed.frames:
                return
            if feed.error is not None:
                raise feed.error
            self.ear.wake.clear()
            await self.ear.wake.wait()


class ScriptedSession(PollingSession, PushingSession):
    """A session that reads and subscribes."""


class ScriptedDriver:
    """A driver that plays; its scripts and wires are made on first use.

    Args:
        scripts: by device id.
        wires: by the name in the config; a name that is missing is a healthy wire.
        session: which kind of session it opens, and so what the host finds it can do.
    """

    name = "scripted"
    config = ScriptedConfig
    api_version = API_VERSION

    def __init__(
        self,
        scripts: Mapping[str, Script] | None = None,
        wires: Mapping[str, Wire] | None = None,
        *,
        session: type[PollingSession | PushingSession] = ScriptedSession,
    ) -> None:
        self.scripts = dict(scripts or {})
        self.wires = dict(wires or {})
        self._session = session

    @property
    def session(self) -> type[Any]:
        """The class of the sessions."""
        return self._session

    def wire(self, name: str = "wire") -> Wire:
        """Give a wire by name, a new and healthy one if there is none yet."""
        return self.wires.setdefault(name, Wire())

    def link(self, config: ScriptedConfig) -> ScriptedLink:
        """Give the link of a device."""
        return ScriptedLink(config.wire, config.timeout_s)

    def plan(
        self, config: ScriptedConfig, tags: Sequence[Tag], *, device: str, group: str
    ) -> ScriptedPlan:
        """Check addresses: letters, digits, underscores and dots."""
        del config
        problems = [
            AddressProblem(
                tag.name,
                tag.address,
                why="letters, digits, underscores and dots only",
                why_zh="只能包含字母、数字、下划线和点",
            )
            for tag in tags
            if not _ADDRESS.fullmatch(tag.address)
        ]
        if problems:
            raise AddressError(problems, device=device)
        return ScriptedPlan(device, group, tuple(tags))

    def plan_alerts(self, config: ScriptedConfig, *, device: str) -> ScriptedPlan | None:
        """Plan the alerts of a device that is to be asked for them."""
        return ScriptedPlan(device, "", ()) if config.alerts else None

    @asynccontextmanager
    async def open(self, link: ScriptedLink) -> AsyncIterator[Any]:
        """Open a session, unless the wire says otherwise."""
        wire = self.wire(link.wire)
        number, wire.tried = wire.tried, wire.tried + 1
        await asyncio.sleep(0)
        if wire.down:
            raise ConnectError(f"{link}: refused")
        await _play(wire.opens.get(number))
        session = self._session(link, wire, self.scripts)
        wire.sessions.add(session.ear)
        wire.opened += 1
        try:
            yield session
        finally:
            session.ear.lost = True
            wire.sessions.discard(session.ear)
            wire.closed += 1


async def _play(fault: Fault | None) -> Spoil | None:
    """Let a fault happen; give what is to be spoilt in the frame, if it is that kind."""
    if isinstance(fault, Exception):
        raise fault
    if isinstance(fault, Never):
        await asyncio.Event().wait()
    if isinstance(fault, Delay):
        await asyncio.sleep(fault.delay_s)
    return fault if isinstance(fault, Spoil) else None


DRIVER = ScriptedDriver()
"""An instance without scripts; tests fill it or make their own."""
