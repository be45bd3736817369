"""What a broker's refusal means and what to do about it, in both languages.

Reason codes: MQTT 5.0, section 2.4.
"""

from __future__ import annotations

import ssl
from enum import Enum
from typing import TYPE_CHECKING

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Sequence


class ConnectionRefused(Exception):  # noqa: N818 - says what is the case
    """The broker cannot be reached or does not want us."""

    def __init__(self, problem: Message) -> None:
        super().__init__(problem.en)
        self.problem = problem


class Verdict(Enum):
    """What an acknowledgement means for the rows of its message."""

    ACCEPTED = "accepted"
    LATER = "later"
    """Not now: keep the rows, wait, send again."""
    ALONE = "alone"
    """Something in the message is refused: send its rows one by one."""


ACCEPTED = 0x00
NO_SUBSCRIBERS = 0x10
QUOTA_EXCEEDED = 0x97
"""Of the whole connection; every other refusal is of one topic."""

PAUSES_S = {NO_SUBSCRIBERS: 10.0, 0x87: 60.0, QUOTA_EXCEEDED: 5.0}
"""How long nothing is sent on the topic after such an acknowledgement."""
PAUSE_S = 1.0
"""How long nothing is sent on the topic after any other refusal."""
MAX_TRIES = 3
"""How often a row that is refused on its own is sent before it is set aside."""


def judge(code: int, *, accept_no_subscriber: bool) -> Verdict:
    """Tell what a PUBACK's reason code means."""
    if code == ACCEPTED or (code == NO_SUBSCRIBERS and accept_no_subscriber):
        return Verdict.ACCEPTED
    return Verdict.LATER if code in PAUSES_S else Verdict.ALONE


def refused_publish(code: int, name: str) -> Message:
    """Say what a refused message means."""
    if code == NO_SUBSCRIBERS:
        return Message(
            "The broker has nobody to give the data to and would throw it away. It is kept here. "
            "Ask the platform to subscribe to data, hist and event, or set no_subscriber: accept.",
            "服务器上没有任何接收方，数据会被丢弃，因此暂存在本机。请联系平台方"
            "订阅 data、hist、event 三类主题，或配置 no_subscriber: accept。",
        )
    if code == 0x87:
        return Message(
            "The broker does not allow us to publish on our topic (0x87). The data is kept here. "
            "Ask the platform to grant this gateway its topics.",
            "服务器不允许本网关向该主题发布数据（0x87），数据暂存在本机。请联系平台方开通主题权限。",
        )
    return Message(
        f"The broker refused a message: {name} (0x{code:02x}). The data is kept here.",
        f"服务器拒绝了一条消息：{name}（0x{code:02x}），数据暂存在本机。",
    )


def too_large(what: str, size: int, limit: int) -> Message:
    """Say that no message may be so large; sending it all the same would end the connection."""
    return Message(
        f"A message may hold {limit} bytes, {what} has {size} and cannot be sent. Raise "
        "max_message_kb, and have the platform raise the broker's maximum packet size.",
        f"单条消息最多 {limit} 字节，{what} 为 {size} 字节，无法发送。"
        "请调大 max_message_kb，并联系平台方调大服务器的消息长度上限。",
    )


def refused_connect(code: int, name: str) -> ConnectionRefused:
    """Say why the broker ended the connection before it began."""
    if code in {0x86, 0x87}:
        return ConnectionRefused(
            Message(
                f"The broker refuses our login: {name}. Check user name, password and client id.",
                f"服务器拒绝登录：{name}。请核对用户名、密码和 client_id。",
            )
        )
    return ConnectionRefused(
        Message(
            f"The broker refuses the connection: {name}.",
            f"服务器拒绝连接：{name}。",
        )
    )


def unusable_certificates(files: Sequence[str], error: Exception) -> ConnectionRefused:
    """Say that the files of `publish.tls` cannot be read or are no PEM."""
    names = ", ".join(files)
    return ConnectionRefused(
        Message(
            f"The certificate files cannot be used: {names}: {error}. Check tls.ca, tls.cert and "
            "tls.key: each is a PEM file this user may read.",
            f"证书文件无法使用：{names}：{error}。请检查 tls.ca、tls.cert、tls.key 是否为可读取的"
            " PEM 文件。",
        )
    )


def unreachable(url: str, error: Exception) -> ConnectionRefused:
    """Say why the broker cannot be reached, or is not who it says it is."""
    if isinstance(error, ssl.SSLError):
        return ConnectionRefused(
            Message(
                f"{url}: the broker's certificate is not accepted: {error}. Nothing was sent. "
                "Check tls.ca, the host name in the certificate, and this box's clock.",
                f"{url}：服务器证书未通过校验：{error}。没有发送任何数据。"
                "请检查 tls.ca、证书中的主机名以及本机时间。",
            )
        )
    why = str(error) or type(error).__name__
    return ConnectionRefused(
        Message(
            f"{url}: cannot be reached: {why}. The data is kept here and sent later. "
            "Check the network cable, the address and the port.",
            f"{url}：无法连接：{why}。数据暂存在本机，恢复后自动补传。请检查网线、地址和端口。",
        )
    )
