"""How structures lie on the wire, as a server defines them; nothing here asks it.

A `Layout` is one structure, `Layouts` all those of one session, found by data type or by the id of
their binary encoding. Source: OPC 10000-3, 8.48 to 8.52; OPC 10000-6, 5.2.6 to 5.2.8.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias
from uuid import UUID

Key: TypeAlias = tuple[int, int | str | bytes | UUID]
"""A node on one server: namespace index and identifier."""

VARIANT: Final = 24
EXTENSION_OBJECT: Final = 22
"""Built-in types whose value says itself what it holds."""


class Form(Enum):
    """How the fields of a structure follow each other."""

    PLAIN = "plain"
    OPTIONAL = "optional"
    """A mask of 32 bits first: which of the optional fields are there."""
    UNION = "union"
    """A number of 32 bits first: which one field follows, from 1; 0 for none."""


@dataclass(frozen=True, slots=True)
class FieldLayout:
    """One field: its built-in type or, where `structure` says so, a structure of its own."""

    name: str
    kind: int
    """Number of the built-in type on the wire."""
    structure: Key | None = None
    """Data type of a structure that stands here without a head."""
    rank: int = 0
    """Dimensions of the array; 0 for one value."""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """One structure."""

    name: str
    fields: tuple[FieldLayout, ...]
    form: Form = Form.PLAIN


_STANDARD: Final[dict[Key, tuple[Key, Layout]]] = {
    (0, 884): ((0, 886), Layout("Range", (FieldLayout("Low", 11), FieldLayout("High", 11)))),
    (0, 887): (
        (0, 889),
        Layout(
            "EUInformation",
            (
                FieldLayout("NamespaceUri", 12),
                FieldLayout("UnitId", 6),
                FieldLayout("DisplayName", 21),
                FieldLayout("Description", 21),
            ),
        ),
    ),
}
"""Data type -> binary encoding and layout, of standard structures that makers put into theirs;
not every server explains them. Source: OPC 10000-8, 5.6.2 and 5.6.3."""


@dataclass(slots=True)
class Layouts:
    """Every structure known in one session."""

    by_type: dict[Key, Layout] = field(
        default_factory=lambda: {key: layout for key, (_, layout) in _STANDARD.items()}
    )
    encodings: dict[Key, Key] = field(
        default_factory=lambda: {encoding: key for key, (encoding, _) in _STANDARD.items()}
    )
    """Id of a binary encoding -> its data type."""
    ranges: bool = False
    """Whether the server answers for a range of an array with just this range."""

    def encoded(self, encoding: Key) -> Layout | None:
        """Give the structure with this binary encoding; None where it is not known."""
        data_type = self.encodings.get(encoding)
        return None if data_type is None else self.by_type.get(data_type)
