"""The words for what a simulated OPC UA server can be told; light, for the command line."""

from __future__ import annotations

from typing import Final

MOODS: Final = {
    "good": ("tells the truth", "如实返回"),
    "refuse": ("BadHistoryOperationUnsupported", "返回 BadHistoryOperationUnsupported"),
    "denied": ("BadUserAccessDenied", "返回 BadUserAccessDenied"),
    "empty": ("GoodNoData, always", "总是返回 GoodNoData"),
    "endless": ("the first portion again and again", "反复返回第一批数据，永不结束"),
    "reversed": ("newest first, though asked from old to new", "时间顺序颠倒"),
    "outside": ("values from before the span asked for", "返回所查时间段之前的数据"),
    "restamped": ("old values with the time of now", "旧数据盖上当前时间"),
    "foreign": ("the values of another variable", "返回另一个变量的数据"),
}
"""How a history answers -> what that means, in English and Chinese."""
CERTIFICATES: Final = {
    "good": ("self-signed, valid", "自签名，有效"),
    "expired": ("expired a year ago", "一年前已过期"),
    "not-yet": ("valid from next year on", "明年才生效"),
    "other-uri": ("names another application", "证书中的应用 URI 与服务器不符"),
    "other-host": ("names another host", "证书中的主机名与服务器不符"),
    "old": ("1,024 bit key, too short for every policy in use", "1024 位弱密钥"),
    "chain": ("issued by a certificate authority of its own", "由自建 CA 签发"),
}
"""Kinds of certificates -> what is the matter, in English and Chinese."""
POLICIES: Final = (
    "None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss",
)  # fmt: skip
"""Security policies that can be offered."""
