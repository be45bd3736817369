"""Tells where two documents differ, in words a person can follow to the place."""

from __future__ import annotations

import json
from typing import Any

_MAX_TEXT = 120
_NAMES = ("id", "as_of", "code")
"""Fields that name an entry of a list better than its number."""


def first_difference(said: Any, computed: Any, *, at: str = "") -> str | None:
    """Give the place of the first difference with both sides; None if there is none."""
    if isinstance(said, dict) and isinstance(computed, dict):
        return _of_objects(said, computed, at)
    if isinstance(said, list) and isinstance(computed, list) and len(said) == len(computed):
        pairs = enumerate(zip(said, computed, strict=True))
        found = (first_difference(a, b, at=f"{at}[{_name(b, n)}]") for n, (a, b) in pairs)
        return next((one for one in found if one is not None), None)
    if type(said) is type(computed) and said == computed:
        return None
    return f"{at or '.'}: {_short(said)} ≠ {_short(computed)}"


def _of_objects(said: dict[str, Any], computed: dict[str, Any], at: str) -> str | None:
    for key in sorted(said.keys() | computed.keys()):
        place = f"{at}.{key}" if at else key
        if key not in said or key not in computed:
            return f"{place}: {_short(said.get(key))} ≠ {_short(computed.get(key))}"
        found = first_difference(said[key], computed[key], at=place)
        if found is not None:
            return found
    return None


def _name(entry: Any, number: int) -> str:
    named = (entry[key] for key in _NAMES if key in entry) if isinstance(entry, dict) else ()
    return str(next(iter(named), number))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
