"""Words typed at a running Modbus simulator: personalities come and go while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulators.modbus.moods import SYNTAX, parse_mood
from simulators.modbus.personalities import listing

if TYPE_CHECKING:
    from simulators.modbus.bus import Bus

HELP: Final = (
    f"type: {SYNTAX} | -NAME | none | reboot SECONDS | status | list",
    f"可输入：{SYNTAX}（增加故障）| -NAME（去掉）| none（全部恢复）| reboot 秒数 | status | list",
)
"""What can be typed, in English and Chinese."""


class Control:
    """One running bus and what people tell it."""

    def __init__(self, bus: Bus, *, language: str = "en") -> None:
        self._bus = bus
        self._language = language

    async def obey(self, line: str) -> str:
        """Do one typed command; give the answer for the person."""
        word, _, rest = line.strip().partition(" ")
        if word == "list":
            return listing(self._language)
        if word == "reboot":
            return self._reboot(rest)
        temper = self._bus.temper
        if word == "none":
            temper.set()
        elif word.startswith("-"):
            kept = [mood for mood in temper.moods if mood.personality.name != word[1:]]
            if len(kept) == len(temper.moods):
                return HELP[self._language == "zh"]
            temper.moods = kept
        elif word != "status":
            try:
                temper.moods = [*temper.moods, parse_mood(word)]
            except ValueError:
                return HELP[self._language == "zh"]
        return self._status()

    def _reboot(self, seconds: str) -> str:
        try:
            away_s = float(seconds or 1)
        except ValueError:
            return HELP[self._language == "zh"]
        if self._bus.on_reboot is None:
            return HELP[self._language == "zh"]
        self._bus.on_reboot(away_s)
        return f"reboot {away_s:g} s"

    def _status(self) -> str:
        moods = " ".join(str(mood) for mood in self._bus.temper.moods) or "none"
        asked, answered = self._bus.asked.total(), self._bus.answered.total()
        acted = " ".join(f"{name}={n}" for name, n in sorted(self._bus.temper.acted.items()))
        return f"{moods}: asked={asked} answered={answered} {acted}".rstrip()
