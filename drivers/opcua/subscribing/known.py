"""The last value of every tag, kept as references to the frames that brought them.

A server cuts its messages alike again and again, and a learned shape gives them the same tuple of
columns: such a frame takes the place of the one before, at a cost that does not depend on its
size. Frames with other columns are taken apart when somebody asks, or when many have gathered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from drivers.api import Frame, Value

NOTHING: Final = object()
"""Stands for the value of a tag that was never told."""

MOST_SAMPLES: Final = 12
"""Frames are kept whole up to so many values per tag, 45 bytes each."""
LEAST_ROOM: Final = 1024
"""So many values may be in whole frames in any case."""


class Known:
    """What the frames of one plan of `tags` tags said last, in the order in which they came."""

    def __init__(self, tags: int) -> None:
        self._room = LEAST_ROOM + MOST_SAMPLES * tags
        self._full: tuple[Value, ...] | None = None
        self._values: dict[int, Value] = {}
        self._parts: dict[int, Frame] = {}
        """By the identity of its columns, the oldest first; the frame keeps them alive."""
        self._held = 0

    def take(self, frame: Frame) -> None:
        """Take a frame in, which nobody changes any more."""
        columns = frame.columns
        if columns is None:
            self._full = frame.values
            self._values.clear()
            self._parts.clear()
            self._held = 0
            return
        if self._parts.pop(id(columns), None) is None:
            self._held += len(columns)
        self._parts[id(columns)] = frame
        if self._held > self._room:
            self._take_apart()

    def last(self, tag: int) -> object:
        """Give the last value of a tag, or `NOTHING`."""
        self._take_apart()
        if tag in self._values:
            return self._values[tag]
        return NOTHING if self._full is None else self._full[tag]

    def _take_apart(self) -> None:
        for frame in self._parts.values():
            self._values.update(zip(frame.columns or (), frame.values, strict=True))
        self._parts.clear()
        self._held = 0
