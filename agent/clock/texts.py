"""What people are told of the clock, in both languages."""

from __future__ import annotations

from typing import Final

from agent.clock.clock import FREE, HOLD
from agent.telemetry.status import Message

_HOLD_TOLD_MS: Final = 1000
"""A clock that may be less wrong than this is not worth a line."""

NEVER_RIGHT: Final = Message(
    "The gateway's clock stands at a date that cannot be right. Data is collected and kept, and "
    "dated anew once the clock is set; after {minutes} min online without a time server it is sent "
    "all the same, marked as of uncertain time. Give the gateway a time server (NTP). If the clock "
    "goes wrong at every power-off, the battery on the board is empty.",
    "网关时钟的日期明显不对。数据照常采集并保存，校时后自动修正时间再上传；"
    "联网 {minutes} 分钟仍未对时的，也会上传，但标记为时间不可信。"
    "请为网关配置对时服务器（NTP）。如果每次断电后时间都会错，多半是主板电池没电了。",
)
HELD: Final = Message(
    "Nobody has set the gateway's clock since it was switched on. Data is collected and kept; it "
    "is sent as soon as the clock is set, after {minutes} min online without a time server at the "
    "latest, then marked as of uncertain time. Give the gateway a time server (NTP).",
    "网关开机后时钟还没有校准过。数据照常采集并保存，校时后立即上传；"
    "联网 {minutes} 分钟仍未对时的，也会上传，但标记为时间不可信。请为网关配置对时服务器（NTP）。",
)
UNVOUCHED: Final = Message(
    "Nobody vouches for the gateway's clock: data is sent marked as of uncertain time, and does "
    "not count as evidence for the rate. Give the gateway a time server (NTP).",
    "网关时钟没有可靠的对时来源：数据照常上传，但标记为时间不可信，也不计入数控化率的佐证天数。"
    "请为网关配置对时服务器（NTP）。",
)
ALONE: Final = Message(
    "The gateway has lost its time server; its clock runs on alone and may be {seconds} s wrong. "
    "Check the time server and the network.",
    "网关与对时服务器失去联系，时钟靠自身走时，目前误差可能有 {seconds} 秒。"
    "请检查对时服务器和网络。",
)
DATES_UNCHECKED: Final = Message(
    "The broker's certificate was accepted without its dates, because the gateway's clock is not "
    "set; authority, host name and purpose were checked. It is checked in full once the clock is.",
    "因网关时钟未校准，本次连接没有检查服务器证书的有效期（签发机构、主机名和用途均已核对）。"
    "校时后会重新完整校验。",
)


def note(state: str, *, plausible: bool, held: bool, hold_s: float, error_ms: int | None) -> (
    Message | None
):  # fmt: skip
    """Say what the clock's state means for the data and what to do; None when all is well."""
    if state == FREE and held:
        text, minutes = HELD if plausible else NEVER_RIGHT, f"{max(1, round(hold_s / 60))}"
        return Message(text.en.format(minutes=minutes), text.zh.format(minutes=minutes))
    if state == FREE:
        return UNVOUCHED
    if state == HOLD and error_ms is not None and error_ms >= _HOLD_TOLD_MS:
        seconds = f"{error_ms / 1000:.0f}"
        return Message(ALONE.en.format(seconds=seconds), ALONE.zh.format(seconds=seconds))
    return None
