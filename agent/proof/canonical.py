"""JSON in the one form a proof file holds, so that equal content is equal bytes.

Keys are sorted, text is UTF-8 as it is, numbers are integers or short decimals, never NaN. What
is read must be in that very form: a second spelling of the same content is an error.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def page(document: Any) -> bytes:
    """Give a document for people and programs: one value a line, a line end at the end."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    return f"{text}\n".encode()


def line(document: Any) -> bytes:
    """Give a document as one line without spaces, without line end."""
    return json.dumps(
        document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def lines(documents: Iterable[Any]) -> bytes:
    """Give documents as JSON lines, each ended by a line end."""
    found = BytesIO()
    for one in documents:
        found.write(line(one) + b"\n")
    return found.getvalue()  # without a copy: a year of many machines is large


def read_page(raw: bytes) -> Any:
    """Read what `page` gave.

    Raises:
        ValueError: it is no JSON, or not in the canonical form.
    """
    return _canonical(raw, page)


def read_line(raw: bytes) -> Any:
    """Read what `line` gave; raises ValueError as `read_page` does."""
    return _canonical(raw, line)


def each(raw: bytes) -> Iterator[bytes]:
    """Give the lines of a text as `split` does, one after the other."""
    return (one.removesuffix(b"\n") for one in BytesIO(raw))


def split(raw: bytes) -> list[bytes]:
    """Give the lines of a text without their ends; a last line without end is a line too."""
    parts = raw.split(b"\n")
    return parts if parts[-1] else parts[:-1]


def _canonical(raw: bytes, write: Any) -> Any:
    try:
        document = json.loads(raw.decode(), object_pairs_hook=_unique)
        same = write(document) == raw
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not same:
        raise ValueError("not in the canonical form")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found
