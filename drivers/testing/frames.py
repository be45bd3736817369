"""Whether a frame keeps the contract; pure, for the battery and for any test that sees frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.api import ClockSource, DataType, Frame, Plan, Quality, Tag, Value
from drivers.testing.expect import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CODES = frozenset(Quality)
_RANGES = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1)) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits) for bits in (8, 16, 32, 64)},
    **{f"bcd{bits}": (0, 10 ** (bits // 4)) for bits in (16, 32, 64)},
}
"""Least value and the one after the greatest, of every integer type."""


def assert_frame_valid(frame: Frame, plan: Plan, *, complete: bool = False) -> None:
    """Require a frame to keep the contract for a plan.

    Args:
        frame: what a session handed over.
        plan: the plan it was read by.
        complete: whether every tag must have exactly one value, as in a read.

    Raises:
        Violation: naming everything that is wrong with it.
    """
    problems = list(frame_problems(frame, plan))
    if complete and not problems and sorted(tag_positions(frame)) != list(range(len(plan.tags))):
        problems.append("a read must hold every tag of the plan exactly once")
    if problems:
        raise Violation(f"frame of {frame.device}/{frame.group}: " + "; ".join(problems))


def frame_problems(frame: Frame, plan: Plan) -> Iterator[str]:
    """Yield what is wrong with a frame, one sentence each."""
    if (frame.device, frame.group) != (plan.device, plan.group):
        yield f"belongs to {plan.device}/{plan.group}"
    if type(frame.values) is not tuple:
        yield f"values is a {type(frame.values).__name__}, not a tuple"
    lengths = list(_length_problems(frame, len(plan.tags)))
    yield from lengths
    if not lengths:
        yield from _clock_problems(frame)
        yield from _value_problems(frame, plan.tags)


def tag_positions(frame: Frame) -> Sequence[int]:
    """Give the position in the plan of each value of a frame."""
    return range(len(frame.values)) if frame.columns is None else frame.columns


def values_by_tag(frame: Frame, plan: Plan) -> dict[str, Value]:
    """Give the last value of each tag of a valid frame, by tag name."""
    return {
        plan.tags[at].name: value
        for at, value in zip(tag_positions(frame), frame.values, strict=True)
    }


def quality_at(frame: Frame, position: int) -> Quality:
    """Give the quality of the value at a position of a valid frame."""
    return Quality.GOOD if frame.qualities is None else Quality(frame.qualities[position])


def type_problem(value: Value, tag: Tag) -> str:
    """Say how a raw value misses its tag's data type; empty if it does not."""
    kind = type(value)
    declared = tag.data_type
    if declared is DataType.AUTO:
        return "" if kind in {bool, int, float, str, bytes} else f"is a {kind.__name__}"
    if declared in {DataType.BOOL, DataType.BIT}:
        return "" if kind is bool else f"is {value!r}, not a bool"
    if declared in {DataType.FLOAT16, DataType.FLOAT32, DataType.FLOAT64}:
        return "" if kind is float else f"is {value!r}, not a float"
    if declared in {DataType.STRING, DataType.DATETIME}:
        return "" if kind is str else f"is {value!r}, not a str"
    low, high = _RANGES[declared]
    if kind is not int or not isinstance(value, int):
        return f"is {value!r}, not an int"
    return "" if low <= value < high else f"is {value}, outside {declared}"


def _length_problems(frame: Frame, tags: int) -> Iterator[str]:
    count = len(frame.values)
    if frame.columns is None and count != tags:
        yield f"{count} values for {tags} tags, and no columns"
    for name in ("columns", "qualities", "times_ns"):
        column = getattr(frame, name)
        if column is not None and len(column) != count:
            yield f"{len(column)} {name} for {count} values"
    if frame.columns is not None and not all(0 <= at < tags for at in frame.columns):
        yield f"columns point outside the {tags} tags"
    if not all(0 <= at < count for at in frame.reasons or ()):
        yield "reasons point outside the values"
    if frame.overflow < 0:
        yield f"overflow is {frame.overflow}"


def _clock_problems(frame: Frame) -> Iterator[str]:
    if type(frame.read_ns) is not int or frame.read_ns <= 0:
        yield f"read_ns is {frame.read_ns!r}, not UTC nanoseconds"
    stamped = frame.times_ns is not None
    if stamped != (frame.clock is ClockSource.DEVICE):
        yield f"clock is {frame.clock} and times_ns {'given' if stamped else 'missing'}"
    if not all(type(time_ns) is int and time_ns > 0 for time_ns in frame.times_ns or ()):
        yield "times_ns holds something else than UTC nanoseconds"


def _value_problems(frame: Frame, tags: Sequence[Tag]) -> Iterator[str]:
    if frame.qualities is not None and set(frame.qualities) <= {Quality.GOOD}:
        yield "qualities is given though all are good: leave it None"
    reasons = frame.reasons or {}
    for position, at in enumerate(tag_positions(frame)):
        code = Quality.GOOD if frame.qualities is None else frame.qualities[position]
        value, reason, name = frame.values[position], reasons.get(position, ""), tags[at].name
        if code not in _CODES:
            yield f"{name}: quality {code} is none of {sorted(_CODES)}"
        elif code == Quality.GOOD:
            if reason:
                yield f"{name}: good, yet with the reason {reason!r}"
            if problem := "has no value" if value is None else type_problem(value, tags[at]):
                yield f"{name}: good, yet {problem}"
        elif not reason:
            yield f"{name}: not good, and no reason given"
        elif code == Quality.BAD and value is not None:
            yield f"{name}: bad, yet with the value {value!r}: an error is not a value"
