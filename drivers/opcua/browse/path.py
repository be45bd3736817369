"""A browse path in an address: the names on the way from the root to a node.

    path=/Objects/nsu=urn:maker:cnc;Machine/nsu=urn:maker:cnc;Spindle

Every name follows `/`, and any hierarchical reference is followed. A name without a namespace is
of the standard's own, as in the text form of OPC UA. `&` makes the next character a plain one of
the name: `&/`, `&#`, `&&`. Within `nsu=...;` only `;` and `%` need escaping, as `%3B` and `%25`.
Source: OPC 10000-4, annex A.2, but for the namespace by URI, whose index is not safe, and for the
`.`, which is a plain character here: browse names are full of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from drivers.opcua.address_refusal import Refusal

STANDARD_URI: Final = "http://opcfoundation.org/UA/"
"""Namespace 0 of every server. Source: OPC 10000-3, 8.2.2."""
MAX_NAMES: Final = 32
"""Longest path, in names."""

_NAME = re.compile(
    r"/(?:nsu=(?P<uri>[^;]*);|(?P<index>[0-9]{1,5}):)?(?P<name>(?:&.|[^/&])*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class PathName:
    """One name of a path: its namespace by URI or, where `uri` is None, by index."""

    uri: str | None
    index: int
    name: str


def parse_path(text: str) -> tuple[PathName, ...]:
    """Parse what follows `path=`.

    Raises:
        Refusal: it is no path.
    """
    found: list[PathName] = []
    at = 0
    while at < len(text):
        match = _NAME.match(text, at)
        if match is None or not match["name"]:
            raise _refused(text)
        uri = None if match["uri"] is None else unescape_uri(match["uri"])
        if uri == "" or int(match["index"] or 0) > 0xFFFF or len(found) == MAX_NAMES:
            raise _refused(text)
        name = re.sub(r"&(.)", r"\1", match["name"], flags=re.DOTALL)
        found.append(PathName(None if uri == STANDARD_URI else uri, int(match["index"] or 0), name))
        at = match.end()
    if not found:
        raise _refused(text)
    return tuple(found)


def unescape_uri(text: str) -> str:
    """Give the URI of `nsu=`: `;` and `%` stand escaped there. Source: OPC 10000-6, 5.3.1.11."""
    return re.sub("%3B", ";", text, flags=re.IGNORECASE).replace("%25", "%")


def escape_uri(uri: str) -> str:
    """Write a URI so that `unescape_uri` gives it back."""
    return uri.replace("%", "%25").replace(";", "%3B")


def _refused(text: str) -> Refusal:
    return Refusal(
        f"{text!r} is no browse path", f"{text!r} 不是浏览路径",
        hint="Write path=/Objects/nsu=<namespace URI>;<browse name>/...",
        hint_zh="请写成 path=/Objects/nsu=<命名空间 URI>;<浏览名称>/...",
    )  # fmt: skip
