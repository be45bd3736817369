"""Columns from the wire, judged and made into frames.

A bad status gives no value, only its name; what is not a number is no value; a source time that
is absent or far from the gateway's own clock is replaced by the time of receipt and counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from drivers.api import ClockSource, Frame, Quality
from drivers.opcua.status import name_of, overflowed, quality_of
from drivers.opcua.values import NOT_A_NUMBER, TYPE_MISMATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.api import Value
    from drivers.opcua.items import Columns
    from drivers.opcua.plan import Kind, OpcuaPlan

MOST_SKEW_S: Final = 300
"""A source time further from the gateway's clock than this is not believed."""

_SKEW_TICKS = MOST_SKEW_S * 10_000_000
_EPOCH_NS = 11_644_473_600 * 1_000_000_000  # from 1601 to 1970


def make_frame(
    plan: OpcuaPlan, columns: Columns, *, read_ns: int, tags: tuple[int, ...] | None
) -> tuple[Frame, int]:
    """Give the frame, and how many of its values bear the time of receipt for want of a better.

    `tags` tells which tag of the plan each value belongs to; None: all, in the plan's order.
    """
    times_ns, restamped = source_times(columns.sources, len(columns.values), read_ns)
    frame = Frame(
        plan.device,
        plan.group,
        read_ns,
        tuple(columns.values),
        columns=tags,
        times_ns=times_ns,
        clock=ClockSource.AGENT if times_ns is None else ClockSource.DEVICE,
    )
    if columns.statuses is not None or columns.unfit or _not_finite(columns):
        _judge(frame, columns)
    if plan.kinds is not None:
        _fit_types(frame, plan.kinds)
    return frame, restamped


def bad_frame(plan: OpcuaPlan, reasons: dict[int, str], *, read_ns: int) -> Frame:
    """Give a frame that says of some tags (index -> reason) that they cannot be read."""
    tags = tuple(sorted(reasons))
    return Frame(
        plan.device,
        plan.group,
        read_ns,
        (None,) * len(tags),
        columns=tags,
        qualities=bytes([Quality.BAD]) * len(tags),
        reasons={position: reasons[tag] for position, tag in enumerate(tags)},
    )


def source_times(
    sources: Sequence[int] | None, count: int, read_ns: int
) -> tuple[tuple[int, ...] | None, int]:
    """Give each value's time in UTC nanoseconds and how many had to be replaced.

    None where every value is stamped with the time of receipt.
    """
    if sources is None or not count:
        return None, count
    received = (read_ns + _EPOCH_NS) // 100
    low, high = min(sources), max(sources)
    if received - _SKEW_TICKS <= low and high <= received + _SKEW_TICKS:
        if low == high:
            return (low * 100 - _EPOCH_NS,) * count, 0
        return tuple([ticks * 100 - _EPOCH_NS for ticks in sources]), 0
    believed = [abs(ticks - received) <= _SKEW_TICKS for ticks in sources]
    restamped = count - sum(believed)
    if restamped == count:
        return None, count
    return tuple(
        [
            ticks * 100 - _EPOCH_NS if good else read_ns
            for ticks, good in zip(sources, believed, strict=True)
        ]
    ), restamped


def _not_finite(columns: Columns) -> bool:
    """Whether a value may be not a number; never False where one is."""
    if not columns.floats:
        return False
    try:
        total = sum(columns.values)  # type: ignore[arg-type]  # texts are the TypeError below
    except (TypeError, OverflowError):
        return any(_is_not_finite(value) for value in columns.values)
    return bool(total - total != 0)  # NaN or infinity somewhere


def _is_not_finite(value: Value) -> bool:
    return isinstance(value, float) and value - value != 0.0


def _judge(frame: Frame, columns: Columns) -> None:
    """Fill in qualities, reasons and overflow, and take away the values that are none."""
    qualities = bytearray([Quality.GOOD]) * len(frame.values)
    reasons: dict[int, str] = {}
    values = list(frame.values)
    for position, value in enumerate(values):
        if _is_not_finite(value):
            reasons[position] = NOT_A_NUMBER
    reasons |= columns.unfit
    for position in reasons:
        qualities[position] = Quality.BAD
    for position, code in enumerate(columns.statuses or ()):
        if not code:
            continue
        frame.overflow += overflowed(code)
        quality = quality_of(code)
        if quality < qualities[position] or quality is Quality.BAD:
            qualities[position] = quality
            reasons[position] = name_of(code)
    if not reasons:
        return
    frame.values = tuple(
        [
            None if quality == Quality.BAD else value
            for value, quality in zip(values, qualities, strict=True)
        ]
    )
    frame.qualities = bytes(qualities)
    frame.reasons = reasons


def _fit_types(frame: Frame, kinds: Sequence[Kind]) -> None:
    """Take away values of another kind than declared; a whole number is a fit float."""
    values = list(frame.values)
    reasons = dict(frame.reasons or {})
    qualities = bytearray(frame.qualities or bytes([Quality.GOOD]) * len(values))
    for position, tag in enumerate(frame.columns or range(len(values))):
        kind, value = kinds[tag], values[position]
        if kind is None or value is None or type(value) is kind:
            continue
        if kind is float and type(value) is int:
            values[position] = float(value)
            continue
        values[position] = None
        qualities[position] = Quality.BAD
        reasons[position] = TYPE_MISMATCH
    frame.values = tuple(values)
    if reasons:
        frame.qualities, frame.reasons = bytes(qualities), reasons
