"""The enterprise, its processes and machines, as declared, and how its rate is computed."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic resolves it at run time
from enum import StrEnum

from pydantic import Field

from agent.config.section import Identifier, Section


class IndustryKind(StrEnum):
    """Decides which control systems count in the strict set."""

    DISCRETE = "discrete"
    PROCESS = "process"
    MIXED = "mixed"


class Enterprise(Section):
    """Whose machines these are."""

    id: Identifier = Field(description="Id of the enterprise; part of every topic.")
    name: str = Field("", description="Registered name.")
    uscc: str = Field("", description="Unified social credit code, 18 characters.")
    region: str = Field("", description="GB/T 2260 county code, 6 digits.")
    industry: str = Field("", description="GB/T 4754 class, such as C3484.")
    industry_edition: str = Field("2017", description="Edition of GB/T 4754.")
    industry_kind: IndustryKind = Field(IndustryKind.DISCRETE, description="Kind of production.")


class ControlType(StrEnum):
    """How a machine is controlled. Source: docs/specs/rate, enums."""

    MANUAL = "manual"
    RELAY = "relay"
    NC = "NC"
    CNC = "CNC"
    DNC = "DNC"
    FMC = "FMC"
    PLC = "PLC"
    DCS = "DCS"
    PCS = "PCS"
    ROBOT = "robot"


class Process(Section):
    """One process of the enterprise."""

    id: Identifier = Field(description="Id of the process.")
    name: str = Field("", description="Name, such as 车削.")
    key: bool = Field(True, description="Whether the enterprise declares it a key process.")
    outsourced: str = Field("", description="Who does it outside, and why; then it does not count.")
    valid_from: date | None = Field(None, description="First day it counts.")
    valid_to: date | None = Field(None, description="Last day it counts.")
    declared_by: str = Field("", description="Who signed.")
    declared_on: date | None = Field(None, description="When it was signed.")
    document: str = Field("", description="The process document it rests on (工艺文件).")


class Equipment(Section):
    """One machine of the ledger (设备台账)."""

    id: Identifier = Field(description="Equipment number (设备编号), as on the nameplate.")
    name: str = Field("", description="Name.")
    maker: str = Field("", description="Maker.")
    model: str = Field("", description="Model.")
    serial: str = Field("", description="Serial number (出厂编号).")
    controller: str = Field("", description="Control system (数控系统).")
    control_type: ControlType = Field(description="How it is controlled.")
    processes: tuple[Identifier, ...] = Field((), description="Processes it can run.")
    device: Identifier | None = Field(None, description="Device whose data comes from it.")
    in_service_from: date | None = Field(None, description="First day in service.")
    in_service_to: date | None = Field(None, description="Last day in service.")


class RateMethod(StrEnum):
    """The five formulas. Source: docs/specs/rate."""

    ANY = "any"
    ALL = "all"
    MEAN = "mean"
    POOL = "pool"
    DEDUP = "dedup"


class ControlSet(StrEnum):
    """Which control types count as numerically controlled."""

    STRICT = "strict"
    BROAD = "broad"


class Rate(Section):
    """How the key-process CNC rate (关键工序数控化率) is computed and proven."""

    method: RateMethod = Field(RateMethod.MEAN, description="The headline formula.")
    control_set: ControlSet = Field(ControlSet.STRICT, description="The headline set.")
    period_days: int = Field(30, ge=1, le=366, description="Days that evidence is counted over.")
    min_days: int = Field(5, ge=1, le=366, description="Least days observed for 'observed'.")
    min_day_share: float = Field(0.5, ge=0, le=1, description="Least share of scheduled days.")
    scheduled_days: int | None = Field(
        None, ge=1, le=366, description="Production days in the period; none: every day counts."
    )
    emit_every_s: float = Field(3600, ge=1, le=86_400, description="How often it is published.")
