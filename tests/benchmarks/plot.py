"""A log-log plot as SVG: lines with points, decades as grid, a name at each line's end. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 110, 20, 48
NAME_PX = 14
"""Height of a name."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#6a51a3")
"""Told apart by who sees colours differently, too."""
_STYLE = "font: 12px sans-serif; background: #fff"
NAMESPACE = "http://www.w3.org/2000/svg"


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its name, and its points."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Whole decades that hold every value, and where they lie on the paper."""

    low: int
    high: int
    from_px: float
    to_px: float

    @classmethod
    def around(cls, values: Sequence[float], from_px: float, to_px: float) -> _Axis:
        low = math.floor(math.log10(min(values)))
        high = max(low + 1, math.ceil(math.log10(max(values))))
        return cls(low, high, from_px, to_px)

    def px(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.from_px + share * (self.to_px - self.from_px)

    @property
    def decades(self) -> Iterator[float]:
        return (10.0**exponent for exponent in range(self.low, self.high + 1))


def svg(lines: Sequence[Series], *, across: str, up: str) -> str:
    """Draw the lines; at least one, and every value above 0."""
    points = [point for line in lines for point in line.points]
    x = _Axis.around([at for at, _ in points], LEFT, WIDTH - RIGHT)
    y = _Axis.around([at for _, at in points], HEIGHT - BOTTOM, TOP)
    names = _apart([y.px(line.points[-1][1]) for line in lines])
    drawn = [
        part
        for number, (line, name_px) in enumerate(zip(lines, names, strict=True))
        for part in _line(line, number, x, y, name_px=name_px)
    ]
    head = f'<svg xmlns="{NAMESPACE}" viewBox="0 0 {WIDTH} {HEIGHT}" style="{_STYLE}">'
    middle = (HEIGHT - BOTTOM + TOP) / 2
    beside = f'<g transform="translate(16 {middle}) rotate(-90)">{_text(0, 0, up)}</g>'
    below = _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, across)
    return "\n".join((head, *_grid(x, y), below, beside, *drawn, "</svg>\n"))


def _grid(x: _Axis, y: _Axis) -> Iterator[str]:
    for value in x.decades:
        at = x.px(value)
        yield _stroke(f"M{at:.1f} {y.from_px}V{y.to_px}")
        yield _text(at, HEIGHT - BOTTOM + 16, f"{value:,.0f}")
    for value in y.decades:
        at = y.px(value)
        yield _stroke(f"M{x.from_px} {at:.1f}H{x.to_px}")
        yield _text(LEFT - 8, at + 4, f"{value:g}", anchor="end")


def _apart(places_px: Sequence[float]) -> list[float]:
    """Give where names go so that none lies on another, near where they would be."""
    placed: dict[int, float] = {}
    for at in sorted(range(len(places_px)), key=lambda at: places_px[at]):
        lowest = max(placed.values(), default=0.0) + NAME_PX
        placed[at] = max(places_px[at], lowest)
    return [placed[at] for at in range(len(places_px))]


def _line(line: Series, number: int, x: _Axis, y: _Axis, *, name_px: float) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    places = [(x.px(across), y.px(up)) for across, up in line.points]
    yield _stroke("M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in places), colour, width=2)
    for a, b in places:
        yield f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>'
    yield _text(places[-1][0] + 8, name_px + 4, line.name, anchor="start", colour=colour)


def _stroke(path: str, colour: str = "#ddd", *, width: int = 1) -> str:
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, said: str, *, anchor: str = "middle", colour: str = "#333") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {place} text-anchor="{anchor}" fill="{colour}">{escape(said)}</text>'
