"""Dates and times as devices hold them, decoded to ISO 8601 text.

Guarantees that a date which does not exist, or a clock that was never set (all bits 0 or all 1),
is None and never a date. A year of two digits is of this century. A zone is stated only where the
encoding itself says UTC; a fraction only where there is one. Pure: no I/O, no clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from drivers.modbus.points.codec import bcd

if TYPE_CHECKING:
    from collections.abc import Callable

CENTURY: Final = 2000

EARLIEST_YEAR: Final = 1970
"""No clock of a machine shows an earlier year and means it."""

_EPOCH_1970: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is written beside the result
_EPOCH_2000: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a device's own clock has no zone
_INVALID: Final = 0x80
"""The bit in the minutes by which IEC 60870-5-4 marks a time as invalid."""


def unix(raw: bytes) -> str | None:
    """Seconds since 1970, UTC."""
    return _counted(raw, _EPOCH_1970, milliseconds=1000, zone="Z")


def unix_ms(raw: bytes) -> str | None:
    """Milliseconds since 1970, UTC."""
    return _counted(raw, _EPOCH_1970, milliseconds=1, zone="Z")


def y2000(raw: bytes) -> str | None:
    """Seconds since 2000."""
    return _counted(raw, _EPOCH_2000, milliseconds=1000, zone="")


def ymdhms(raw: bytes) -> str | None:
    """Year, month, day, hour, minute, second in a register each."""
    year, *rest = (int.from_bytes(raw[at : at + 2], "big") for at in range(0, 12, 2))
    return _calendar(year if year > 99 else CENTURY + year, *rest)


def packed(raw: bytes) -> str | None:
    """Year of the century, month, day, hour, minute, second in a byte each."""
    year, *rest = raw
    return _calendar(CENTURY + year, *rest) if year <= 99 else None


def decimal(raw: bytes) -> str | None:
    """Year of the century, month, day, hour, minute, second in two decimal digits each."""
    digits = bcd(raw)
    return None if digits is None else packed(digits_of(digits))


def iec870(raw: bytes) -> str | None:
    """Binary time of IEC 60870-5-4 (CP56Time2a), the year first and a byte of 0 before it.

    Year; month; weekday and day; hour with its summer time flag; minute with its invalid flag;
    milliseconds of the minute. The weekday and the summer time flag say nothing new.
    """
    if raw[0] or raw[5] & _INVALID:
        return None
    year = raw[1] & 0x7F
    second, millisecond = divmod(int.from_bytes(raw[6:8], "big"), 1000)
    if year > 99:
        return None
    return _calendar(
        CENTURY + year, raw[2] & 0x0F, raw[3] & 0x1F, raw[4] & 0x1F, raw[5] & 0x3F, second,
        millisecond,
    )  # fmt: skip


DATES: Final[dict[str, Callable[[bytes], str | None]]] = {
    "unix32": unix,
    "unix64": unix,
    "unixms64": unix_ms,
    "y2000": y2000,
    "ymdhms": ymdhms,
    "ymd_hms_packed": packed,
    "bcd": decimal,
    "iec870": iec870,
}
"""The decoder of every encoding; it takes the bytes with the most significant first."""


def iso_text(moment: datetime, zone: str) -> str:
    """Write a moment, to the second or, where it has a fraction, to the millisecond."""
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + zone


def digits_of(number: int) -> bytes:
    """Part a number of twelve decimal digits into six bytes of two digits each."""
    return bytes(number // 100**place % 100 for place in range(5, -1, -1))


def _counted(raw: bytes, epoch: datetime, *, milliseconds: int, zone: str) -> str | None:
    """Decode a count since an epoch."""
    count = int.from_bytes(raw, "big")
    if not count or count == (1 << 8 * len(raw)) - 1:
        return None
    try:
        return iso_text(epoch + timedelta(milliseconds=count * milliseconds), zone)
    except OverflowError:
        return None


def _calendar(  # noqa: PLR0917 - the parts of a date, in their own order
    year: int, month: int, day: int, hour: int, minute: int, second: int, millisecond: int = 0
) -> str | None:
    """Put a date together; None if there is no such date."""
    if year < EARLIEST_YEAR:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second, 1000 * millisecond)  # noqa: DTZ001 - a device's own clock has no zone
    except (ValueError, OverflowError):
        return None
    return iso_text(moment, "")
