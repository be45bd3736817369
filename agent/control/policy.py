"""Whether a value may be written to a point, and as which raw value. Pure: decides, sends nothing.

The order is fixed: enabled, readable as a value, within limits, on a step, exactly representable,
not too soon. The first that fails refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from agent.control.inverse import Inexact, exact, raw_of
from agent.control.texts import refusal
from drivers.api import DataType

if TYPE_CHECKING:
    from agent.config.model import TagEntry, Write
    from agent.telemetry.status import Message
    from drivers.api import Value

MAX_TEXT: Final = 64
"""Longest value a person may type."""

_TRUTHS: Final = {
    "1": True, "true": True, "on": True, "开": True,
    "0": False, "false": False, "off": False, "关": False,
}  # fmt: skip
_MAX_EXPONENT: Final = 400
"""No type holds more; keeps exact arithmetic small."""


class Refused(Exception):  # noqa: N818 - names what happened
    """Nothing was sent; `code` is stable, `message` for a person."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.message: Message = refusal(code, **facts)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value that may be written."""

    value: Value
    """In the unit of the point."""
    raw: Value
    """As the driver takes it."""


def judge(tag: TagEntry, text: str, *, since_last_s: float | None) -> Wanted:
    """Decide on a value as a person typed it; raises `Refused`.

    `since_last_s` is the time since the last write to the point, None when there was none.
    """
    leave = tag.write
    if leave is None:
        raise Refused("not_enabled", tag=tag.name)
    truth = tag.type in {DataType.BOOL, DataType.BIT}
    wanted = _truth(text) if truth else _number(tag, leave, text)
    if since_last_s is not None and 0 <= since_last_s < leave.min_interval_s:
        left_s = leave.min_interval_s - since_last_s
        raise Refused("too_soon", interval=leave.min_interval_s, left=left_s)
    return wanted


def _truth(text: str) -> Wanted:
    """Take on or off."""
    value = _TRUTHS.get(text.strip().lower())
    if value is None:
        raise Refused("not_a_bool", text=text[:MAX_TEXT])
    return Wanted(value, value)


def _number(tag: TagEntry, leave: Write, text: str) -> Wanted:
    """Take a number that is within limits, on a step, and that the device can hold."""
    number = _decimal(text)
    low, high = exact(leave.min or 0.0), exact(leave.max or 0.0)
    shown = text.strip()
    if leave.min is None or leave.max is None or not low <= Fraction(number) <= high:
        raise Refused("out_of_range", text=shown, min=leave.min or 0.0, max=leave.max or 0.0)
    if leave.step is not None:
        _check_step(Fraction(number), low=low, high=high, step=exact(leave.step), text=shown)
    try:
        raw = raw_of(number, tag)
    except Inexact as error:
        raise Refused("not_representable", text=shown, near=_listed(error.near)) from None
    whole = isinstance(raw, int) and number == number.to_integral_value()
    return Wanted(int(number) if whole else float(number), raw)


def _decimal(text: str) -> Decimal:
    """Read a number exactly as typed; full-width digits count as what they are meant to be."""
    plain = normalize("NFKC", text).strip()
    if len(plain) > MAX_TEXT or "_" in plain:
        raise Refused("not_a_number", text=text[:MAX_TEXT])
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise Refused("not_a_number", text=text) from None
    if not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
        raise Refused("not_a_number", text=text)
    return number


def _check_step(
    number: Fraction, *, low: Fraction, high: Fraction, step: Fraction, text: str
) -> None:
    """Refuse a number between two steps, naming both."""
    steps = (number - low) / step
    if steps.denominator == 1:
        return
    below = low + (steps.numerator // steps.denominator) * step
    near = _listed(tuple(float(one) for one in (below, below + step) if one <= high))
    raise Refused("off_step", text=text, min=float(low), step=float(step), near=near)


def _listed(numbers: tuple[float, ...]) -> str:
    """Write numbers shortly, in full precision."""
    return ", ".join(str(int(one)) if one.is_integer() else repr(one) for one in numbers)
