"""Drivers with one flaw each, for the proof that the battery catches it."""

import asyncio
import itertools
import json
import logging
import os
import socket
import time
from dataclasses import replace

from pydantic import ConfigDict, Field, SecretStr

from drivers.api import AddressError, AddressProblem, PlannedRequest, SessionLost
from drivers.testing.scripted import (
    PollingSession,
    PushingSession,
    ScriptedConfig,
    ScriptedDriver,
    ScriptedLink,
    ScriptedPlan,
)

_links = itertools.count()
looks = {}
"""How often the lessons of each amnesic plan were looked at."""


class Swapped(PollingSession):
    async def read(self, plan):
        frame = await super().read(plan)
        first, second, *rest = frame.values
        return replace(frame, values=(second, first, *rest))


class Cached(PollingSession):
    kept = None

    async def read(self, plan):
        frame = await super().read(plan)
        self.kept = self.kept or frame.values
        return replace(frame, values=self.kept)


class Rewriting(PollingSession):
    kept = None

    async def read(self, plan):
        frame = await super().read(plan)
        if self.kept is not None:
            self.kept.values = frame.values
        self.kept = frame
        return frame


class Zeroing(PollingSession):
    async def read(self, plan):
        frame = await super().read(plan)
        values = tuple(0 if value is None else value for value in frame.values)
        return replace(frame, values=values, qualities=None, reasons=None)


class StampedBefore(PollingSession):
    async def read(self, plan):
        begun_ns = time.time_ns()
        return replace(await super().read(plan), read_ns=begun_ns)


class Antedating(PollingSession):
    async def read(self, plan):
        frame = await super().read(plan)
        return replace(frame, read_ns=frame.read_ns - 1_000_000_000)


class Impatient(PollingSession):
    """Its deadline is not what the config says."""

    def __init__(self, link, wire, scripts):
        super().__init__(replace(link, timeout_s=60), wire, scripts)


class Stubborn(PollingSession):
    async def read(self, plan):
        try:
            return await super().read(plan)
        except asyncio.CancelledError:
            return await super().read(plan)


class TaskLeaker(PollingSession):
    left = set()  # noqa: RUF012 - the flaw: tasks outlive their session

    async def read(self, plan):
        self.left.add(asyncio.create_task(asyncio.Event().wait()))
        return await super().read(plan)


class DescriptorLeaker(PollingSession):
    left = []  # noqa: RUF012 - the flaw: descriptors outlive their session

    async def read(self, plan):
        self.left.append(os.dup(0))
        return await super().read(plan)


class Abrupt(PollingSession):
    """Begins with an alarm: nobody knows from when on it listened."""

    async def alerts(self, plan):
        async for mark in super().alerts(plan):
            yield replace(mark, kind="Alarm", message="too hot")


class Blocking(PollingSession):
    def __init__(self, link, wire, scripts):
        time.sleep(0.13)
        super().__init__(link, wire, scripts)


class Loud(PollingSession):
    async def read(self, plan):
        logging.getLogger("acme").warning("reading")
        return await super().read(plan)


class Undead(PollingSession):
    async def read(self, plan):
        try:
            return await super().read(plan)
        finally:
            self.ear.lost = False


class Raw(PollingSession):
    async def read(self, plan):
        try:
            return await super().read(plan)
        except SessionLost as error:
            raise ConnectionResetError from error


class OutOfStep(PollingSession):
    """Answers a cancelled question when asked the next one."""

    asked = None

    async def read(self, plan):
        asked, self.asked = self.asked or plan, self.asked or plan
        frame = await super().read(asked)
        self.asked = None
        return frame


class Crossed(PollingSession):
    """Keeps the question where the next task's question goes."""

    async def read(self, plan):
        self.asked = plan
        await asyncio.sleep(0)
        return await super().read(self.asked)


class Single(PushingSession):
    """A second subscription ends the first."""

    generation = 0

    async def subscribe(self, plan, *, interval_s):
        self.generation = mine = self.generation + 1
        async for frame in super().subscribe(plan, interval_s=interval_s):
            if mine != self.generation:
                return
            yield frame


class Headless(PushingSession):
    async def subscribe(self, plan, *, interval_s):
        frames = super().subscribe(plan, interval_s=interval_s)
        await anext(frames)
        async for frame in frames:
            yield frame


