"""Rules by which a machine's state follows from its points, one .yaml file per kind of source.

A preset names its `inputs`, the `optional` ones among them, the `limits` it asks for, and its
`rules`; the first that holds gives the state. A rule that names an optional input which is not
given does not apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config.document import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Preset:
    """One file of rules."""

    name: str
    inputs: Mapping[str, str]
    """What must be given -> what it is."""
    optional: Mapping[str, str]
    limits: Mapping[str, str]
    """Numbers that must be given -> what they are."""
    rules: tuple[tuple[str, str], ...]
    """State and condition."""


def preset_names() -> tuple[str, ...]:
    """Give the names of all presets, sorted."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.yaml")))


@cache
def read_preset(name: str) -> Preset:
    """Give a preset of `preset_names`."""
    path = _HERE / f"{name}.yaml"
    root, problems = parse(path.read_bytes(), file=path.name)
    if root is None or problems:
        raise ValueError(f"{path.name}: {problems}")
    content: Any = root.plain()
    return Preset(
        name,
        content["inputs"],
        content.get("optional", {}),
        content.get("limits", {}),
        tuple((rule["state"], rule["when"]) for rule in content["rules"]),
    )
