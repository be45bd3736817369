"""Effectiveness of a machine in one shift: exact ratios of milliseconds and parts. Pure.

Formulas of ISO 22400-2; the shop terms (开动率, 利用率, …) have no single definition, so each
figure's denominator is named. A figure that cannot be given is None with a reason, never 0 and
never 100 %: without a counter of parts there is no quality and no OEE. Source: docs/specs/oee.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias


class Missing(StrEnum):
    """Why a figure cannot be given."""

    NO_SHIFT = "no_shift"
    """No shift is configured: there is no planned time."""
    NOTHING_PLANNED = "nothing_planned"
    NO_STATE = "no_state"
    """The state of the machine was not known at any time."""
    NO_COUNTER = "no_part_counter"
    NO_QUALITY_COUNTER = "no_quality_counter"
    NO_CYCLE = "no_planned_cycle"
    NO_SIGNAL = "no_signal"
    NO_PARTS = "no_parts"
    NOT_RUN = "not_run"
    CONTRADICTION = "contradiction"
    """The inputs exclude each other, as more good parts than parts."""


Figure: TypeAlias = Fraction | Missing
"""An exact ratio, or why there is none."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the figures are made of; None: not known. Times in ms, counts in parts."""

    planned_ms: int | None
    """Planned busy time (PBT): the shift without its breaks."""
    calendar_ms: int
    """All of the span, breaks too."""
    running_ms: int | None
    """Production time (APT) within planned time."""
    setup_ms: int = 0
    """Set-up time (AUST): processing time less production time."""
    alarm_ms: int = 0
    """Delay by faults (ADET)."""
    part_ms: Fraction | None = None
    """Planned run time of one part (PRI)."""
    parts: int | None = None
    """Parts made (PQ)."""
    good: int | None = None
    """Good parts (GQ)."""
    power_ms: int | None = None
    spindle_ms: int | None = None
    cutting_ms: int | None = None
    extra_ms: int = 0
    """Running outside of planned time: in breaks, before and after shifts."""


@dataclass(frozen=True, slots=True)
class Effectiveness:
    """Every figure of one machine and shift."""

    availability: Figure
    """running / planned"""
    performance: Figure
    """planned run time of the parts / running; may exceed 1"""
    quality: Figure
    """good parts / parts"""
    oee: Figure
    """availability x performance x quality"""
    net: Figure
    """NEE: (running + set-up) / planned x performance x quality"""
    utilization: Figure
    """running / (running + set-up + faults)"""
    setup: Figure
    """set-up / (running + set-up)"""
    technical: Figure
    """running / (running + faults)"""
    operating: Figure
    """开动率 (稼动率): cycle running / planned; equal to availability"""
    calendar: Figure
    """利用率: running / calendar time"""
    spindle: Figure
    """主轴运转率: spindle turning / power on"""
    cutting: Figure
    """切削率: cutting / spindle turning"""


def effectiveness(one: Inputs) -> Effectiveness:
    """Compute every figure that the inputs allow."""
    running, setup, alarm = one.running_ms, one.setup_ms, one.alarm_ms
    availability = _of_planned(running, one.planned_ms)
    performance, quality = _performance(one), _quality(one)
    busy = None if running is None else running + setup
    return Effectiveness(
        availability=availability,
        performance=performance,
        quality=quality,
        oee=_product(availability, performance, quality),
        net=_product(_of_planned(busy, one.planned_ms), performance, quality),
        utilization=_share(running, None if busy is None else busy + alarm, Missing.NO_STATE),
        setup=_share(setup, busy, Missing.NO_STATE),
        technical=_share(running, None if running is None else running + alarm, Missing.NO_STATE),
        operating=availability,
        calendar=_share(
            None if running is None else running + one.extra_ms, one.calendar_ms, Missing.NO_STATE
        ),
        spindle=_share(one.spindle_ms, one.power_ms, Missing.NO_SIGNAL),
        cutting=_share(one.cutting_ms, one.spindle_ms, Missing.NO_SIGNAL),
    )


def _of_planned(ms: int | None, planned_ms: int | None) -> Figure:
    if planned_ms is None:
        return Missing.NO_SHIFT
    if planned_ms == 0:
        return Missing.NOTHING_PLANNED
    return Missing.NO_STATE if ms is None else Fraction(ms, planned_ms)


def _performance(one: Inputs) -> Figure:
    if one.parts is None:
        return Missing.NO_COUNTER
    if one.part_ms is None:
        return Missing.NO_CYCLE
    if one.parts == 0:
        return Missing.NO_PARTS
    return _share(one.part_ms * one.parts, one.running_ms, Missing.NO_STATE)


def _quality(one: Inputs) -> Figure:
    if one.parts is None:
        return Missing.NO_COUNTER
    if one.good is None:
        return Missing.NO_QUALITY_COUNTER
    if one.parts == 0:
        return Missing.NO_PARTS
    if not 0 <= one.good <= one.parts:
        return Missing.CONTRADICTION
    return Fraction(one.good, one.parts)


def _share(part: Fraction | int | None, whole: int | None, unknown: Missing) -> Figure:
    if part is None or whole is None:
        return unknown
    return Missing.NOT_RUN if whole == 0 else Fraction(part, whole)


def _product(*figures: Figure) -> Figure:
    product = Fraction(1)
    for one in figures:
        if isinstance(one, Missing):
            return one
        product *= one
    return product
