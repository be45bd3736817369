"""What is wrong with a device, said to a plant electrician in both languages."""

from __future__ import annotations

from agent.telemetry.status import Message
from drivers.api import (
    AccessError,
    AddressError,
    ConnectError,
    DriverError,
    NoReply,
    SessionLost,
    Silent,
)


def problem_of(error: BaseException, link: str) -> Message:
    """Turn what a driver raised into what happened and what to do; its own words come first."""
    hint = error.hint if isinstance(error, DriverError) else ""
    en = f"{error}. {hint[:1].upper()}{hint[1:]}".rstrip(". ") + "."
    if isinstance(error, TimeoutError):
        en = f"{link}: no answer in time. Check power, cable, address and port."
    if isinstance(error, DriverError) and error.zh:
        zh = _sentences(error.zh, error.hint_zh)
    elif isinstance(error, (NoReply, Silent)):
        zh = f"设备没有应答（{link}）：请检查设备电源、接线、站号（从站地址）。"
    elif isinstance(error, (ConnectError, TimeoutError)):
        zh = f"连接不上 {link}：请检查设备电源、网线、IP 地址和端口。"
    elif isinstance(error, AccessError):
        zh = f"设备拒绝访问（{link}）：请检查用户名、密码、证书和权限。"
    elif isinstance(error, AddressError):
        zh = f"点位地址无法读取（{link}）：{error.problems[0].tag}：请核对点表。"
    elif isinstance(error, SessionLost):
        zh = f"连接中断（{link}）：程序正在自动重连。"
    elif isinstance(error, DriverError):
        zh = f"采集出错（{link}）：{error}"
    else:
        en = f"The driver failed: {type(error).__name__}: {error}. Please report this with the log."
        zh = f"驱动程序异常：{type(error).__name__}：{error}。请把日志发给技术支持。"
    return Message(en, zh)


def _sentences(what: str, hint: str) -> str:
    """Join a message and a hint, each closed by one full stop."""
    return "".join(f"{part.strip().rstrip('。.')}。" for part in (what, hint) if part.strip())
