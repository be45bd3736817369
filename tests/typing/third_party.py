"""A stranger's driver and a host that uses it; this file must pass `mypy --strict`.

It is never run. Every `type: ignore` is a claim: mypy reports it as unused if the contract were
to let the mistake pass.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, assert_type

from pydantic import Field

from drivers.api import (
    API_VERSION,
    AddressError,
    AddressProblem,
    DeviceConfig,
    Driver,
    DriverError,
    Frame,
    Identifies,
    Identity,
    Plan,
    Polls,
    Port,
    Seconds,
    Subscribes,
    Tag,
    Value,
)
from drivers.testing.conformance import Case, TcpCase, assert_frame_valid

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Sequence


class AcmeConfig(DeviceConfig):
    """Settings of one machine."""

    driver: Literal["acme"] = Field(description="Name of the driver.")
    host: str = Field(description="Address.")
    port: Port = Field(9000, description="TCP port.")
    timeout_s: Seconds = Field(1.0, description="Longest wait.")


@dataclass(frozen=True)
class AcmeLink:
    """How to reach the wire."""

    host: str
    port: int


@dataclass(frozen=True)
class AcmePlan:
    """What one read asks for."""

    device: str
    group: str
    tags: tuple[Tag, ...]
    requests: int


class AcmeSession:
    """Reads, subscribes, identifies."""

    async def read(self, plan: AcmePlan) -> Frame:
        """Read."""
        return Frame(plan.device, plan.group, 1, tuple(range(len(plan.tags))))

    async def subscribe(self, plan: AcmePlan, *, interval_s: float) -> AsyncGenerator[Frame, None]:
        """Subscribe."""
        del interval_s
        yield await self.read(plan)

    async def identify(self, plan: AcmePlan) -> Identity:
        """Identify."""
        return Identity(serial=plan.device)


class AcmeDriver:
    """The driver."""

    name = "acme"
    config = AcmeConfig
    session = AcmeSession
    api_version = API_VERSION

    def link(self, config: AcmeConfig) -> AcmeLink:
        """Tell the link."""
        return AcmeLink(config.host, config.port)

    def plan(self, config: AcmeConfig, tags: Sequence[Tag], *, device: str, group: str) -> AcmePlan:
        """Plan."""
        if bad := [tag for tag in tags if not tag.address]:
            raise AddressError([AddressProblem(t.name, t.address, "empty") for t in bad])
        return AcmePlan(device, group, tuple(tags), requests=config.port)

    @asynccontextmanager
    async def open(self, link: AcmeLink) -> AsyncIterator[AcmeSession]:
        """Open."""
        del link
        yield AcmeSession()


DRIVER = AcmeDriver()
exact: Driver[AcmeConfig, AcmeLink, AcmePlan] = DRIVER
loaded: Driver[Any, Any, Any] = DRIVER
polls: Polls[AcmePlan] = AcmeSession()
subscribes: Subscribes[AcmePlan] = AcmeSession()
identifies: Identifies = AcmeSession()


async def host(driver: Driver[Any, Any, Any], settings: dict[str, object]) -> tuple[Value, ...]:
    """Read once, as a host does: it knows protocols and no driver."""
    config = driver.config.model_validate(settings)
    link: Hashable = driver.link(config)
    plan: Plan = driver.plan(config, [Tag("a", "1")], device="m", group="g")
    try:
        async with driver.open(link) as session:
            frame: Frame = await session.read(plan)
    except DriverError as error:
        raise SystemExit(f"{error}: {error.hint}") from error
    assert_frame_valid(frame, plan, complete=True)
    assert_type(plan.requests, int)
    assert_type(frame.values[0], Value)
    return frame.values


async def exact_host() -> Frame:
    """Read with the driver's own types: what belongs together is known to."""
    link = exact.link(AcmeConfig(driver="acme", host="plc"))
    assert_type(link, AcmeLink)
    plan = exact.plan(AcmeConfig(driver="acme", host="plc"), [], device="m", group="g")
    assert_type(plan, AcmePlan)
    async with DRIVER.open(link) as session:
        return await session.read(plan)


class AcmeCase(TcpCase):
    """What the battery needs, typed."""

    driver = DRIVER
    reference = "acme:DRIVER"
    expected = {Tag("a", "1"): 1, Tag("b", "2"): 2}  # noqa: RUF012 - as an author would write it
    change = (Tag("a", "1"), 3)
    malformed = (Tag("x", ""), Tag("y", ""))
    timeout_s = 0.3

    def config_at(self, host: str, port: int) -> AcmeConfig:
        """Point at a server."""
        return AcmeConfig(driver="acme", host=host, port=port)

    async def serve(self) -> tuple[str, int]:
        """Start."""
        return "127.0.0.1", 9000

    async def shutdown(self) -> None:
        """Stop."""

    async def set(self, tag: Tag, value: Value) -> None:
        """Change."""


case: Case = AcmeCase()


class Speechless:
    """Has none of the methods of a session."""


def mistakes(tag: Tag, frame: Frame, config: AcmeConfig) -> None:
    """Hold what the types must refuse."""
    tag.name = "other"  # type: ignore[misc]
    frame.values = [1, 2]  # type: ignore[assignment]
    config.port = 1  # type: ignore[misc]
    Tag("a", 1)  # type: ignore[arg-type]
    wrong_session: Polls[AcmePlan] = Speechless()  # type: ignore[assignment]
    wrong_driver: Driver[Any, Any, Any] = Speechless()  # type: ignore[assignment]
    wrong_plan: Plan = Speechless()  # type: ignore[assignment]
    exact.link("acme://plc")  # type: ignore[arg-type]
    del wrong_session, wrong_driver, wrong_plan
