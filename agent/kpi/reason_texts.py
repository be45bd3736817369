"""The sentences of reasons, in both languages: what was seen and, where one can, what to do."""

from __future__ import annotations

from typing import Final

from agent.telemetry.status import Message

SENTENCES: Final = {
    "verified": Message(
        en="data on {seen} of the last {period} days ({needed} needed), values change, and some "
        "of them only its own controller can tell",
        zh="近 {period} 天有 {seen} 天采到有效数据（要求 {needed} 天），数值有变化，"
        "且含数控系统自身的数据",
    ),
    "witnessed": Message(
        en="seen running by {by} on {on}",
        zh="{by} 于 {on} 现场核验，确认在用",
    ),
    "not_claimed": Message(
        en="control type {control_type} does not count as numerically controlled here",
        zh="控制方式为{control_type}，按本口径不计入数控设备",
    ),
    "not_in_service": Message(en="not in service on {last}", zh="{last} 当日不在役，不计入"),
    "part_of": Message(
        en="part of {whole}, which counts as one",
        zh="属于成套设备 {whole}，按整套计一台，不单独计入",
    ),
    "no_key_process": Message(
        en="runs no key process, so it does not count", zh="不承担关键工序，不计入"
    ),
    "same_source": Message(
        en="the data of device {device} are also claimed by {rivals}; give each machine its own "
        "device in the ledger",
        zh="与 {rivals} 登记了同一个采集设备 {device}，无法区分数据属于哪台机床；"
        "请在台账中为每台机床登记各自的采集设备",
    ),
    "duplicate_endpoint": Message(
        en="device {device} and device {rivals} read the same points at the same address "
        "({endpoint}); one machine cannot stand for two, correct the address",
        zh="采集设备 {device} 与 {rivals} 在同一地址（{endpoint}）读取相同点位，"
        "一台机床不能作两台计；请更正通讯地址",
    ),
    "simulator": Message(
        en="device {device} says that it is a simulator (“{said}”); connect the machine itself",
        zh="采集设备 {device} 自报为模拟器（“{said}”），不是真实机床；请接入机床本体",
    ),
    "identity_mismatch": Message(
        en="the ledger says {what} “{ledger_says}”, device {device} says “{device_says}”; correct "
        "the ledger, or connect the right machine",
        zh="台账登记的{what}为“{ledger_says}”，采集设备 {device} 自报为“{device_says}”；"
        "请更正台账或核对接线",
    ),
    "copied": Message(
        en="on {copied} days its measured values are those of device {other}, step by step (such "
        "as {day}: equal to {other_day}); have it checked on site",
        zh="有 {copied} 天的测量值与采集设备 {other} 的数据逐步相同"
        "（如 {day} 与 {other_day}），疑为复制；请现场核查",
    ),
    "flat_line": Message(
        en="on {flat_days} days it was told as running for {hours} hours, while nothing moved "
        "that must move then (axes, load, power, counters); check where the state comes from",
        zh="有 {flat_days} 天显示运行共 {hours} 小时，但轴位置、负载、功率、计数等全天不变；"
        "请核对运行状态的信号来源",
    ),
    "no_device": Message(
        en="the ledger names no device for it; connect it and enter the device, or have it "
        "checked on site",
        zh="台账中未登记采集设备；请接入后填写，确实没有通讯接口的可由评估人员现场核验",
    ),
    "too_few_scheduled_days": Message(
        en="only {scheduled} production days are scheduled in the period, {min_days} are the "
        "least for a judgement; choose a longer period",
        zh="统计期内计划生产日仅 {scheduled} 天，少于评定所需的 {min_days} 天；请延长统计期",
    ),
    "no_data": Message(
        en="no good value from device {device} in the last {period} days; check cable, address "
        "and point table",
        zh="近 {period} 天未从采集设备 {device} 采到有效数据；请检查接线、通讯地址和点表",
    ),
    "too_few_days": Message(
        en="data on {seen} days, {needed} needed; keep collecting, and see why days are missing",
        zh="仅 {seen} 天采到有效数据，要求 {needed} 天；请继续采集，并查明缺数据的原因",
    ),
    "no_change": Message(
        en="data arrive, but no value ever changed within a day; check that the points are the "
        "right ones and the machine is in use",
        zh="采到了数据，但各点位的值全天不变；请核对点位是否接对、机床是否在用",
    ),
    "no_transition": Message(
        en="its state was “{state}” for all of {hours} hours; check where the state comes from, "
        "or whether the machine is in use",
        zh="{hours} 小时内状态始终为“{state}”；请核对状态的信号来源、机床是否在用",
    ),
    "counter_back": Message(
        en="the counter {metric} went back {times} times, which is neither overflow nor reset; "
        "check its data type and word order",
        zh="计数 {metric} 倒退 {times} 次，既不是溢出也不是清零；请核对数据类型和字序",
    ),
    "too_regular": Message(
        en="{stays} changes of state in {seen} days, day and night, all at the same distance; "
        "no machine runs so, have it checked on site",
        zh="{seen} 天内 {stays} 次状态切换间隔完全相同且昼夜不停，与实际生产不符；请现场核查",
    ),
    "outside_shifts": Message(
        en="{hours} of its {all_hours} running hours lie outside every planned shift; correct "
        "the shift plan, or check the gateway's clock",
        zh="运行共 {all_hours} 小时，其中 {hours} 小时不在任何计划班次内；"
        "请更正班次设置或核对网关时钟",
    ),
    "alike": Message(
        en="on {copied} days its stays in each state are those of device {other}; if the two "
        "machines are linked, have them checked on site",
        zh="有 {copied} 天各状态的时长与采集设备 {other} 一致；"
        "若两台设备联动生产，请由评估人员现场核验",
    ),
    "duplicate_serial": Message(
        en="devices {device} and {rivals} give the same serial number {serial}; check whether "
        "both read one controller",
        zh="采集设备 {device} 与 {rivals} 自报的序列号同为 {serial}；"
        "请核对是否接到了同一台数控系统",
    ),
    "identity_unread": Message(
        en="device {device} has not yet been asked who it is; this is done with the first good "
        "values of a connection, and again the day after where no answer comes",
        zh="尚未读到采集设备 {device} 的身份信息；连接后采到第一批有效数据时自动询问，"
        "若无应答则次日再问",
    ),
    "no_control_identity": Message(
        en="the data show that it runs, but nothing only a controller can tell; add points such "
        "as program, mode, axis position or tool (an energy meter is no proof)",
        zh="数据能说明机床在运行，但没有一个点位来自数控系统自身；"
        "请增加程序名、工作方式、轴位置、刀号等点位（电表、加装传感器不能作为数控依据）",
    ),
}
"""Code of the reason -> its sentence; braces hold what was seen."""

WHAT_ZH: Final = {"controller": "数控系统", "model": "型号", "serial": "出厂编号"}
"""What an identity can differ in, in Chinese."""
WHAT_EN: Final = {"controller": "controller", "model": "model", "serial": "serial number"}

NULLS: Final = {
    "no_key_process": Message(
        en="no key process is valid on this day, so there is no rate",
        zh="当日没有有效的关键工序，无法计算",
    ),
    "no_machine": Message(
        en="no machine can run a key process, so there is no rate over machines",
        zh="没有可承担关键工序的设备，按设备台数无法计算",
    ),
    "too_few_scheduled_days": Message(
        en="too few production days are scheduled in the period for a verified rate; choose a "
        "longer period",
        zh="统计期内计划生产日过少，无法给出已验证的数控化率；请延长统计期",
    ),
    "no_declared_machine": Message(
        en="no machine is declared as numerically controlled, so there is nothing to cover",
        zh="没有申报数控设备，无覆盖率可言",
    ),
    "no_enterprise_assessed": Message(en="no enterprise could be assessed", zh="没有可评定的企业"),
    "no_enterprise_in_scope": Message(en="no enterprise is in scope", zh="统计范围内没有企业"),
}
"""Code of why a rate is missing -> its sentence."""
