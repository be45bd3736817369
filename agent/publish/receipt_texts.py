"""What is wrong with a platform's receipts and what to do, in both languages."""

from __future__ import annotations

from agent.telemetry.status import Message


def unreadable(why: str) -> Message:
    """Say that a message on `ack` is no receipt."""
    return Message(
        f"The platform sent a receipt that cannot be read: {why}. It was not used. "
        "Show the platform the format of ack in the payload specification.",
        f"平台发来的回执无法识别：{why}，已忽略。请平台方对照报文规范中的 ack 格式检查。",
    )


def foreign(epoch: str, ours: str) -> Message:
    """Say that a receipt speaks of another epoch."""
    return Message(
        f"The platform confirms rows of epoch {epoch}; this gateway's is {ours}. The receipt was "
        "not used, nothing is lost. It goes away when the platform confirms the new epoch.",
        f"平台回执的批次号为 {epoch}，本网关当前为 {ours}，该回执已忽略，数据不受影响。"
        "平台确认新批次后，此提示自动消失。",
    )


def beyond(number: int) -> Message:
    """Say that a receipt confirms what was never sent."""
    return Message(
        f"The platform confirms row {number}, which was never sent. The receipt was not used. "
        "Two gateways may have the same id, or the platform counts wrongly: ask it.",
        f"平台确认了从未发送过的第 {number} 行，该回执已忽略。"
        "可能有两台网关编号相同，或平台计数有误，请联系平台方核对。",
    )


def unconfirmed(seconds: float) -> Message:
    """Say that the platform confirms nothing."""
    return Message(
        f"The broker takes the data, but the platform has not confirmed it for {seconds:.0f} s. "
        "It is kept here and sent again. Ask the platform whether it stores data.",
        f"服务器已接收数据，但平台 {seconds:.0f} 秒未确认入库。数据保留在本机并会重发。"
        "请联系平台方确认入库是否正常。",
    )


def not_subscribed(topic: str, code: int) -> Message:
    """Say that the broker does not let us hear the platform's receipts."""
    return Message(
        f"The broker does not allow this gateway to listen to {topic} (0x{code:02x}). Without "
        "receipts nothing may leave. Ask the platform to grant it, or set ack: puback.",
        f"服务器不允许本网关订阅 {topic}（0x{code:02x}），收不到平台回执就不能清除数据。"
        "请联系平台方开通订阅权限，或配置 ack: puback。",
    )
