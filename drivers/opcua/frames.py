"""Columns from the wire, judged and made into frames.

A bad status gives no value, only its name; what is not a number is no value; a source time that
is absent or far from the gateway's own clock is replaced by the time of receipt and counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from drivers.api import ClockSource, Frame, Quality
from drivers.opcua.decoding.status import name_of, overflowed, quality_of
from drivers.opcua.decoding.values import NOT_A_NUMBER, TYPE_MISMATCH
from drivers.opcua.structures.extract import take_parts
from drivers.opcua.structures.layout import Layouts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from drivers.api import Value
    from drivers.opcua.decoding.items import Columns
    from drivers.opcua.plan import Kind, OpcuaPlan

MOST_SKEW_S: Final = 300
"""A source time further from the gateway's clock than this is not believed."""

_SKEW_TICKS = MOST_SKEW_S * 10_000_000
_EPOCH_NS = 11_644_473_600 * 1_000_000_000  # from 1601 to 1970


def make_frame(
    plan: OpcuaPlan,
    columns: Columns,
    *,
    read_ns: int,
    tags: tuple[int, ...] | None,
    layouts: Layouts | None,
) -> tuple[Frame, int]:
    """Give the frame, and how many of its values bear the time of receipt for want of a better.

    `tags` tells which tag of the plan each value belongs to; None: all, in the plan's order.
    `layouts` are the session's; without them no part of a structure is known.
    """
    if plan.parts is not None:
        take_parts(columns, plan.parts, tags, layouts or Layouts())
    times_ns, restamped = source_times(
        columns.sources, len(columns.values), read_ns, pattern=columns.pattern
    )
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


def picked(frame: Frame, positions: Sequence[int]) -> Frame:
    """Give some of the values of a frame, in this order."""
    columns, reasons = frame.columns or range(len(frame.values)), frame.reasons or {}
    marks = bytes(frame.qualities[at] for at in positions) if frame.qualities else b""
    return Frame(
        frame.device,
        frame.group,
        frame.read_ns,
        tuple(frame.values[at] for at in positions),
        columns=tuple(columns[at] for at in positions),
        qualities=marks if set(marks) - {Quality.GOOD} else None,
        reasons={to: reasons[at] for to, at in enumerate(positions) if at in reasons} or None,
        times_ns=None if frame.times_ns is None else tuple(frame.times_ns[at] for at in positions),
        clock=frame.clock,
        overflow=frame.overflow,
    )


def without(frame: Frame, tags: Collection[int]) -> Frame:
    """Give a frame without the values of some tags."""
    columns = frame.columns or range(len(frame.values))
    kept = [at for at, tag in enumerate(columns) if tag not in tags]
    return frame if len(kept) == len(frame.values) else picked(frame, kept)


def source_times(
    sources: Sequence[int] | None,
    count: int,
    read_ns: int,
    *,
    pattern: Sequence[int] | None = None,
) -> tuple[tuple[int, ...] | None, int]:
    """Give each value's time in UTC nanoseconds and how many had to be replaced.

    None where every value is stamped with the time of receipt. `pattern`: times that repeat, the
    last turn perhaps cut short, where that is known.
    """
    if sources is None or not count:
        return None, count
    received = (read_ns + _EPOCH_NS) // 100
    if pattern is None:
        pattern = sources[: _period(sources)]
    distinct = set(pattern)
    strange = {ticks for ticks in distinct if abs(ticks - received) > _SKEW_TICKS}
    if len(strange) == len(distinct):
        return None, count
    times_ns = {
        ticks: read_ns if ticks in strange else ticks * 100 - _EPOCH_NS for ticks in distinct
    }
    restamped = sum(ticks in strange for ticks in sources) if strange else 0
    again = -(-count // len(pattern))
    return (tuple(map(times_ns.__getitem__, pattern)) * again)[:count], restamped


def _period(sources: Sequence[int]) -> int:
    """Give after how many times they repeat to the end; how many they are where they do not.

    A server samples many points at once, and sends so many samples of each.
    """
    try:
        period = sources.index(sources[0], 1)
    except ValueError:
        return len(sources)
    pattern: Any = sources[:period]
    return period if sources == pattern * (len(sources) // period) else len(sources)


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
