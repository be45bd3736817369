"""The one vocabulary of what can be missing, and why: code, meaning, what to do, in two languages.

Every place that counts a loss uses a code of `CAUSES`; page, command line, metrics and
documentation read their words here. A code is stable: it is stored, published and alarmed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.telemetry.status import Message


class Unit(StrEnum):
    """What the amount of a cause counts."""

    POLLS = "polls"
    CHANGES = "changes"
    VALUES = "values"
    ALARMS = "alarms"
    SPANS = "spans"
    """Nobody can know how much it was: only the spans are counted."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is missing."""

    unit: Unit
    title: Message
    """A few words, for a table."""
    meaning: Message
    todo: Message
    lost: bool = True
    """Whether it is missing for good; False for what was made good again."""


def _cause(
    unit: Unit, title: tuple[str, str], meaning: tuple[str, str], todo: tuple[str, str]
) -> Cause:
    return Cause(unit, Message(*title), Message(*meaning), Message(*todo))


DEVICE_DOWN: Final = "device_down"
LATE: Final = "late"
BUSY: Final = "busy"
OVERFLOW: Final = "overflow"
GAP_LINK: Final = "gap_link"
GAP_DEVICE: Final = "gap_device"
GAP_QUEUE: Final = "gap_queue"
GAP_RESTART: Final = "gap_restart"
FILLED: Final = "gap_filled"
HISTORY_SHORT: Final = "history_short"
STOPPED: Final = "stopped"
KILLED: Final = "killed"
REJECTED: Final = "rejected"
CORRUPT: Final = "corrupt"
MEDIUM: Final = "medium"
BEHIND: Final = "behind"
ROW_CAUSES: Final = ("size", "age", CORRUPT, MEDIUM)
"""Causes for which the store itself drops rows: its counters hold the same figures."""

_NETWORK = (
    "Check power, cable and switch of the device.",
    "请检查设备电源、网线和交换机。",
)
_NOTHING = ("Nothing.", "无需处理。")

_COLLECTING: Final = {
    DEVICE_DOWN: _cause(
        Unit.POLLS, ("device did not answer", "设备无应答"),
        ("The device did not answer when it was to be read.", "到了采集时刻，设备没有应答。"),
        _NETWORK,
    ),
    LATE: _cause(
        Unit.POLLS, ("polled too late", "轮询来不及"),
        ("The line, the device or this box was slower than the interval, or the disk took no data.",
         "线路、设备或网关跟不上设定的采集周期，或磁盘拒绝写入。"),
        ("Lengthen interval_s, or read fewer points; `chulian check --plan` shows the load.",
         "请加大 interval_s 或减少点位；用 `chulian check --plan` 可查看每条线路的占用。"),
    ),
    BUSY: _cause(
        Unit.POLLS, ("device was busy", "设备忙"),
        ("The device answered that it is busy.", "设备答复“忙”，暂时不给数据。"),
        ("Lengthen interval_s of this device; ask whether another program reads it too.",
         "请加大该设备的 interval_s，并确认是否还有其他程序在读它。"),
    ),
    OVERFLOW: _cause(
        Unit.CHANGES, ("changes lost in a queue", "变化量被队列丢弃"),
        ("The device's or the gateway's queue ran over; so many changes were reported as lost.",
         "设备或网关的队列已满，所报的若干次变化未能取回。"),
        ("Lengthen the sampling interval of the group, or read fewer points.",
         "请加大该组的采样周期或减少点位。"),
    ),
    GAP_LINK: _cause(
        Unit.SPANS, ("subscription interrupted", "订阅中断"),
        ("The connection of a subscription was away; changes meanwhile are not known.",
         "订阅连接曾经中断，其间的变化无从得知。"),
        _NETWORK,
    ),
    GAP_DEVICE: _cause(
        Unit.SPANS, ("subscription had a hole", "订阅数据有缺口"),
        ("The device's server skipped messages, fell silent, or changed values without telling.",
         "设备服务器漏发消息、长时间不发，或数值变了却没有通知。"),
        ("Update the server; set `mode: poll` for the group if it happens daily.",
         "请升级设备的 OPC UA 服务器；若每天发生，可把该组设为 `mode: poll`。"),
    ),
    GAP_QUEUE: _cause(
        Unit.SPANS, ("queue ran over", "队列溢出"),
        ("A queue ran over; nobody knows how many changes went.",
         "队列溢出，丢了多少次变化无从得知。"),
        ("Lengthen the sampling interval of the group, or read fewer points.",
         "请加大该组的采样周期或减少点位。"),
    ),
    GAP_RESTART: _cause(
        Unit.SPANS, ("agent did not run (subscription)", "程序未运行（订阅）"),
        ("The agent itself did not run; changes of subscribed points meanwhile are not known.",
         "采集程序没有运行，其间订阅点位的变化无从得知。"),
        _NOTHING,
    ),
    HISTORY_SHORT: _cause(
        Unit.SPANS, ("history did not fill a gap", "历史数据未能补齐"),
        ("The device's own history did not reach back so far, or broke off.",
         "设备自身保存的历史不够长，或补采中途失败。"),
        ("Let the device keep more history, or raise `history.max_hours`.",
         "请让设备保存更长的历史，或加大 `history.max_hours`。"),
    ),
    "alarms_not_connected": _cause(
        Unit.SPANS, ("alarms not received", "未能接收报警"),
        ("Nobody listened to the device's own alarms.", "其间没有接收到设备自身的报警。"),
        _NETWORK,
    ),
    "alarms_device_queue": _cause(
        Unit.ALARMS, ("alarms lost by the device", "设备丢弃报警"),
        ("The device itself reported that its queue of alarms ran over.",
         "设备报告其报警队列溢出。"),
        ("Look for the alarm that comes too often at the machine.",
         "请到设备上查找频繁触发的报警。"),
    ),
    "alarms_rate_limit": _cause(
        Unit.ALARMS, ("alarms suppressed", "报警过多被抑制"),
        ("More alarms a minute than are let through.", "每分钟报警数超过允许的上限。"),
        ("Look for the alarm that comes too often; the limit is `max_per_minute`.",
         "请查找频繁触发的报警；上限见 `max_per_minute`。"),
    ),
}  # fmt: skip

