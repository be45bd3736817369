"""What a person is told about a write, in Chinese and English; never parsed.

`REFUSALS` are the agent's own, by code; `REASONS` a driver's, by symbolic status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

REFUSALS: Mapping[str, Message] = {
    "malformed": Message("the request cannot be read", "请求内容无法识别"),
    "unknown_device": Message(
        "there is no device {device!r} that is collected (devices: {known})",
        "没有正在采集的设备 {device!r}（现有：{known}）",
    ),
    "unknown_tag": Message(
        "device {device} has no point {tag!r} (points that may be written: {known})",
        "设备 {device} 没有点位 {tag!r}（允许写的点位：{known}）",
    ),
    "not_enabled": Message(
        "{tag} may only be read. To allow writing, give the point a key 'write' in the "
        "configuration and restart the agent",
        "点位 {tag} 是只读的。确需允许写，请在配置中给该点位加上 write，并重启采集代理",
    ),
    "not_a_number": Message(
        "{text!r} is not a number; write it with digits, such as 12.5",
        "{text!r} 不是数值；请用半角数字填写，例如 12.5",
    ),
    "not_a_bool": Message(
        "{text!r} is neither on nor off; write 1 or 0", "{text!r} 不是开关量；请填写 1 或 0"
    ),
    "out_of_range": Message(
        "{text} is outside the limits {min:g} to {max:g}",
        "{text} 超出允许范围 {min:g} ～ {max:g}",
    ),
    "off_step": Message(
        "{text} is not {min:g} plus a multiple of {step:g}; next to it: {near}",
        "{text} 不在步长上（从 {min:g} 起，每步 {step:g}）；最接近的是 {near}",
    ),
    "not_representable": Message(
        "the device cannot hold {text} exactly; next to it: {near}",
        "设备无法精确表示 {text}；最接近的是 {near}",
    ),
    "too_soon": Message(
        "the last write to this point is less than {interval:g} s ago; wait {left:.1f} s",
        "距离上次写该点位不足 {interval:g} 秒，请再等 {left:.1f} 秒",
    ),
    "offline": Message(
        "the device is not connected at the moment", "设备当前未连接，请先恢复通信"
    ),
    "not_readable": Message(
        "the point cannot be read ({reason}), so what is written could not be checked; if it is "
        "meant to be so, set write.confirm: none",
        "该点位无法读取（{reason}），写后无法核对；若设备本来如此，请设 write.confirm: none",
    ),
    "cannot_write": Message(
        "the driver {driver} cannot write", "驱动 {driver} 不支持写"
    ),
}  # fmt: skip
"""Why nothing was sent."""

REASONS: Mapping[str, Message] = {
    "BadNotWritable": Message(
        "the point can only be read, at the device or for the driver",
        "该点位只能读：设备不允许写，或驱动不支持写",
    ),
    "BadUserAccessDenied": Message(
        "the user the agent logs in with may not write this point",
        "采集代理的登录用户没有写该点位的权限",
    ),
    "BadNodeIdUnknown": Message("the device has no such point", "设备上没有该点位"),
    "BadTypeMismatch": Message(
        "the value does not fit the point's type", "数值与点位的数据类型不符"
    ),
    "BadNotSupported": Message(
        "the device does not know this write function (exception 1)",
        "设备不支持该写功能码（异常码 1）",
    ),
    "BadConfigurationError": Message(
        "the device has no such address, or does not let it be written (exception 2)",
        "设备没有该地址，或该地址不允许写（异常码 2）",
    ),
    "BadOutOfRange": Message(
        "the device does not accept the value (exception 3)", "设备不接受该数值（异常码 3）"
    ),
    "BadDeviceFailure": Message(
        "the device failed while writing (exception 4)", "设备执行写操作时出错（异常码 4）"
    ),
    "BadNoCommunication": Message(
        "the gateway does not reach the device", "网关联系不上该设备"
    ),
    "BadUnknownResponse": Message(
        "the device confirmed something else than it was sent: another address may have been "
        "written. Check the machine before going on",
        "设备返回的确认与发送内容不一致，可能写到了别的地址。请先到现场核对设备",
    ),
    "BadTimeout": Message(
        "no answer came: the device may or may not have taken the value",
        "设备没有应答：数值可能已写入，也可能没有写入",
    ),
    "BadConnectionClosed": Message(
        "the connection ended before the answer: the device may or may not have taken the value",
        "应答之前连接中断：数值可能已写入，也可能没有写入",
    ),
    "BadResourceUnavailable": Message(
        "the device is busy: it may still take the value",
        "设备忙：数值可能稍后才生效，也可能没有写入",
    ),
    "BadReadBackDiffers": Message(
        "the device confirmed the write, but holds another value",
        "设备确认了写操作，但回读的数值不同",
    ),
    "BadReadBackFailed": Message(
        "the device confirmed the write, but the value could not be read back",
        "设备确认了写操作，但无法回读核对",
    ),
}  # fmt: skip
"""Why a write is not confirmed."""

DONE = Message("written and read back", "已写入，回读一致")
ACCEPTED = Message(
    "the device confirmed the write; it was not checked", "设备已确认写入，未回读核对"
)
READY = Message("may be written", "可以写入")
_OTHER = Message("the device refuses: {reason}", "设备拒绝：{reason}")


def refusal(code: str, **facts: object) -> Message:
    """Word a refusal of the agent."""
    text = REFUSALS[code]
    return Message(text.en.format(**facts), text.zh.format(**facts))


def reason(status: str) -> Message:
    """Word a driver's reason; one that is not known is shown as it is."""
    if status in REASONS:
        return REASONS[status]
    return Message(_OTHER.en.format(reason=status), _OTHER.zh.format(reason=status))
