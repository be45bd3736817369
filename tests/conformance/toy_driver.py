"""A whole driver: ask `speed?`, get the line `speed=1200`, or words if there is no number."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from drivers import api

PARSERS = {api.DataType.INT64: int, api.DataType.FLOAT64: float}


class ToyConfig(api.DeviceConfig):
    """What a person writes in the agent's file to reach one machine."""

    driver: Literal["toy"] = Field(description="Name of the driver.")
    host: str = Field(description="Address of the machine.")
    port: api.Port = Field(7007, description="TCP port of the machine.")
    timeout_s: api.Seconds = Field(3.0, description="Longest wait for an answer.")


@dataclass(frozen=True)
class ToyLink:
    """How to reach the wire; links are equal if they lead to the same one."""

    host: str
    port: int
    timeout_s: float = field(compare=False)

    def __str__(self) -> str:
        return f"toy://{self.host}:{self.port}"


@dataclass(frozen=True)
class ToyPlan:
    """The tags of one read, and the bytes that ask for them."""

    device: str
    group: str
    tags: tuple[api.Tag, ...]
    question: bytes
    requests: int = 1


@dataclass(frozen=True)
class ToySession:
    """One connection. It has `read`, and so it polls."""

    link: ToyLink
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self, plan: ToyPlan) -> api.Frame:
        """Ask for all tags at once, take one line for each."""
        answers: list[tuple[api.Value, str]] = []
        try:
            async with self.lock, asyncio.timeout(self.link.timeout_s):
                if self.writer.is_closing():
                    raise api.SessionLost(f"{self.link}: the session is over")
                self.writer.write(plan.question)
                answers = [decode(tag, await self.reader.readuntil()) for tag in plan.tags]
        except TimeoutError as error:
            raise api.NoReply(f"{self.link}: no answer", device=plan.device) from error
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            raise api.SessionLost(f"{self.link}: {error}") from error
        finally:
            if not answers:  # cancelled, too: what comes now is nobody's answer
                self.writer.transport.abort()
        values = tuple(value for value, _ in answers)
        bad = {at: reason for at, (_, reason) in enumerate(answers) if reason} or None
        codes = bytes(0 if at in bad else 192 for at in range(len(values))) if bad else None
        return api.Frame(plan.device, plan.group, time.time_ns(), values, None, codes, bad)


def decode(tag: api.Tag, line: bytes) -> tuple[api.Value, str]:
    """Give (value, "") or (None, reason); a line about another tag ends the session."""
    name, _, text = line.decode(errors="replace").strip().partition("=")
    if name != tag.address:
        raise api.SessionLost(f"asked for {tag.address}, got {line[:40]!r}")
    try:
        return PARSERS[tag.data_type](text), ""
    except ValueError:
        return None, text[:40] or "empty"


class ToyDriver:
    name, config, session, api_version = "toy", ToyConfig, ToySession, (1, 0)

    def link(self, config: ToyConfig) -> ToyLink:
        return ToyLink(config.host, config.port, config.timeout_s)

    def plan(
        self, config: ToyConfig, tags: Sequence[api.Tag], *, device: str, group: str
    ) -> ToyPlan:
        if bad := [t for t in tags if not (t.address.isidentifier() and t.data_type in PARSERS)]:
            why, zh = "not the name of an int64 or float64", "不是 int64 或 float64 变量的名称"
            problems = [api.AddressProblem(t.name, t.address, why, why_zh=zh) for t in bad]
            raise api.AddressError(problems, device=device)
        question = "".join(f"{tag.address}?\n" for tag in tags).encode()
        return ToyPlan(device, group, tuple(tags), question)

    @asynccontextmanager
    async def open(self, link: ToyLink) -> AsyncIterator[ToySession]:
        try:
            async with asyncio.timeout(link.timeout_s):
                reader, writer = await asyncio.open_connection(link.host, link.port, limit=256)
        except OSError as error:  # a TimeoutError is one
            raise api.ConnectError(f"{link}: {error or 'no connection in time'}") from error
        with closing(writer):
            yield ToySession(link, reader, writer)


DRIVER = ToyDriver()  # what the entry point names