class Deaf(PushingSession):
    async def subscribe(self, plan, *, interval_s):
        frames = super().subscribe(plan, interval_s=interval_s)
        yield await anext(frames)
        await asyncio.Event().wait()


class Endless(PushingSession):
    def subscribe(self, plan, *, interval_s):
        class Frames:
            def __aiter__(self):
                return self

        return Frames()


class Dialing(ScriptedDriver):
    def plan(self, config, tags, *, device, group):
        socket.socket().close()
        return super().plan(config, tags, device=device, group=group)


class Sorting(ScriptedDriver):
    def plan(self, config, tags, *, device, group):
        ordered = sorted(tags, key=lambda tag: tag.name)
        return super().plan(config, ordered, device=device, group=group)


class FirstProblemOnly(ScriptedDriver):
    def plan(self, config, tags, *, device, group):
        try:
            return super().plan(config, tags, device=device, group=group)
        except AddressError as error:
            raise AddressError(error.problems[:1]) from None


class EnglishOnly(ScriptedDriver):
    def plan(self, config, tags, *, device, group):
        try:
            return super().plan(config, tags, device=device, group=group)
        except AddressError as error:
            bare = [AddressProblem(p.tag, p.address, p.why) for p in error.problems]
            raise AddressError(bare) from None


class Restless(ScriptedDriver):
    def link(self, config):
        return ScriptedLink(f"{config.wire}-{next(_links)}", config.timeout_s)


class LeaksOsError(ScriptedDriver):
    def open(self, link):
        if self.wire(link.wire).down:
            raise ConnectionRefusedError
        return super().open(link)


class OpensNothing(ScriptedDriver):
    """Connects at the first read only, so that a link that is not there looks open."""

    def open(self, link):
        wire = self.wire(link.wire)
        if wire.down:
            wire.down, wire.frozen = False, True
        return super().open(link)


class Exclusive(ScriptedDriver):
    """Closing one session ends all others of the link."""

    def open(self, link):
        for ear in self.wire(link.wire).sessions:
            ear.lost = True
        return super().open(link)


class Renamed(ScriptedDriver):
    name = "another"


class FromTheFuture(ScriptedDriver):
    api_version = (2, 0)


class Dataless(ScriptedDriver):
    session = object


class Loose(ScriptedConfig):
    model_config = ConfigDict(extra="ignore")


class Bare(ScriptedConfig):
    host: str = "plc"


class HostKey(ScriptedConfig):
    line: str = Field("", description="A key of the host.")


class OpenPassword(ScriptedConfig):
    password: str = Field("", description="Not a SecretStr.")


class NestedPassword(ScriptedConfig):
    login: str = Field("", description="user:password, as one text.")


class GoodPassword(ScriptedConfig):
    password: SecretStr = Field(SecretStr(""), description="Masked.")


class Understated(ScriptedPlan):
    def explain(self):
        return ()


class Forgetful(ScriptedPlan):
    def explain(self):
        return (PlannedRequest("the script", tuple(t.name for t in self.tags[1:])),)


class Fragile(ScriptedPlan):
    @property
    def lessons(self):
        return ""

    def recall(self, lessons):
        json.loads(lessons)


class Knowing(ScriptedPlan):
    @property
    def lessons(self):
        return "all"

    def recall(self, lessons):
        """Know already."""


class Amnesic(ScriptedPlan):
    """Learns while it is looked at, and takes nothing up."""

    @property
    def lessons(self):
        looks[id(self)] = looks.get(id(self), 0) + 1
        return "learned" if looks[id(self)] > 1 else ""

    def recall(self, lessons):
        """Take nothing up."""


def planned(kind):
    """Make a driver whose plans are of a flawed kind."""

    class Driver(ScriptedDriver):
        def plan(self, config, tags, *, device, group):
            plain = super().plan(config, tags, device=device, group=group)
            return kind(plain.device, plain.group, plain.tags)

    return Driver


class Splitting(ScriptedDriver):
    def expand(self, tag):
        return [replace(tag, name=f"{tag.name}.{at}") for at in range(2)]


class Misnaming(ScriptedDriver):
    def expand(self, tag):
        if tag.name != "axes":
            return [tag]
        return [replace(tag, name=f"x{at}", address=f"axis{at}") for at in range(3)]
