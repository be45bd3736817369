"""Why a machine has its standing, and why a rate is missing: stable codes and their sentences.

A sentence says what was seen and, where a person can do something, what to do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from agent.kpi.rates import NullReason
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from agent.kpi.evidence import Assessment, Demand


class Reason(StrEnum):
    """Code of the reason; stable, never renamed."""

    VERIFIED = "verified"
    NOT_CLAIMED = "not_claimed"
    NOT_IN_SERVICE = "not_in_service"
    NO_KEY_PROCESS = "no_key_process"
    SAME_SOURCE = "same_source"
    NO_DEVICE = "no_device"
    TOO_FEW_SCHEDULED_DAYS = "too_few_scheduled_days"
    NO_DATA = "no_data"
    TOO_FEW_DAYS = "too_few_days"
    NO_CHANGE = "no_change"
    NO_CONTROL_IDENTITY = "no_control_identity"


_SENTENCES = {
    Reason.VERIFIED: Message(
        en="data on {seen} of the last {period} days ({needed} needed), values change, and some "
        "of them only its own controller can tell",
        zh="近 {period} 天有 {seen} 天采到有效数据（要求 {needed} 天），数值有变化，"
        "且含数控系统自身的数据",
    ),
    Reason.NOT_CLAIMED: Message(
        en="control type {control_type} does not count as numerically controlled here",
        zh="控制方式为{control_type}，按本口径不计入数控设备",
    ),
    Reason.NOT_IN_SERVICE: Message(en="not in service on {last}", zh="{last} 当日不在役，不计入"),
    Reason.NO_KEY_PROCESS: Message(
        en="runs no key process, so it does not count", zh="不承担关键工序，不计入"
    ),
    Reason.SAME_SOURCE: Message(
        en="the data of device {device} are also claimed by {rivals}; give each machine its own "
        "device in the ledger",
        zh="与 {rivals} 登记了同一个采集设备 {device}，无法区分数据属于哪台机床；"
        "请在台账中为每台机床登记各自的采集设备",
    ),
    Reason.NO_DEVICE: Message(
        en="the ledger names no device for it; connect it and enter the device, or have it "
        "checked on site",
        zh="台账中未登记采集设备；请接入后填写，确实没有通讯接口的可由评估人员现场核验",
    ),
    Reason.TOO_FEW_SCHEDULED_DAYS: Message(
        en="only {scheduled} production days are scheduled in the period, {min_days} are the "
        "least for a judgement; choose a longer period",
        zh="统计期内计划生产日仅 {scheduled} 天，少于评定所需的 {min_days} 天；请延长统计期",
    ),
    Reason.NO_DATA: Message(
        en="no good value from device {device} in the last {period} days; check cable, address "
        "and point table",
        zh="近 {period} 天未从采集设备 {device} 采到有效数据；请检查接线、通讯地址和点表",
    ),
    Reason.TOO_FEW_DAYS: Message(
        en="data on {seen} days, {needed} needed; keep collecting, and see why days are missing",
        zh="仅 {seen} 天采到有效数据，要求 {needed} 天；请继续采集，并查明缺数据的原因",
    ),
    Reason.NO_CHANGE: Message(
        en="data arrive, but no value ever changed within a day; check that the points are the "
        "right ones and the machine is in use",
        zh="采到了数据，但各点位的值全天不变；请核对点位是否接对、机床是否在用",
    ),
    Reason.NO_CONTROL_IDENTITY: Message(
        en="the data show that it runs, but nothing only a controller can tell; add points such "
        "as program, mode, axis position or tool (an energy meter is no proof)",
        zh="数据能说明机床在运行，但没有一个点位来自数控系统自身；"
        "请增加程序名、工作方式、轴位置、刀号等点位（电表、加装传感器不能作为数控依据）",
    ),
}

_NULLS = {
    NullReason.NO_KEY_PROCESS: Message(
        en="no key process is valid on this day, so there is no rate",
        zh="当日没有有效的关键工序，无法计算",
    ),
    NullReason.NO_MACHINE: Message(
        en="no machine can run a key process, so there is no rate over machines",
        zh="没有可承担关键工序的设备，按设备台数无法计算",
    ),
    NullReason.TOO_FEW_SCHEDULED_DAYS: Message(
        en="too few production days are scheduled in the period for a verified rate; choose a "
        "longer period",
        zh="统计期内计划生产日过少，无法给出已验证的数控化率；请延长统计期",
    ),
    NullReason.NO_DECLARED_MACHINE: Message(
        en="no machine is declared as numerically controlled, so there is nothing to cover",
        zh="没有申报数控设备，无覆盖率可言",
    ),
    NullReason.NO_ENTERPRISE_ASSESSED: Message(
        en="no enterprise could be assessed", zh="没有可评定的企业"
    ),
    NullReason.NO_ENTERPRISE_IN_SCOPE: Message(
        en="no enterprise is in scope", zh="统计范围内没有企业"
    ),
}

CONTROL_NAMES_ZH = {"manual": "手动", "relay": "继电器", "robot": "工业机器人"}
"""Control types that are words; the others are the same abbreviation in both languages."""


def sentence(assessment: Assessment, asked: Demand) -> Message:
    """Say in both languages why a machine has its standing."""
    control_type = assessment.machine.control_type.value
    values = {
        "seen": assessment.seen.days,
        "needed": asked.needed_days,
        "period": asked.period_days,
        "scheduled": asked.scheduled_days,
        "min_days": asked.min_days,
        "last": asked.last.isoformat(),
        "device": assessment.machine.device or "",
    }
    template = _SENTENCES[assessment.reason]
    rivals = assessment.rivals
    return Message(
        en=template.en.format(**values, control_type=control_type, rivals=", ".join(rivals)),
        zh=template.zh.format(
            **values,
            control_type=CONTROL_NAMES_ZH.get(control_type, f" {control_type}"),
            rivals="、".join(rivals),
        ),
    )


def null_sentence(reason: NullReason) -> Message:
    """Say in both languages why a rate cannot be given."""
    return _NULLS[reason]
