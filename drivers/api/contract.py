"""The contract of a driver: a pure half that plans, and sessions with small capabilities.

A driver never retries, schedules, scales or stores: the host does. `plan` does no I/O. A session
exists or it does not: `open` gives one, leaving the block ends it, and none is used twice.
What a session can do is told by the protocols its class satisfies (`issubclass`), not by flags.

Several tasks call one session at once, one per poll group: a session gives each its own answer and
serialises what its wire cannot interleave. A call may be cancelled at any moment; afterwards the
session answers what is asked next, or is lost. A lost session goes on raising SessionLost.

Times are seconds where a name ends in `_s`, UTC nanoseconds where it ends in `_ns`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from drivers.api.config import DeviceConfig

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Hashable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from drivers.api.errors import AddressProblem
    from drivers.api.types import (
        Alert,
        FoundPoint,
        Frame,
        Identity,
        PlannedRequest,
        Remark,
        Tag,
        Value,
        WriteResult,
    )

API_VERSION = (1, 2)
"""(major, minor): additive within a major; a driver states what it was built for."""


class Plan(Protocol):
    """A driver's compiled way to read some tags of one device; opaque but for these."""

    @property
    def device(self) -> str:
        """Id of the device the plan reads."""

    @property
    def group(self) -> str:
        """Name of the poll group the plan reads."""

    @property
    def tags(self) -> Sequence[Tag]:
        """The tags, in the order in which frames carry their values."""

    @property
    def requests(self) -> int:
        """How many requests one read takes."""


@runtime_checkable
class Explains(Protocol):
    """Plans that can show their requests to a person before anything is sent."""

    def explain(self) -> Sequence[PlannedRequest]:
        """Give every request of one read, in the order they are sent."""


@runtime_checkable
class Warns(Protocol):
    """Plans that know of addresses which are right today and may be another point tomorrow."""

    def warnings(self) -> Sequence[AddressProblem]:
        """Give each such address with its danger and what to write instead."""


@runtime_checkable
class Learns(Protocol):
    """Plans that find out, while being read, what their device can bear.

    The host keeps the lessons and hands them to the same plan of a later life.
    """

    @property
    def lessons(self) -> str:
        """What was found out so far, in the driver's own words (JSON); empty when nothing."""

    def recall(self, lessons: str) -> None:
        """Take up earlier lessons; what cannot be understood, or is too old, is dropped."""


PlanT_co = TypeVar("PlanT_co", bound=Plan, covariant=True)
PlanT_contra = TypeVar("PlanT_contra", bound=Plan, contravariant=True)
ConfigT = TypeVar("ConfigT", bound=DeviceConfig)
LinkT = TypeVar("LinkT", bound="Hashable")


@runtime_checkable
class Polls(Protocol[PlanT_contra]):
    """Sessions that read on demand."""

    async def read(self, plan: PlanT_contra) -> Frame:
        """Read every tag of the plan once; a point that fails is BAD with its reason.

        Raises:
            NoReply, SessionLost: the session is over.
            Silent: the device kept silent; the session goes on for the others.
            Busy: the device wants the read repeated later.
        """


@runtime_checkable
class Subscribes(Protocol[PlanT_contra]):
    """Sessions that are told of changes."""

    def subscribe(self, plan: PlanT_contra, *, interval_s: float) -> AsyncGenerator[Frame, None]:
        """Yield the current value of every tag, then changes, as frames.

        Frames wait in a buffer bounded by the driver; what did not fit is counted in
        `Frame.overflow` of the next one. Closing the iterator ends the subscription.
        """


@runtime_checkable
class Identifies(Protocol):
    """Sessions that can ask a device who it is."""

    async def identify(self, plan: Any) -> Identity:
        """Read maker, model, serial and firmware of the plan's device; empty if it cannot say."""


@runtime_checkable
class Browses(Protocol):
    """Sessions that can list what a device offers."""

    def browse(self, at: str | None = None) -> AsyncGenerator[FoundPoint, None]:
        """Walk lazily from an address (the root without one), nearest first."""


@runtime_checkable
class Remembers(Protocol[PlanT_contra]):
    """Sessions whose device keeps a history of its own."""

    def history(
        self, plan: PlanT_contra, *, from_ns: int, to_ns: int
    ) -> AsyncGenerator[Frame, None]:
        """Give what the device kept of a span, oldest first, as frames with `backfill`.

        Live values go on meanwhile and come first. Nothing is yielded where nothing is kept.

        Raises:
            SessionLost: the span is filled up to the last frame given.
        """


@runtime_checkable
class Remarks(Protocol[PlanT_contra]):
    """Sessions that can tell how they serve a plan."""

    def remarks(self, plan: PlanT_contra) -> Sequence[Remark]:
        """Tell what people should know; nothing where all is as configured. Does no I/O."""


@runtime_checkable
class Alerts(Protocol):
    """Sessions whose device reports events of its own."""

    def alerts(self, plan: Any) -> AsyncGenerator[Alert, None]:
        """Give events as they come, those of conditions that already hold first.

        Raises:
            SessionLost: the session, or its part that tells events, is over.
            Busy: the device has no room for it now.
            DriverError: the device gives no events.
        """


@runtime_checkable
class PlansAlerts(Protocol):
    """Drivers that can be told which events to ask a device for."""

    def plan_alerts(self, config: Any, *, device: str) -> Any:
        """Compile what `alerts` takes; None where the device is not to be asked. Pure: no I/O."""


@runtime_checkable
class Writes(Protocol):
    """Sessions that can write; the host calls this only where configuration enables it."""

    async def write(self, plan: Any, values: Mapping[Tag, Value]) -> Sequence[WriteResult]:
        """Write raw values one by one and read each back."""


@runtime_checkable
class Expands(Protocol):
    """Drivers whose addresses can name several values at once (arrays)."""

    def expand(self, tag: Tag) -> Sequence[Tag]:
        """Give one tag per value, named after the tag; the tag alone when it names one value.

        Raises:
            AddressError: the address asks for more values than the driver allows.
        """


class Driver(Protocol[ConfigT, LinkT, PlanT_co]):
    """What an entry point of the group `chulian.drivers` names."""

    @property
    def name(self) -> str:
        """The driver's name: its entry point, and the Literal of its configuration model."""

    @property
    def config(self) -> type[ConfigT]:
        """The model of one device's settings."""

    @property
    def session(self) -> type[Any]:
        """The class of the sessions; its protocols are the driver's capabilities."""

    @property
    def api_version(self) -> tuple[int, int]:
        """The `API_VERSION` the driver was built for."""

    def link(self, config: ConfigT) -> LinkT:
        """Tell how to reach the wire; devices with equal links share one session.

        What does not identify the wire (a timeout) stays out of the comparison; `str` of a link
        is its address for people and holds no secret.
        """

    def plan(self, config: ConfigT, tags: Sequence[Tag], *, device: str, group: str) -> PlanT_co:
        """Parse and validate every address and compile the requests. Pure: no I/O.

        Raises:
            AddressError: naming every bad address, when there is one.
        """

    def open(self, link: LinkT) -> AbstractAsyncContextManager[Any]:
        """Give a session on the link; leaving the block closes it.

        Raises:
            ConnectError: the link is not there.
            AccessError: it is, and refuses us.
        """
