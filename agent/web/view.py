"""In which language and as of when a page is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from agent.web.figures import age, span
from agent.web.markup import Markup, tag

if TYPE_CHECKING:
    from agent.telemetry.status import Message

_ICONS: Final = {
    "ok": "M3 8.5l3.2 3.2L13 5",
    "warn": "M8 2L14.5 13.5H1.5ZM8 6.5v3.2M8 11.4v.6",
    "bad": "M4 4l8 8M12 4l-8 8",
    "running": "M5 3l8 5-8 5Z",
    "idle": "M5.5 3.5v9M10.5 3.5v9",
    "alarm": "M8 2.5v7.5M8 12.5v1",
    "setup": "M2.5 5h7M12.5 5h1M11 3.2v3.6M2.5 11h1M6.5 11h7M5 9.2v3.6",
    "off": "M8 2v6M4.6 4.4a5 5 0 1 0 6.8 0",
    "unknown": "M5.6 6a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.8-1.1 1.6M8 12v.9",
    "wait": "M8 3.5V8l3 2M8 1.8a6.2 6.2 0 1 0 .01 0",
}
"""Name -> path on a 16 x 16 grid: a shape for everyone who cannot tell the colours apart."""


@dataclass(frozen=True, slots=True)
class View:
    """The reader's language and the instant shown."""

    language: str
    now_ms: int

    def say(self, message: Message, **figures: object) -> str:
        """Give a sentence in the reader's language with its figures filled in."""
        text = message.text(self.language)
        return text.format(**figures) if figures else text

    def span_since(self, then_ms: int) -> str:
        """Give the length of time since then, such as `13 h`."""
        return span((self.now_ms - then_ms) / 1000, self.language)

    def span_between(self, from_ms: int, to_ms: int) -> str:
        """Give the length of a span, such as `13 h`."""
        return span((to_ms - from_ms) / 1000, self.language)

    def since(self, then_ms: int | None) -> Markup:
        """Tell how long ago something was; the exact UTC time appears on pointing at it."""
        if then_ms is None:
            return tag("span", age(self.now_ms, None, self.language))
        exact = _utc_text(then_ms)
        return tag("time", age(self.now_ms, then_ms, self.language), datetime=exact, title=exact)


@cache
def icon(name: str) -> Markup:
    """Draw one of the small signs that stand beside a word."""
    return tag("svg", tag("path", d=_ICONS[name]), viewBox="0 0 16 16", class_=f"icon i-{name}",
               aria_hidden="true")  # fmt: skip


def _utc_text(time_ms: int) -> str:
    """Give ISO 8601 in UTC, or the bare number for a time no calendar holds."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms"
