"""The enterprise, its places, processes and machines, as declared, and how its rate is computed.

Only shapes: what must agree between records is checked by `agent.config.ledger_checks`. Defaults
never change: a record of the ledger's journal leaves them out.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic resolves it at run time
from enum import StrEnum

from agent.config.section import Identifier, Section
from drivers.api.shape import ConfigDict, Field


class LedgerSection(Section):
    """Base of what is declared: blanks around a text are dropped, in a spreadsheet as in YAML."""

    model_config = ConfigDict(str_strip_whitespace=True)


class IndustryKind(StrEnum):
    """Decides which control systems count in the strict set."""

    DISCRETE = "discrete"
    PROCESS = "process"
    MIXED = "mixed"


class Size(LedgerSection):
    """Figures of one year that decide the size tiers; they never leave the gateway."""

    year: int = Field(ge=1990, le=2100, description="Year the figures are of.")
    staff: int | None = Field(None, ge=0, description="Persons employed.")
    revenue_wan: float | None = Field(
        None, ge=0, description="Main-business revenue of the year, in 10 000 yuan (万元)."
    )
    output_wan: float | None = Field(
        None, ge=0, description="Output value of the year, in 10 000 yuan (万元)."
    )


class TitleKind(StrEnum):
    """Titles of the ladder for good small enterprises (梯度培育)."""

    INNOVATIVE = "innovative"
    """创新型中小企业"""
    SPECIALISED = "specialised"
    """专精特新中小企业"""
    LITTLE_GIANT = "little_giant"
    """专精特新“小巨人”企业"""


class Title(LedgerSection):
    """One title the enterprise was given."""

    kind: TitleKind = Field(description="Which title.")
    number: str = Field("", description="Number of the certificate.")
    issued_on: date = Field(description="Day of issue.")
    expires_on: date | None = Field(None, description="Last day; none: three years after issue.")


class Enterprise(LedgerSection):
    """Whose machines these are."""

    id: Identifier = Field(description="Id of the enterprise; part of every topic.")
    name: str = Field("", description="Registered name.")
    uscc: str = Field("", description="Unified social credit code, 18 characters.")
    region: str = Field("", description="GB/T 2260 county code, 6 digits.")
    park: str = Field(
        "", description="Development zone: its code (G or S and 6 digits) or its name."
    )
    industry: str = Field("", description="GB/T 4754 class, such as C3484.")
    industry_edition: str = Field("2017", description="Edition of GB/T 4754.")
    industry_kind: IndustryKind = Field(IndustryKind.DISCRETE, description="Kind of production.")
    chain: str = Field("", description="Industrial chain (产业链).")
    cluster: str = Field("", description="Cluster of the province's 51020 plan, by name or code.")
    size: Size | None = Field(None, description="Figures that decide the size tiers.")
    titles: tuple[Title, ...] = Field((), max_length=20, description="Titles it was given.")


class LocationKind(StrEnum):
    """What a place is."""

    SITE = "site"
    WORKSHOP = "workshop"
    LINE = "line"


class Location(LedgerSection):
    """A site, a workshop or a line; all of them count under the enterprise's one code."""

    id: Identifier = Field(description="Id of the place.")
    kind: LocationKind = Field(description="site, workshop or line.")
    name: str = Field("", description="Name, such as 一车间.")
    inside: Identifier | None = Field(None, description="Place it is a part of.")
    region: str = Field("", description="GB/T 2260 county code, where it differs.")
    park: str = Field("", description="Development zone, where it differs.")


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


class Process(LedgerSection):
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


class ProcessLink(LedgerSection):
    """A process a machine could run for some time only."""

    process: Identifier = Field(description="The process.")
    valid_from: date | None = Field(None, description="First day the machine could run it.")
    valid_to: date | None = Field(None, description="Last day the machine could run it.")


class DocumentKind(StrEnum):
    """What proves on paper that a machine is what the ledger says (E1)."""

    NAMEPLATE = "nameplate"
    CONTROLLER = "controller"
    INVOICE = "invoice"
    ASSET = "asset"
    """Entry in the register of fixed assets."""
    OTHER = "other"


class MachineDocument(LedgerSection):
    """One paper or photo about a machine; the file itself stays with the enterprise."""

    kind: DocumentKind = Field(description="What it is.")
    number: str = Field("", description="Invoice or asset number.")
    sha256: str = Field(
        "", pattern=r"^([0-9a-f]{64})?$", description="SHA-256 of the photo or scan, hexadecimal."
    )
    on: date | None = Field(None, description="Day it bears.")


class Witness(LedgerSection):
    """An assessor saw the machine run, at the machine and on the platform (E5)."""

    on: date = Field(description="Day of the visit.")
    by: str = Field(min_length=1, description="Name and body of the assessor.")
    saw: str = Field("", description="What was seen, such as spindle on and off.")


class Equipment(LedgerSection):
    """One machine of the ledger (设备台账)."""

    id: Identifier = Field(description="Equipment number (设备编号), as on the nameplate.")
    name: str = Field("", description="Name.")
    maker: str = Field("", description="Maker.")
    model: str = Field("", description="Model.")
    serial: str = Field("", description="Serial number (出厂编号).")
    controller: str = Field("", description="Control system (数控系统).")
    control_type: ControlType = Field(description="How it is controlled.")
    processes: tuple[Identifier, ...] = Field((), description="Processes it can run.")
    links: tuple[ProcessLink, ...] = Field(
        (), max_length=100, description="Processes it can run from or until some day only."
    )
    part_of: Identifier | None = Field(
        None, description="Cell (FMC) or line it is a part of; the whole counts, its parts do not."
    )
    location: Identifier | None = Field(None, description="Site, workshop or line it stands in.")
    device: Identifier | None = Field(None, description="Device whose data comes from it.")
    in_service_from: date | None = Field(None, description="First day in service.")
    in_service_to: date | None = Field(None, description="Last day in service.")
    declared_by: str = Field("", description="Who signed.")
    declared_on: date | None = Field(None, description="When it was signed.")
    documents: tuple[MachineDocument, ...] = Field(
        (), max_length=100, description="Papers and photos that prove it."
    )
    witnessed: tuple[Witness, ...] = Field(
        (), max_length=100, description="Visits at which it was seen running."
    )

    def can_run(self, process: str, day: date) -> bool:
        """Tell whether the machine can run a process on a day, whatever its service."""
        return process in self.processes or any(
            link.process == process and within(day, link.valid_from, link.valid_to)
            for link in self.links
        )


def within(day: date, first: date | None, last: date | None) -> bool:
    """Tell whether a day lies in a span, both ends included; an open end is open."""
    return (first is None or first <= day) and (last is None or day <= last)


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