_KEEPING: Final = {
    STOPPED: _cause(
        Unit.SPANS, ("agent was stopped", "程序停运"),
        ("The agent was stopped in order and started again later.",
         "采集程序被正常停止，后来重新启动。"),
        _NOTHING,
    ),
    KILLED: _cause(
        Unit.SPANS, ("agent was killed, or power went", "程序被终止或断电"),
        (("The agent ended without being told to. What it collected in the last commit interval "
         "(1 s by default) and had not stored is lost, and nothing was collected until its start."),
         ("采集程序意外终止。终止前一个提交间隔（默认 1 秒）内尚未入库的数据丢失，"
         "此后直到重新启动没有采集。")),
        ("Give the box a reliable supply; `journalctl -u chulian` says what ended it.",
         "请保证网关供电可靠；用 `journalctl -u chulian` 查看终止原因。"),
    ),
    "size": _cause(
        Unit.VALUES, ("store was full", "存储空间已满"),
        ("The oldest unsent rows were dropped over the limit of bytes.",
         "超出空间上限，最早的未发送数据被丢弃。"),
        ("Restore the way to the platform sooner, or raise `store.max_mb`.",
         "请尽快恢复与平台的连接，或加大 `store.max_mb`。"),
    ),
    "age": _cause(
        Unit.VALUES, ("too old", "超过保存期限"),
        ("Rows were not sent within the limit of age.", "数据在保存期限内未能发出。"),
        ("Restore the way to the platform, or raise `store.max_age_days`.",
         "请恢复与平台的连接，或加大 `store.max_age_days`。"),
    ),
    CORRUPT: _cause(
        Unit.VALUES, ("damaged by the medium", "存储介质损坏"),
        ("Rows whose checksum was false, or that could not be read; they are never sent.",
         "校验不符或无法读出的数据，绝不上报。"),
        ("Replace the card or disk soon.", "请尽快更换存储卡或磁盘。"),
    ),
    MEDIUM: _cause(
        Unit.VALUES, ("lost by the medium", "存储介质丢失"),
        ("Rows that were stored, and that the card did not keep.",
         "已写入、但存储卡没有保住的数据。"),
        ("Replace the card or disk soon.", "请尽快更换存储卡或磁盘。"),
    ),
    BEHIND: _cause(
        Unit.VALUES, ("gone before one destination had them", "个别上报目标未及取走"),
        (("One of several destinations was away while rows that the others have were cleared "
          "away; it never gets them."),
         "多个上报目标中有一个长时间不在线，其他目标已收到的数据到期清除，该目标不再收到。"),
        ("Set `policy: must` for it if it must have every row, or raise `store.keep_hours`.",
         "若该目标必须收到全部数据，请设为 `policy: must`，或加大 `store.keep_hours`。"),
    ),
    REJECTED: _cause(
        Unit.VALUES, ("refused by the platform", "被平台拒收"),
        ("The platform refused rows for good; they are kept aside.",
         "平台永久拒收的数据，已在本机另存。"),
        ("Settle it with the platform; the log says with which code.",
         "请与平台方核对；日志中有拒收代码。"),
    ),
}  # fmt: skip

_MADE_GOOD: Final = {
    FILLED: Cause(
        Unit.VALUES, Message("gaps filled from history", "已由历史补齐"),
        Message("A gap was filled wholly with what the device itself had kept.",
                "缺口已用设备自身保存的历史完整补齐。"),
        Message(*_NOTHING), lost=False,
    ),
}  # fmt: skip

CAUSES: Final = {**_COLLECTING, **_KEEPING, **_MADE_GOOD}
"""Code -> cause, in the order in which they are shown."""

_GAPS: Final = {
    "overflow": GAP_QUEUE,
    "buffer_full": GAP_QUEUE,
    "publish_gap": GAP_DEVICE,
    "subscription_silent": GAP_DEVICE,
    "changes_unnoticed": GAP_DEVICE,
    "agent_away": GAP_RESTART,
}


def cause_of_gap(reason: str) -> str:
    """Give the cause of a gap whose reason a driver or a link gave in a word of its own."""
    return _GAPS.get(reason, GAP_LINK)


def title_of(code: str) -> Message:
    """Give the few words of a cause; of one that is not known here, its code."""
    cause = CAUSES.get(code)
    return Message(code, code) if cause is None else cause.title
