"""The vocabulary between drivers and their host: tags, frames, qualities.

A frame is columnar: one tuple of values for one read of one group, and beside it only what
deviates from "all good, all stamped at the read". No object exists per value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = bool | int | float | str | bytes | None
"""What a tag can hold; None where there is no value (its quality says why)."""


class Quality(IntEnum):
    """How far a value can be trusted, as OPC DA codes. Source: OPC DA 3.00, section 6.8."""

    BAD = 0
    UNCERTAIN = 64
    GOOD = 192


class DataType(StrEnum):
    """The type of a tag's raw value at the machine."""

    BOOL = "bool"
    BIT = "bit"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT16 = "float16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BCD16 = "bcd16"
    """Four decimal digits in 16 bits; an integer, as are the two below."""
    BCD32 = "bcd32"
    BCD64 = "bcd64"
    STRING = "string"
    DATETIME = "datetime"
    """ISO 8601 text; without a zone where the device's clock has none."""
    AUTO = "auto"
    """The server knows (OPC UA); a driver without typed addresses refuses it in `plan`."""


class Access(StrEnum):
    """What may be done with a tag."""

    READ = "read"
    READ_WRITE = "read_write"


class ClockSource(StrEnum):
    """Who stamped a frame's values."""

    AGENT = "agent"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Tag:
    """One point of a device, as the point table names it."""

    name: str
    """Metric name, unique within the device, such as `spindle.speed`."""
    address: str
    """Where the driver finds it, in the driver's own words."""
    data_type: DataType = DataType.AUTO
    unit: str = ""
    """UCUM code of the value after scaling; informative for a driver."""
    access: Access = Access.READ
    deadband: float = 0.0
    """Changes up to this, in the device's own number before scaling, are not wanted; 0: all are."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of the gateway's wall clock in which changes may have been missed."""

    from_ns: int
    """When the last that is known to be complete was received, UTC nanoseconds."""
    to_ns: int
    """When all points were known again."""
    reason: str
    """One word for the cause, such as `publish_gap`; lower case, `a-z_`."""


@dataclass(slots=True, eq=False)
class Frame:
    """One read of one group of one device. Every column has the length of `values`.

    A good value is never None, a BAD one always is; every value that is not good has its reason.

    A driver never changes a frame after handing it over. It may hand over the *same* `values`
    object as before when the device's answer was byte-identical: the host then skips work.
    """

    device: str
    group: str
    read_ns: int
    """Gateway wall clock, UTC nanoseconds, when the answer was complete."""
    values: tuple[Value, ...]
    columns: tuple[int, ...] | None = None
    """Which tag of the plan each value belongs to; None = all tags, in the plan's order."""
    qualities: bytes | None = None
    """One `Quality` per value; None = all good."""
    reasons: Mapping[int, str] | None = None
    """Position in `values` -> the protocol's symbolic status, for values that are not good."""
    times_ns: tuple[int, ...] | None = None
    """The device's own UTC stamp of each value, with `clock` DEVICE; None = all are `read_ns`."""
    clock: ClockSource = ClockSource.AGENT
    overflow: int = 0
    """Changes the device reported as lost before this frame (its queue ran over)."""
    gap: Gap | None = None
    """A span before this frame in which changes may be missing; a frame may hold nothing else."""
    backfill: bool = False
    """Whether the values come from the device's own history: older than what was given before."""

    @property
    def good(self) -> bool:
        """Whether every value of the frame is good."""
        return self.qualities is None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself; empty where it does not say."""

    maker: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    uri: str = ""
    raw: tuple[tuple[str, str], ...] = ()
    """Every (name, text) pair as read, for the evidence file."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What people should know of how a plan is served, such as points polled, not subscribed."""

    code: str
    """Stable word for the kind of remark, such as `polled_instead`; lower case, `a-z_`."""
    text: str
    """The remark in English."""
    zh: str
    """The remark in Chinese."""
    degraded: bool = False
    """Whether the plan is served worse than its configuration asks for."""
    tags: tuple[str, ...] = ()
    """Names of the tags it is about; empty = all of the plan."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One event that a device itself reports: an alarm, a condition, a message.

    Without kind and message it only marks that events are seen from here on: the first of a
    session does, and one may tell at once what was `lost`.
    """

    time_ns: int
    """The device's own stamp where it has one, else the receipt, UTC nanoseconds."""
    severity: int
    """1 to 1000, as in OPC UA; 0 where the device does not say."""
    source: str
    """What in the device it comes from, as the device names it."""
    kind: str
    """The type of the event, as the device names it."""
    message: str
    active: bool | None = None
    """Whether the condition holds now; None for an event without a state."""
    key: str = ""
    """Tells conditions of one source apart, and joins the reports of one condition."""
    lost: int = 0
    """Events the device reported as lost before this one."""
    acked: bool | None = None
    """Whether a person acknowledged the condition; None where the device does not say."""
    unseen: bool = False
    """It ended while nobody saw it: `time_ns` is when that was found, not when it was."""


@dataclass(frozen=True, slots=True)
class FoundPoint:
    """One point met while browsing; its address is accepted by the driver's `plan`."""

    address: str
    name: str
    data_type: DataType
    path: str = ""
    unit: str = ""
    access: Access = Access.READ
    value: Value = None
    description: str = ""
    low: float | None = None
    """Lower end of the range of the value, where the device tells it."""
    high: float | None = None
    """Upper end of the range."""
    time_ns: int | None = None
    """The device's stamp of the sample value."""
    states: tuple[tuple[int, str], ...] = ()
    """Number and name of each value of an enumeration."""
    model: str = ""
    """URI of the information model that defines the point, where there is one."""
    role: str = ""
    """Path of the point inside that model's type, such as `Monitoring/Spindle/Override`."""


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a plan, as people are shown it."""

    what: str
    """What is asked for, in the driver's own words, such as `hr:0 +16`."""
    tags: tuple[str, ...]
    """Names of the tags it serves."""
    unasked: int = 0
    """Addresses read along that no tag asked for."""
    duration_s: float | None = None
    """Expected time on the line, question, answer and rests included; None when unknown."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of one write, after reading the value back."""

    tag: Tag
    written: bool
    reason: str = ""
