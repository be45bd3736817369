"""Losses of one group on their way into the store: told in one piece with what is still open.

A `Telling` is committed whole: what it tells is no longer open, and what is open is not told.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agent.losses.open import packed, unpacked
from agent.store.events import event_body
from agent.store.outbox import Kind, NewRow, Telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.losses.open import OpenLoss
    from agent.store.outbox import LessonRow

KEPT_IN: Final = "@losses"
"""Open losses stand among the lessons, under this name in the place of a device."""

_log = logging.getLogger("chulian.store")


def telling(
    device: str, group: str, losses: Iterable[OpenLoss], *, now_ms: int | None, dated: bool = False
) -> Telling:
    """Tell losses of a group: an event and a span each; without a time, each as of its end."""
    rows, spans = [], []
    for loss in losses:
        t_ms = loss.to_ms if now_ms is None else now_ms
        body = event_body(loss.kind.value, t_ms=t_ms, d=device, g=group, **loss.fields())
        rows.append(NewRow(Kind.EVENT, t_ms, 0, body))
        spans.append(loss.span(device))
    return Telling(tuple(rows), tuple(spans), dated=dated)


def kept(device: str, group: str, losses: Sequence[OpenLoss], *, now_ms: int) -> LessonRow:
    """Keep what is open of a group, in the place of what was; nothing is open: forget."""
    return KEPT_IN, f"{device}/{group}", packed(device, group, losses), now_ms


def left_open(lessons: Iterable[LessonRow]) -> list[LessonRow]:
    """Give what a run that was killed has left open."""
    return [lesson for lesson in lessons if lesson[0] == KEPT_IN]


def told_late(lesson: LessonRow, *, last_ms: int, now_ms: int) -> Telling:
    """Tell what was left open, up to the last commit of that run, and forget it.

    Times of a clock that was vouched for then stay so; of another one (kept at 0) nobody knows.
    """
    forget, dated = (lesson[0], lesson[1], "", now_ms), lesson[3] > 0
    try:
        device, group, losses = unpacked(lesson[2])
    except (TypeError, ValueError):
        _log.warning("losses of %s were kept by another version: %s", lesson[1], lesson[2])
        return Telling(lessons=(forget,))
    ended = [loss.ended(last_ms, dated=dated) for loss in losses]
    found = telling(device, group, ended, now_ms=None if dated else now_ms, dated=dated)
    if not dated:
        undated = (replace(span, dated=False) for span in found.losses)
        found = found._replace(losses=tuple(undated))
    return found._replace(lessons=(forget,))
