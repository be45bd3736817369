"""Words and numbers of `chulian oee`: headings, what a figure is a share of, why one is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.kpi.oee import Missing
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

SHOWN = ("availability", "performance", "quality", "oee", "calendar", "spindle", "cutting")
"""The figures of the table, in its order; `--json` gives all."""

HEAD = tuple(
    Message(en=en, zh=zh)
    for en, zh in (
        ("machine", "设备"), ("shift", "班次"), ("planned", "计划"), ("running", "运行"),
        ("idle", "待机"), ("alarm", "报警"), ("setup", "调试"), ("off", "关机"),
        ("unknown", "未知"), ("parts", "件数"), ("A", "开动率"), ("P", "性能"),
        ("Q", "合格率"), ("OEE", "OEE"), ("use", "利用率"), ("spindle", "主轴"),
        ("cutting", "切削"),
    )
)  # fmt: skip
"""Headings of the table."""

DENOMINATORS: Mapping[str, Message] = {
    "availability": Message(
        en="A (availability) = running / planned time (shifts less breaks)",
        zh="开动率（时间开动率、稼动率）= 运行 / 计划时间（班次减去休息）",
    ),
    "performance": Message(
        en="P (performance) = parts x planned time of a part / running; may exceed 100 %",
        zh="性能（性能开动率）= 件数 × 单件计划时间 / 运行，可以超过 100 %",
    ),
    "quality": Message(en="Q (quality) = good parts / parts", zh="合格率 = 合格件数 / 件数"),
    "oee": Message(en="OEE = A x P x Q", zh="OEE（设备综合效率）= 开动率 × 性能 × 合格率"),
    "calendar": Message(
        en="use = running, in breaks and outside of shifts too / calendar time",
        zh="利用率 = 运行（含休息和班次外）/ 日历时间",
    ),
    "spindle": Message(
        en="spindle = spindle turning / power on", zh="主轴（主轴运转率）= 主轴转动 / 通电"
    ),
    "cutting": Message(
        en="cutting = cutting / spindle turning", zh="切削（切削率）= 切削 / 主轴转动"
    ),
}
"""What each figure is a share of."""

REASONS: Mapping[Missing, Message] = {
    Missing.NO_SHIFT: Message(
        en="no shift is configured (shifts.shifts): planned time is not known",
        zh="没有配置班次（shifts.shifts），不知道计划时间",
    ),
    Missing.NOTHING_PLANNED: Message(en="nothing was planned yet", zh="没有计划时间"),
    Missing.NO_STATE: Message(
        en="the state of the machine was not known at any time", zh="始终不知道设备状态"
    ),
    Missing.NO_COUNTER: Message(
        en="no counter of parts is read (oee.parts)", zh="没有采集产量计数（oee.parts）"
    ),
    Missing.NO_QUALITY_COUNTER: Message(
        en="neither good nor rejected parts are counted (oee.good, oee.scrap); "
        "100 % is never assumed",
        zh="没有采集合格品或不合格品计数（oee.good、oee.scrap）；不会默认按 100 % 计算",
    ),
    Missing.NO_CYCLE: Message(
        en="the planned time of a part is not given (oee.part_s)",
        zh="没有填写单件计划时间（oee.part_s）",
    ),
    Missing.NO_SIGNAL: Message(
        en="a signal is not read (oee.power, oee.spindle, oee.cutting)",
        zh="没有采集相应信号（oee.power、oee.spindle、oee.cutting）",
    ),
    Missing.NO_PARTS: Message(en="no part was made", zh="没有产出"),
    Missing.NOT_RUN: Message(en="what it is a share of is zero", zh="分母为零"),
    Missing.CONTRADICTION: Message(
        en="more good parts than parts: compare the counters",
        zh="合格件数大于件数，请核对计数器",
    ),
}
"""Why a figure is missing."""


def span(ms: int) -> str:
    """Give a time as hours:minutes:seconds."""
    minutes, seconds = divmod(ms // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def percent(figure: Fraction) -> str:
    """Give a ratio in percent, two decimals, halves rounded up."""
    hundredths = (figure * 20_000 + 1) // 2
    return f"{hundredths // 100}.{hundredths % 100:02}"
