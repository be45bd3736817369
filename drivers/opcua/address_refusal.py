"""The error of a text that is no address, in both languages."""

from __future__ import annotations


class Refusal(ValueError):  # noqa: N818 - names what became of the address
    """Why a text is no address, and what to write instead where that is known."""

    def __init__(self, en: str, zh: str, *, hint: str = "", hint_zh: str = "") -> None:
        super().__init__(en)
        self.zh = zh
        self.hint = hint
        self.hint_zh = hint_zh
