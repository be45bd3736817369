"""HTML that is escaped unless it was made here: a few functions instead of a template engine.

`tag` gives `Markup`; anything else put inside one is text and is escaped. So a value from a
machine can never become an element, an attribute or a script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
)  # the standard library's own brings a table of 2,200 entities along, half a megabyte
_HTML_VOID: Final = frozenset({"meta", "link", "br", "hr", "input"})
_VOID: Final = _HTML_VOID | {"path", "rect", "line"}


class Markup(str):
    """A piece of HTML that may be put into another as it is."""

    __slots__ = ()


Child: TypeAlias = str | None
"""Text, to be escaped, or `Markup`; None leaves nothing."""

Attribute: TypeAlias = str | bool | None
"""A value, to be escaped; True gives the bare name, False and None leave it out."""


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """Make an element. A name is written with `_` for `-`, and `class_` for class."""
    head = name + "".join(_attribute(k, v) for k, v in attributes.items())
    if name in _VOID:
        return Markup(f"<{head}>" if name in _HTML_VOID else f"<{head}/>")
    return Markup(f"<{head}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Markup:
    """Put pieces side by side, escaping what is text."""
    return Markup("".join(map(_piece, children)))


def _piece(child: Child) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Markup) else child.translate(_ESCAPES)


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{value.translate(_ESCAPES)}"'
