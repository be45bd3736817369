"""Which texts of the ledger a person can read as they are written. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST_TEXT: Final = 500
"""Most characters of one field, and of a reason."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories; Cf has those of no width, and those that turn the direction of a line."""
_BLANK: Final = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Letters and marks that are drawn as nothing."""


def unseen(text: str) -> bool:
    """Tell whether a text holds a line break or a character that cannot be seen or misleads."""
    return any(
        unicodedata.category(char) in _UNSEEN
        or char in _BLANK
        or ord(char) & 0xFFFE == 0xFFFE  # no character, in every plane
        or 0xFDD0 <= ord(char) <= 0xFDEF
        for char in text
    )
