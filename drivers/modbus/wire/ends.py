"""How the end of a line and the silence of a device are worded, in both languages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.api import NoReply, SessionLost, Silent

if TYPE_CHECKING:
    from drivers.modbus.link import ModbusLink
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.framing import Request

_CLOSED_HINT = "another master may hold the device's only connection, or it closes idle connections"
_CLOSED_HINT_ZH = "可能有别的主站占用了设备唯一的连接，或者设备会断开空闲的连接"
_SILENT_HINT = (
    "check unit id, power and wiring; behind a serial gateway raise timeout_s above its own timeout"
)
_SILENT_HINT_ZH = "检查站号、电源和接线；经串口网关时，timeout_s 要大于网关自身的超时"


def ended(link: ModbusLink, error: Exception | None, *, answered: bool) -> SessionLost:
    """Word that the other side, or the network between, ended the line."""
    detail = f": {error}" if error else ""
    if link.carrier == "serial":
        return SessionLost(
            f"the serial port {link.host} is gone{detail}",
            zh=f"串口 {link.host} 已断开{detail}",
            hint="check whether the USB adapter is still plugged in",
            hint_zh="检查 USB 转串口是否松脱",
        )
    who, who_zh = ("DTU", "DTU ") if link.carrier == "listen" else ("device", "设备")
    when, when_zh = ("", "") if answered else (" before it answered anything", "，一次也没有应答")
    if error is not None:
        what, what_zh = "the connection broke", "连接中断"
    else:
        what, what_zh = f"the {who} closed the connection", f"{who_zh}断开了连接"
    return SessionLost(
        f"{what}{when}{detail}",
        zh=f"{what_zh}{when_zh}{detail}",
        hint=_CLOSED_HINT,
        hint_zh=_CLOSED_HINT_ZH,
    )


def silent(request: Request, terms: Terms, *, partial: bool, lives_on: bool) -> Silent | NoReply:
    """Word that a unit did not answer in time; NoReply where the line ends with it."""
    nothing, nothing_zh = (
        ("only part of an answer", "只收到一部分应答") if partial else ("no answer", "没有应答")
    )
    kind = Silent if lives_on else NoReply
    return kind(
        f"unit {request.unit}: asked for {request.asked}, {nothing} within {terms.timeout_s:g} s",
        device=terms.device,
        zh=f"站号 {request.unit}：请求 {request.asked}，{terms.timeout_s:g} 秒内{nothing_zh}",
        hint=_SILENT_HINT,
        hint_zh=_SILENT_HINT_ZH,
    )


def over(why: SessionLost, device: str) -> SessionLost:
    """Word a line's end for a read that was not its cause."""
    return SessionLost(
        f"the connection is over: {why}",
        device=device,
        zh=f"连接已结束：{why.zh}" if why.zh else "",
        hint=why.hint,
        hint_zh=why.hint_zh,
    )


def closed_by_us() -> SessionLost:
    """Word that the session was left."""
    return SessionLost("the session was closed", zh="会话已关闭")


def cancelled() -> SessionLost:
    """Word that a read was given up in its midst."""
    return SessionLost(
        "a read was cancelled while its answer was due", zh="应答到来之前，这次读取被取消"
    )
