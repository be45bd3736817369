"""The drawings of the report: figures against the target, processes, the course of the period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.proof.report import words
from agent.proof.report.blocks import (
    WIDTH_MM,
    Align,
    Drawing,
    Label,
    Path,
    Rect,
    Shade,
)
from agent.proof.report.papers import both, percent, share
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from fractions import Fraction

    from agent.proof.report.blocks import Shape
    from agent.proof.report.papers import Papers

_LEFT_MM = 34.0
_RIGHT_MM = 32.0
_SPAN_MM = WIDTH_MM - _LEFT_MM - _RIGHT_MM
_BAR_MM = 5.0
_STEP_MM = 7.5
_AXIS_MM = 7.0
_COURSE_MM = 38.0
_SHADES = {"declared": Shade.LIGHT, "adjusted": Shade.MIDDLE, "verified": Shade.DARK}
_NAMES = {"declared": words.DECLARED, "adjusted": words.ADJUSTED, "verified": words.VERIFIED}
_TARGET = Message(en="target {}%", zh="目标 {}%")


def against_target(papers: Papers, lang: str) -> Drawing:
    """Draw the headline's three figures as bars, with the target as a line across them."""
    one = papers.headline
    shapes: list[Shape] = []
    y = 5.0
    for name, title in _NAMES.items():
        shapes += _bar(y, title.text(lang), one[name], _SHADES[name])
        y += _STEP_MM
    shapes += _axis(y)
    target = papers.result["target"]["percent"]
    x = _at(target)
    said = _TARGET.text(lang).format(target)
    shapes += [
        Path(((x, 3.6), (x, y)), dashed=True, width_mm=0.35),
        Label(x, 2.8, said, Align.CENTER, 7.5, bold=True),
    ]
    spoken = [f"{t.text(lang)} {percent(one[n])}" for n, t in _NAMES.items()]
    return Drawing(y + _AXIS_MM, tuple(shapes), "; ".join((*spoken, said)))


def by_process(papers: Papers) -> Drawing:
    """Draw for every key process how many of its machines are declared and verified."""
    shapes: list[Shape] = []
    y = 1.0
    spoken = []
    for process in papers.headline_set["processes"]:
        able = len(process["able"])
        name = papers.process_name(process["id"])
        for key, thick in (("declared", _BAR_MM), ("verified", _BAR_MM / 2)):
            count = len(process[key])
            width = _SPAN_MM * count / able if able else 0.0
            top = y + (_BAR_MM - thick) / 2
            shapes += [Rect(_LEFT_MM, top, width, thick, _SHADES[key])] if count else []
        text = f"{len(process['verified'])} / {len(process['declared'])} / {able}"
        shapes += _named(y, name, text)
        spoken.append(f"{name} {text}")
        y += _STEP_MM
    return Drawing(y + _AXIS_MM, (*shapes, *_axis(y)), "; ".join(spoken))


def course(papers: Papers, lang: str) -> Drawing:
    """Draw declared and verified as of each day of the period."""
    days = papers.history["days"]
    shapes: list[Shape] = list(_grid())
    for name, width, dashed in (("declared", 0.3, True), ("verified", 0.7, False)):
        for points in _runs(days, name):
            shade = Shade.DARK
            shapes.append(Path(tuple(points), shade, dashed=dashed, width_mm=width))
        last = share(days[-1][name])
        if last is not None:
            text = f"{_NAMES[name].text(lang)} {percent(days[-1][name])}"
            y = _height(last) + 1
            shapes.append(Label(WIDTH_MM - _RIGHT_MM + 2, y, text, size_pt=7.5))
    below = _COURSE_MM + 4.5
    shapes += [
        Label(_LEFT_MM, below, days[0]["as_of"], size_pt=7.5),
        Label(WIDTH_MM - _RIGHT_MM, below, days[-1]["as_of"], Align.RIGHT, 7.5),
    ]
    spoken = f"{days[0]['as_of']} … {days[-1]['as_of']}"
    return Drawing(below + 2, tuple(shapes), spoken)


def _runs(days: list[Any], name: str) -> Iterator[list[tuple[float, float]]]:
    """Give the points of each stretch of days that have the figure; a day alone is drawn too."""
    step = _SPAN_MM / max(len(days), 1)
    run: list[tuple[float, float]] = []
    for number, day in enumerate(days):
        known = share(day[name])
        if known is None:
            if run:
                yield run
            run = []
            continue
        left, y = _LEFT_MM + number * step, _height(known)
        run += [(left, y), (left + step, y)]
    if run:
        yield run


def _height(figure: Fraction) -> float:
    return 2 + (_COURSE_MM - 2) * (1 - float(figure))


def _grid() -> Iterator[Shape]:
    for tick in (0, 25, 50, 75, 100):
        y = 2 + (_COURSE_MM - 2) * (1 - tick / 100)
        yield Path(((_LEFT_MM, y), (_LEFT_MM + _SPAN_MM, y)), Shade.LIGHT, width_mm=0.15)
        yield Label(_LEFT_MM - 2, y + 1, f"{tick}%", Align.RIGHT, 7.5)


def _bar(y: float, name: str, figure: Mapping[str, Any], shade: Shade) -> Iterator[Shape]:
    known = share(figure)
    if known:
        yield Rect(_LEFT_MM, y, _SPAN_MM * float(known), _BAR_MM, shade)
    yield from _named(y, name, both(figure))


def _named(y: float, name: str, value: str) -> Iterator[Shape]:
    yield Label(_LEFT_MM - 2, y + 3.6, name, Align.RIGHT, 8.5)
    yield Label(WIDTH_MM - _RIGHT_MM + 2, y + 3.6, value, size_pt=8.5, bold=True)


def _axis(y: float) -> Iterator[Shape]:
    yield Path(((_LEFT_MM, y), (_LEFT_MM + _SPAN_MM, y)))
    for tick in (0, 25, 50, 75, 100):
        x = _at(tick)
        yield Path(((x, y), (x, y + 1)))
        yield Label(x, y + 4.2, f"{tick}%", Align.CENTER, 7.5)


def _at(percent_: float) -> float:
    return _LEFT_MM + _SPAN_MM * percent_ / 100
