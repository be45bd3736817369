"""Settings of a rate that ask for less evidence than the rules do by themselves. Pure.

An enterprise may set them, for a trial or a short campaign; whoever reads the result is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agent.config.ledger import Rate
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from agent.kpi.calendar import ShopCalendar
    from agent.kpi.evidence import Demand

_RULES: Final = Rate()
_LEAST: Final = ("period_days", "min_days", "min_day_share")
"""Settings of which less than the rules' own value asks for less evidence."""


@dataclass(frozen=True, slots=True)
class Eased:
    """One setting below what the rules ask for."""

    setting: str
    """Name below `rate` in the configuration."""
    is_: float
    rule: float
    """What holds where nothing is set: days, or a share of days."""

    def document(self) -> dict[str, Any]:
        """Give it as plain JSON types."""
        return {"setting": self.setting, "is": self.is_, "rule": self.rule}


def eased(rate: Rate, asked: Demand, calendar: ShopCalendar) -> tuple[Eased, ...]:
    """Give what the settings ease of the evidence for a window; empty: nothing.

    `scheduled_days` is held against the calendar.
    """
    found = [
        Eased(name, getattr(rate, name), getattr(_RULES, name))
        for name in _LEAST
        if getattr(rate, name) < getattr(_RULES, name)
    ]
    planned = calendar.scheduled_days(asked.first, asked.last)
    if rate.scheduled_days is not None and rate.scheduled_days < planned:
        found.append(Eased("scheduled_days", rate.scheduled_days, planned))
    return tuple(found)


def eased_sentence(found: tuple[Eased, ...]) -> Message | None:
    """Say which settings ask for less, and than what; None where none does."""
    if not found:
        return None
    en = ", ".join(f"{one.setting} {one.is_:g} (rules: {one.rule:g})" for one in found)
    zh = "、".join(f"{one.setting} 为 {one.is_:g}（规则：{one.rule:g}）" for one in found)
    return Message(
        en=f"Own settings ask for less evidence than the rules: {en}. This verified rate does "
        "not compare with others.",
        zh=f"自行设置放宽了证据要求：{zh}。此“数据已验证”与其他企业的不可比。",
    )
