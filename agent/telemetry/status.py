"""Immutable snapshots of the agent's state, built on demand and read by page, metrics and CLI.

Wall-clock times are UTC milliseconds since 1970 (`_ms`); None where the thing never happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.losses.spans import LossSpan
    from agent.telemetry.alarms import AlarmsStatus
    from drivers.api import Identity, Value


class DeviceState(StrEnum):
    """Where a device stands: with its supervisor, and `degraded` for points that fail."""

    IDLE = "idle"
    CONNECTING = "connecting"
    ONLINE = "online"
    DEGRADED = "degraded"
    BACKOFF = "backoff"
    FAULTED = "faulted"


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence for a person, in both languages."""

    en: str
    zh: str

    def text(self, language: str) -> str:
        """Give the sentence in `zh` or, for anything else, in English."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class TagStatus:
    """The last value of one tag."""

    name: str
    description: str
    unit: str
    value: Value
    quality: int
    """An OPC quality: 192 good, 64 uncertain, 0 bad."""
    reason: str
    time_ms: int | None
    """Source time of the value; it does not move when the device falls silent."""
    address: str = ""
    """Where the driver finds it."""


@dataclass(frozen=True, slots=True)
class ServiceRemark:
    """How some points of a device are served, where that is not as configured."""

    group: str
    code: str
    """Stable word for the kind, such as `polled_instead`."""
    message: Message
    degraded: bool
    """Whether the data are worse than the configuration asks for."""
    points: int
    """How many points it is about; 0 where it is about the group as a whole."""
    tags: tuple[str, ...]
    """The first of them by name."""


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device: its link, its counts and its last values."""

    id: str
    name: str
    driver: str
    link: str
    workshop: str
    line: str
    state: DeviceState
    since_ms: int
    last_data_ms: int | None
    machine_state: str
    """One of the six machine states; `unknown` unless a good `machine.state` is known now; empty
    for a device that has no such tag (a meter)."""
    reads: int
    failures: int
    missed: int
    """Polls that were due and not made."""
    lost_changes: int
    """Changes the device or a full buffer lost, as reported."""
    values: int
    problem: Message | None
    """What is wrong and what to do; None when all is well."""
    tags: Sequence[TagStatus]
    identity: Identity | None = None
    """What the device says of itself; None while it was not asked, empty where it cannot say."""
    on_line: int = 1
    """How many devices share its link, this one included."""
    remarks: tuple[ServiceRemark, ...] = ()
    """What its driver says of how its points are served now; those that degrade it first."""
    alarms: AlarmsStatus | None = None
    """The device's own alarms; None where it is not asked for them."""
    gaps: int = 0
    """Spans in which changes may have been missed."""
    past_values: int = 0
    """Values of its own history with which gaps were filled."""
    coalesced: int = 0
    """Values not stored since they lie on the line of a compressed trend."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows and of values in them."""

    rows: int = 0
    values: int = 0

    def __add__(self, other: Count) -> Count:
        """Give the sum of both."""
        return Count(self.rows + other.rows, self.values + other.values)

    def __sub__(self, other: Count) -> Count:
        """Give what is left of this one."""
        return Count(self.rows - other.rows, self.values - other.values)


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """The outbox; stored = acked + rejected + dropped + waiting holds at every instant."""

    epoch: str
    stored: Count
    acked: Count
    rejected: Count
    dropped: Count
    waiting: Count
    waiting_bytes: int
    limit_bytes: int
    oldest_ms: int | None
    """When the oldest waiting row was stored."""
    intake_frames: int
    """Frames collected and not yet committed."""
    commits: int
    problem: Message | None
    causes: Mapping[str, Count] = field(default_factory=dict)
    """What was dropped, by cause: `size`, `age`, `corrupt`, `medium`."""
    notice: Message | None = None
    """What became of the store's file at the start: set aside, lost rows; None when nothing did."""
    produced_values: int | None = None
    """Values that came in to be stored, counted where they come in; None where nobody counted."""
    intake_values: int = 0
    """Values collected and not yet committed."""
    losses: tuple[LossSpan, ...] = ()
    """What is missing, by cause and device, the latest first; kept over restarts."""

    @property
    def balanced(self) -> bool:
        """Whether the conservation law holds: in rows, in values, and with what is on its way."""
        parts = sum((self.acked, self.rejected, self.dropped, self.waiting), Count())
        produced = self.produced_values
        whole = produced is None or produced == parts.values + self.intake_values
        return self.stored == parts and whole


