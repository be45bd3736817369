"""Every personality by name, in the order in which people are shown them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulators.modbus.wrong_content import CONTENT
from simulators.modbus.wrong_wire import ON_WIRE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.modbus.drafts import Personality

PERSONALITIES: Final[Mapping[str, Personality]] = {**CONTENT, **ON_WIRE}
"""All that `--personality` takes."""


def listing(language: str) -> str:
    """Give one line per personality: its name, its usual value, what it does; `zh` or `en`."""
    lines = []
    for personality in PERSONALITIES.values():
        usual = f":{personality.default}" if personality.default else ""
        what = personality.zh if language == "zh" else personality.en
        lines.append(f"{personality.name + usual:24}{what}")
    return "\n".join(lines)
