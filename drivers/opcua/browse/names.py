"""Texts of a stranger's server, made fit for terminals, tables and pages.

Control characters, direction overrides and other invisible ones are taken out: a name must not
move a cursor, hide what follows it, or be longer than a person reads.
"""

from __future__ import annotations

import unicodedata
from typing import Final

MOST_NAME: Final = 128
"""Longest name that is shown, in characters."""
MOST_TEXT: Final = 256
"""Longest description or sample text."""

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: object, *, most: int = MOST_NAME) -> str:
    """Give a text on one line, without what cannot be seen, shortened with `…`."""
    if not isinstance(text, str):
        return ""
    head = text[: 4 * most]  # looked at no further: a name may have a million characters
    shown = "".join(" " if char in "\t\r\n" else char for char in head if _shows(char))
    shown = " ".join(shown.split())
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def level(text: object) -> str:
    """Give a name as one level of a path: cleaned, and without the separator."""
    return clean(text).replace("/", "_") or "_"


def _shows(char: str) -> bool:
    return char in "\t\r\n" or unicodedata.category(char) not in _HIDDEN
