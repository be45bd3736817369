"""The terms a reader of the report may not know, and names of causes."""

from __future__ import annotations

from typing import Final

from agent.telemetry.status import Message

TERMS: Final = (
    (
        Message(en="key process", zh="关键工序"),
        Message(
            en="A process that decides the quality of the product; declared by the enterprise.",
            zh="对产品质量起决定作用的工序，由企业申报。",
        ),
    ),
    (
        Message(en="E0 … E5", zh="证据等级 E0～E5"),
        Message(
            en="E0 declared; E1 documented; E2 reached; E3 data on enough days; E4 live data; "
            "E5 seen running by an assessor.",
            zh="E0 仅申报；E1 有证明材料；E2 已连通；E3 足够天数有数据；E4 数据真实变化；"
            "E5 评测人员现场见证。",
        ),
    ),
    (
        Message(en="verified", zh="已验证"),
        Message(
            en="Level E4 and data that only the machine's own controller can give, or E5.",
            zh="达到 E4，且含只有设备自身控制系统才能给出的数据；或达到 E5。",
        ),
    ),
    (
        Message(en="not verified", zh="待验证"),
        Message(
            en="Data are missing or not enough. It does not mean that the declaration is false.",
            zh="没有数据或数据不足，不表示申报不实。",
        ),
    ),
    (
        Message(en="contradicted", zh="有矛盾"),
        Message(
            en="Ledger and evidence exclude each other, for instance two machines with the same "
            "source of data.",
            zh="台账与证据互相矛盾，例如两台设备登记了同一个数据来源。",
        ),
    ),
    (
        Message(en="fingerprint", zh="指纹"),
        Message(
            en="SHA-256: any changed byte gives another one.",
            zh="SHA-256 校验值，内容改动一个字节，指纹就会不同。",
        ),
    ),
)
"""Each term with its meaning, as printed."""

GAPS: Final = {
    "offline": Message(en="connection away", zh="连接中断"),
    "device_down": Message(en="device did not answer", zh="设备无应答"),
    "agent_down": Message(en="agent did not run", zh="采集程序未运行"),
    "buffer_overflow": Message(en="queue ran over", zh="队列溢出"),
    "unknown": Message(en="not known", zh="原因不明"),
}
"""Causes of gaps in a device's data."""
