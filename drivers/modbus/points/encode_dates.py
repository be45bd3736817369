"""From ISO 8601 text to the registers of a date: the inverse of `dates`, by other means.

Refuses what an encoding cannot hold exactly, and what would be read as a clock never set. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_EPOCH_2000_S: Final = 946_684_800
_UTC_ENCODINGS: Final = frozenset({"unix32", "unix64", "unixms64"})
_WITH_MILLISECONDS: Final = frozenset({"unixms64", "iec870"})


def encode_date(encoding: str, text: str) -> bytes:
    """Give the bytes of a date, the most significant first.

    Raises:
        ValueError: it is no date, or the encoding cannot hold it exactly.
    """
    moment = datetime.fromisoformat(text)
    if (moment.tzinfo is not None) != (encoding in _UTC_ENCODINGS):
        wish = "must end in Z" if encoding in _UTC_ENCODINGS else "must not state a zone"
        raise ValueError(f"{text}: a date in {encoding} {wish}")
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment.microsecond % (1000 if encoding in _WITH_MILLISECONDS else 1_000_000):
        raise ValueError(f"{text}: a date in {encoding} has no such fraction of a second")
    encoded = _ENCODERS[encoding](moment)
    if encoded is None:
        raise ValueError(f"{text}: outside what {encoding} can hold")
    return encoded


def _seconds(size: int, epoch_s: int = 0) -> Callable[[datetime], bytes | None]:
    """Make the encoder of seconds since an epoch."""
    return lambda moment: _count(int(moment.timestamp()) - epoch_s, size)


def _count(number: int, size: int) -> bytes | None:
    """Encode a count; all bits 0 and all bits 1 mean that there is none."""
    return number.to_bytes(size, "big") if 0 < number < (1 << 8 * size) - 1 else None


def _milliseconds(moment: datetime) -> bytes | None:
    seconds = int(moment.replace(microsecond=0).timestamp())
    return _count(1000 * seconds + moment.microsecond // 1000, 8)


def _parts(moment: datetime) -> tuple[int, ...] | None:
    """Give year of the century, month, day, hour, minute, second; None in another century."""
    if not 2000 <= moment.year <= 2099:
        return None
    return (
        moment.year - 2000, moment.month, moment.day, moment.hour, moment.minute, moment.second,
    )  # fmt: skip


def _packed(moment: datetime) -> bytes | None:
    parts = _parts(moment)
    return None if parts is None else bytes(parts)


def _decimal(moment: datetime) -> bytes | None:
    parts = _parts(moment)
    return None if parts is None else bytes.fromhex("".join(f"{part:02}" for part in parts))


def _ymdhms(moment: datetime) -> bytes | None:
    if moment.year < 1970:
        return None
    words = (
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second,
    )  # fmt: skip
    return b"".join(word.to_bytes(2, "big") for word in words)


def _iec870(moment: datetime) -> bytes | None:
    parts = _parts(moment)
    if parts is None:
        return None
    year, month, day, hour, minute, second = parts
    head = bytes([0, year, month, moment.isoweekday() << 5 | day, hour, minute])
    return head + (1000 * second + moment.microsecond // 1000).to_bytes(2, "big")


_ENCODERS: Final[dict[str, Callable[[datetime], bytes | None]]] = {
    "unix32": _seconds(4),
    "unix64": _seconds(8),
    "unixms64": _milliseconds,
    "y2000": _seconds(4, _EPOCH_2000_S),
    "ymdhms": _ymdhms,
    "ymd_hms_packed": _packed,
    "bcd": _decimal,
    "iec870": _iec870,
}
