"""Unified social credit codes (统一社会信用代码): form and check character.

Source: GB 32100-2015, 4.2 (alphabet, structure) and 5 (check character, weights 3^(i-1) mod 31).
"""

from __future__ import annotations

import unicodedata

from agent.telemetry.status import Message

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 characters of a code: neither I, O, S, V nor Z, which are misread."""
LENGTH = 18


def normalized(code: str) -> str:
    """Give a code as the register writes it: half-width capitals without spaces and hyphens."""
    narrow = unicodedata.normalize("NFKC", code)
    return "".join(char for char in narrow if char not in " -\t").upper()


def malformed(code: str) -> Message | None:
    """Tell what is wrong with the form of a normalized code; None when nothing is."""
    if len(code) != LENGTH:
        return Message(en=f"it has {len(code)} characters", zh=f"共 {len(code)} 位")
    strange = sorted({char for char in code if char not in ALPHABET})
    if strange:
        shown = " ".join(strange)
        return Message(en=f"{shown} cannot occur in it", zh=f"不会出现字符 {shown}")
    if not code[2:8].isdigit():
        return Message(en="characters 3 to 8 are not digits", zh="第 3～8 位应为数字")
    return None


def check_character(code: str) -> str:
    """Compute the last character of a well-formed code from the 17 before it."""
    total = sum(ALPHABET.index(char) * pow(3, i, 31) for i, char in enumerate(code[: LENGTH - 1]))
    return ALPHABET[-total % 31]
