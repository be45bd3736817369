"""Values that are allowed, and that software chokes on.

An oddity stands in place of a variable's value until it is taken away; its type is its own, as it
is with servers whose variables change their type.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import asyncua

if TYPE_CHECKING:
    from collections.abc import Callable

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

_TYPES = ua.VariantType
_KINDS: Final[dict[str, tuple[str, str, Callable[[], Any]]]] = {
    "nan": ("not a number", "非数值 NaN", lambda: ua.Variant(math.nan, _TYPES.Double)),
    "inf": ("infinity", "无穷大", lambda: ua.Variant(math.inf, _TYPES.Double)),
    "minus-inf": ("minus infinity", "负无穷大", lambda: ua.Variant(-math.inf, _TYPES.Float)),
    "gbk": (
        "Chinese text in GBK, where UTF-8 belongs",
        "GBK 编码的中文（标准要求 UTF-8）",
        lambda: ua.Variant(raw_text("主轴过载".encode("gbk")), _TYPES.String),
    ),
    "latin1": (
        "German text in Latin-1, where UTF-8 belongs",
        "Latin-1 编码的德文（标准要求 UTF-8）",
        lambda: ua.Variant(raw_text("Türe schließen".encode("latin-1")), _TYPES.String),
    ),
    "surrogate": (
        "half of a surrogate pair, encoded as if it were a character",
        "孤立的代理项字符",
        lambda: ua.Variant(raw_text(b"tool \xed\xa0\x80 7"), _TYPES.String),
    ),
    "nul": (
        "text with a NUL in it",
        "含 NUL 字符的文本",
        lambda: ua.Variant("O\x000001", _TYPES.String),
    ),
    "long": (
        "a text of 1 MB",
        "1 MB 长文本",
        lambda: ua.Variant("长" * 349_525 + "!", _TYPES.String),
    ),
    "array": (
        "1,000,000 numbers",
        "一百万个数的数组",
        lambda: ua.Variant(list(range(1_000_000)), _TYPES.Int32, is_array=True),
    ),
    "matrix": (
        "a matrix of 2 x 3",
        "2×3 矩阵",
        lambda: ua.Variant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], _TYPES.Double, Dimensions=[2, 3]),
    ),
    "empty": ("status Good, and no value", "状态 Good 但没有值", ua.Variant),
    "null-text": ("a text that is null", "空（null）文本", lambda: ua.Variant(None, _TYPES.String)),
    "future": (
        "a date that Python cannot hold",
        "超出范围的日期",
        lambda: ua.Variant(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), _TYPES.DateTime),
    ),
    "markup": (
        "text that a careless page would run",
        "含网页脚本的文本",
        lambda: ua.Variant('<script>alert("1")</script>', _TYPES.String),
    ),
    "topic": (
        "text with MQTT wildcards",
        "含 MQTT 通配符的文本",
        lambda: ua.Variant("+/#/$SYS", _TYPES.String),
    ),
}
KINDS: Final = {name: (en, zh) for name, (en, zh, _) in _KINDS.items()}
"""Oddity -> what it is, in English and Chinese; besides, any status code as 0x hexadecimal."""


def raw_text(content: bytes) -> str:
    """Give the text that asyncua's encoder turns into exactly these bytes."""
    return content.decode("utf-8", "surrogateescape")


def check(kind: str) -> None:
    """Pass a known oddity.

    Raises:
        ValueError: it is none, and no status code.
    """
    if kind not in _KINDS:
        _code(kind)


def disguise(kind: str, value: Any) -> Any:
    """Give a DataValue as the oddity makes it: its value replaced, or its status."""
    if kind in _KINDS:
        return ua.DataValue(
            _KINDS[kind][2](),
            SourceTimestamp=value.SourceTimestamp,
            ServerTimestamp=value.ServerTimestamp,
        )
    return ua.DataValue(
        value.Value,
        ua.StatusCode(_code(kind)),
        SourceTimestamp=value.SourceTimestamp,
        ServerTimestamp=value.ServerTimestamp,
    )


def _code(kind: str) -> int:
    if kind.startswith(("Bad", "Uncertain", "Good")) and hasattr(ua.StatusCodes, kind):
        return int(getattr(ua.StatusCodes, kind))
    try:
        code = int(kind, 16)
    except ValueError:
        raise ValueError(
            f"{kind!r}: {', '.join(_KINDS)}, or a status code such as 0xC0000000"
            " / 未知的异常值，可用上述名称或状态码（如 0xC0000000）"
        ) from None
    if not 0 <= code < 1 << 32:
        raise ValueError(f"{kind!r}: a status code has 32 bits / 状态码为 32 位")
    return code
