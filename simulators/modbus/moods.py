"""Which personalities are at work, how often, and on which unit: `late:0.5@0.1#7`.

A mood is one personality with its value and probability. Several work together, in the order
given within each stage. The dice are seeded: the same requests meet the same misbehaviour.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from simulators.modbus.drafts import Stage
from simulators.modbus.personalities import PERSONALITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from simulators.modbus.drafts import Draft, Personality

SYNTAX: Final = "NAME[:VALUE][@PROBABILITY][#UNIT]"
"""How a mood is written."""

_MOOD: Final = re.compile(
    r"(?P<name>[a-z-]+)(?::(?P<value>[^@#]+))?(?:@(?P<share>[\d.]+))?(?:#(?P<unit>\d{1,3}))?"
)


@dataclass(frozen=True, slots=True)
class Mood:
    """One personality at work."""

    personality: Personality
    value: str
    share: float = 1.0
    """How often it acts: 1 always."""
    unit: int | None = None
    """Whom it concerns; None: every unit."""

    def __str__(self) -> str:
        value = f":{self.value}" if self.value else ""
        share = f"@{self.share:g}" if self.share < 1 else ""
        unit = "" if self.unit is None else f"#{self.unit}"
        return f"{self.personality.name}{value}{share}{unit}"


def parse_mood(text: str) -> Mood:
    """Read a mood as written.

    Raises:
        ValueError: no such personality, or a value or probability it cannot have.
    """
    match = _MOOD.fullmatch(text.strip())
    personality = PERSONALITIES.get(match["name"]) if match else None
    if match is None or personality is None:
        known = " ".join(PERSONALITIES)
        raise ValueError(f"{text!r}: no such personality / 没有这种故障: {SYNTAX}\nNAME: {known}")
    value = match["value"] or personality.default
    share = float(match["share"] or 1)
    if not 0 < share <= 1:
        raise ValueError(f"{text!r}: 0 < PROBABILITY <= 1 / 概率应大于 0 且不超过 1")
    if not personality.accepts(value):
        usual = personality.default or "-"
        raise ValueError(f"{text!r}: VALUE {value!r}, usually {usual} / 参数无效，通常为 {usual}")
    return Mood(personality, value, share, int(match["unit"]) if match["unit"] else None)


class Temper:
    """The moods of one bus, changed at any moment."""

    def __init__(self, moods: Iterable[str] = (), *, seed: int = 1) -> None:
        """Begin with moods as written; raises ValueError for one that is not."""
        self.moods: list[Mood] = [parse_mood(text) for text in moods]
        self.dice = Random(seed)
        self.acted: Counter[str] = Counter()
        """How often each personality changed an answer."""

    def set(self, *moods: str) -> None:
        """Replace all moods; raises ValueError and changes nothing for one that is not."""
        self.moods = [parse_mood(text) for text in moods]

    def value(self, name: str) -> str | None:
        """Give the value of a personality that concerns whole connections; None: not at work."""
        for mood in self.moods:
            if mood.personality.name == name:
                return mood.value
        return None

    def draw(self, unit: int) -> list[Mood]:
        """Throw the dice for one answer: the moods that act on it."""
        return [
            mood
            for mood in self.moods
            if mood.unit in {None, unit}
            and mood.personality.stage is not Stage.CONNECTION
            and (mood.share >= 1 or self.dice.random() < mood.share)
        ]

    def act(self, drawn: list[Mood], draft: Draft, stage: Stage) -> None:
        """Let the drawn moods of one stage work on a draft."""
        for mood in _of_stage(drawn, stage):
            if mood.personality.act(draft, mood.value, self.dice):
                self.acted[mood.personality.name] += 1


def _of_stage(moods: Iterable[Mood], stage: Stage) -> Iterator[Mood]:
    return (mood for mood in moods if mood.personality.stage is stage)