@dataclass(frozen=True, slots=True)
class DestinationStatus:
    """One MQTT destination."""

    name: str
    url: str
    protocol: str
    connected: bool
    since_ms: int
    connects: int
    in_flight: int
    sent_messages: int
    acked_messages: int
    problem: Message | None
    ack: str = "puback"
    """Whose word lets rows leave: `puback`, `watermark` or `reply`."""
    unconfirmed: int = 0
    """Rows that the broker took and the platform has not confirmed; 0 with `puback`."""
    policy: str = "must"
    """`must` or `best_effort`."""
    rows: StoreStatus | None = None
    """The store's law for this destination, where there are several; None where there is one."""


@dataclass(frozen=True, slots=True)
class EquipmentRate:
    """One machine of the ledger in the rate."""

    id: str
    name: str
    device: str | None
    control_type: str
    declared: bool
    """Whether its control type counts in the headline set."""
    level: str
    """Evidence level E0 to E5."""
    status: str
    """`verified`, `unverified`, `contradicted`, or `not_claimed` when not declared."""
    reason: str
    """Code of the reason, stable."""
    message: Message
    facts: dict[str, bool] = field(default_factory=dict)
    """`nc`, `digital`, `networked`, `observed`."""
    findings: tuple[str, ...] = ()
    """Codes of everything that speaks against it, the gravest first."""
    coverage: dict[str, Any] = field(default_factory=dict)
    """Days, hours, first and last time with data, seconds missing by cause."""


@dataclass(frozen=True, slots=True)
class RateStatus:
    """The key-process CNC rate as the page shows it; full figures come from `agent.kpi`."""

    method: str
    control_set: str
    as_of_ms: int
    declared: tuple[int, int] | None
    """Exact fraction (numerator, denominator); None = not assessable, see `null_reason`."""
    adjusted: tuple[int, int] | None
    verified: tuple[int, int] | None
    coverage: tuple[int, int] | None
    null_reason: str
    by_method: dict[str, tuple[tuple[int, int] | None, tuple[int, int] | None]]
    """Method -> (declared, verified)."""
    equipment: tuple[EquipmentRate, ...]
    neighbours: dict[str, Any] = field(default_factory=dict)
    """Digital and networked equipment: counts, shares, points of the self-assessment."""
    history: dict[str, Any] = field(default_factory=dict)
    """Rates of past days and months with what changed, oldest first: `days`, `months`."""
    key: str = ""
    """Public key that signs the daily digests, hexadecimal; empty before the first."""
    eased: Message | None = None
    """Which settings ask for less evidence than the rules do; None: none."""


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """The agent's own process."""

    resident_bytes: int
    """Memory of the process and its descendants."""
    limit_bytes: int | None
    """What it is to keep below; None where nothing limits it."""
    shed: tuple[str, ...]
    """What is done without to save memory, in the order in which it was given up."""
    open_files: int
    open_files_limit: int
    stalled: tuple[str, ...]
    """Stages that stand still."""
    problems: tuple[Message, ...]
    """What is wrong with the process, or with a configuration that was to be read again."""


@dataclass(frozen=True, slots=True)
class Status:
    """The whole agent at one instant."""

    version: str
    gateway: str
    gateway_name: str
    enterprise: str
    language: str
    started_ms: int
    now_ms: int
    clock: str
    """`sync`, `hold` or `free`: whether the wall clock can be trusted."""
    ready: bool
    """Whether every configured device has been tried and the store accepts rows."""
    devices: tuple[DeviceStatus, ...]
    store: StoreStatus
    destinations: tuple[DestinationStatus, ...]
    rate: RateStatus | None
    control: str = ""
    """Path of the socket that takes orders to write; empty where no point may be written."""
    clock_note: Message | None = None
    """What the clock's state means for the data and what to do; None when all is well."""
    process: ProcessStatus | None = None
    """The process itself; None where it is not watched."""
    shifts: tuple[tuple[str, str, str], ...] = ()
    """Device, shop day and record of each machine that is followed, of the two newest days."""
