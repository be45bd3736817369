"""What may be computed of a device's points: computed tags, its state, its effectiveness (OEE)."""

from __future__ import annotations

from typing import Final, Literal

from agent.config.section import MetricName, Section
from drivers.api.shape import Field

STATE_METRIC: Final = "machine.state"
"""The point that holds the state of a machine, read or computed."""

StateWord = Literal["running", "idle", "alarm", "setup", "off", "unknown"]


class ComputedTag(Section):
    """A point that is computed of other points of the same device and group."""

    name: MetricName = Field(description="Metric name, such as coolant.low.")
    value: str = Field(
        min_length=1, max_length=500, description="Expression, such as bit(status.word, 3)."
    )
    unit: str = Field("", max_length=32, description="UCUM unit of the result.")
    description: str = Field("", max_length=256, description="Name for people.")


class StateRule(Section):
    """One rule of a machine's state."""

    state: StateWord = Field(description="State while the condition holds.")
    when: str = Field(
        min_length=1, max_length=500, description="Condition, such as spindle.speed > 0."
    )


class States(Section):
    """How the state of the machine follows from its points; gives the point machine.state."""

    preset: str = Field("", description="Rules that are brought along, such as fanuc or plc-bits.")
    tags: dict[str, MetricName] = Field(
        default_factory=dict, description="What the preset asks for -> point of this device."
    )
    limits: dict[str, float] = Field(
        default_factory=dict, description="Numbers the preset asks for, such as running_kw."
    )
    rules: tuple[StateRule, ...] = Field(
        (), description="Own rules, before the preset's; the first that holds gives the state."
    )
    dwell_s: float = Field(
        2.0, ge=0, le=3600, description="A shorter state is not counted, only stored."
    )


class Compress(Section):
    """Lossy compression of a trend, with a bound (swinging door)."""

    deviation: float = Field(
        gt=0, description="A line between stored values is this near to every value read."
    )
    max_s: float = Field(600, gt=0, le=86_400, description="A value is stored at least this often.")


class Oee(Section):
    """Where the figures of effectiveness (OEE) come from; what is not there is not computed."""

    parts: MetricName | None = Field(None, description="Counter of parts made.")
    good: MetricName | None = Field(None, description="Counter of good parts.")
    scrap: MetricName | None = Field(None, description="Counter of rejected parts.")
    part_s: float | None = Field(
        None, gt=0, le=1_000_000, description="Planned run time of one part, seconds."
    )
    wrap: int | None = Field(
        None, ge=1, description="Count at which the counters begin anew at 0, such as 65536."
    )
    spindle: MetricName | None = Field(
        None, description="Point above 0, or true, while the spindle turns."
    )
    cutting: MetricName | None = Field(None, description="Point above 0, or true, while it cuts.")
    power: MetricName | None = Field(
        None, description="Point above 0, or true, while the machine is switched on."
    )
