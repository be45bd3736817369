"""What a code's text is made of; the texts stand in `texts_file` and `texts_device`."""

from __future__ import annotations

from dataclasses import dataclass

from agent.telemetry.status import Message


@dataclass(frozen=True, slots=True)
class Entry:
    """What is wrong, and what to do."""

    message: Message
    hint: Message


def entry(en: str, zh: str, hint_en: str = "", hint_zh: str = "") -> Entry:
    """Build the texts of one code: message in English and Chinese, then the hint in both."""
    return Entry(Message(en=en, zh=zh), Message(en=hint_en, zh=hint_zh))
