"""The tags of a device as the status shows them: made when they are looked at, each one anew.

A snapshot of a plant of 100,000 tags costs what its devices cost; who wants to see a value pays for
that one. Immutable, and may be read in any thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, overload

from agent.telemetry.status import TagStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.telemetry.latest import LastValue, LastValues

_GOOD = 192


class Named(Protocol):
    """What is known of a tag beforehand; `agent.config.model.TagEntry` is one."""

    @property
    def name(self) -> str:
        """Metric name."""

    @property
    def description(self) -> str:
        """What people call it."""

    @property
    def unit(self) -> str:
        """UCUM code."""

    @property
    def address(self) -> str:
        """Where the driver finds it."""


class TagList(Sequence[TagStatus]):
    """The tags of a device's groups, one group after the other."""

    def __init__(self, parts: Sequence[tuple[Sequence[Named], LastValues]]) -> None:
        """Take each group's tags with their last values, which have the same order."""
        self._parts = tuple(parts)
        self._size = sum(values.size for _, values in self._parts)

    def __len__(self) -> int:
        """Give how many tags there are."""
        return self._size

    @overload
    def __getitem__(self, index: int) -> TagStatus: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[TagStatus, ...]: ...

    def __getitem__(self, index: int | slice) -> TagStatus | tuple[TagStatus, ...]:
        """Give a tag, or some."""
        if isinstance(index, slice):
            return tuple(self._at(at) for at in range(self._size)[index])
        return self._at(range(self._size)[index])

    def __iter__(self) -> Iterator[TagStatus]:
        """Give every tag."""
        for tags, values in self._parts:
            for tag, last in zip(tags, values.all(), strict=True):
                yield _shown(tag, last)

    def not_good(self) -> tuple[TagStatus, ...]:
        """Give the tags whose value is not good; costs little where all are."""
        return tuple(
            _shown(tags[column], values.value(column))
            for tags, values in self._parts
            for column in values.not_good()
        )

    def _at(self, index: int) -> TagStatus:
        for tags, values in self._parts:
            if index < values.size:
                return _shown(tags[index], values.value(index))
            index -= values.size
        raise IndexError(index)


def not_good(tags: Sequence[TagStatus]) -> Sequence[TagStatus]:
    """Give those of some tags whose value is not good."""
    if isinstance(tags, TagList):
        return tags.not_good()
    return [tag for tag in tags if tag.quality != _GOOD]


def _shown(tag: Named, last: LastValue) -> TagStatus:
    value, quality, reason, time_ns = last
    time_ms = None if time_ns is None else time_ns // 1_000_000
    return TagStatus(
        tag.name, tag.description, tag.unit, value, quality, reason, time_ms, tag.address
    )
