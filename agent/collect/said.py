"""Text that a device says, made fit to be kept: valid, printable, of bounded length."""

from __future__ import annotations


def said(text: str, *, most_chars: int) -> str:
    """Cut a text and put spaces where it has what cannot be shown; never fails."""
    short = text[:most_chars].encode("utf-8", "replace").decode()
    if short.isprintable():
        return short
    return "".join(one if one.isprintable() else " " for one in short)
