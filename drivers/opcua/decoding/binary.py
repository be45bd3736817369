"""Stepping over and reading the built-in types of the OPC UA binary encoding.

Every function takes the message and a position and gives the position behind what it read, so
that nothing is copied that is not kept. A length is believed only as far as bytes are there;
what nests, nests 16 deep at most; the steps that one message may take are counted, so that none
holds the event loop for long. Torn or false bytes raise `DecodeError`, `struct.error` or
`IndexError`; callers turn the last two into the first with `decoding`.

Source: OPC 10000-6, 5.2.
"""

from __future__ import annotations

import struct
import threading
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH: Final = 16
"""How deep variants, data values and diagnostics may nest."""

_I32 = struct.Struct("<i").unpack_from
_U32 = struct.Struct("<I").unpack_from
_U16 = struct.Struct("<H").unpack_from

MAX_STEPS: Final = 50_000
"""Elements of varying width that one message may hold in arrays."""

STRING: Final = 12
"""Type number of String in a variant."""

_STRUCTURED = frozenset({23, 24, 25})  # DataValue, Variant, DiagnosticInfo: they nest


class DecodeError(ValueError):
    """The bytes are not what the standard says stands there."""


class _Steps(threading.local):
    """What is left of the message that this thread decodes."""

    left = MAX_STEPS


_steps = _Steps()


def spend(steps: int) -> None:
    """Count steps of the message that is decoded.

    Raises:
        DecodeError: it holds more than is taken at once.
    """
    _steps.left -= steps
    if _steps.left < 0:
        raise DecodeError(f"more than {MAX_STEPS} elements in one message")


class decoding:  # noqa: N801 - read as a verb, like those of contextlib
    """Decode one message: name it in the errors of torn bytes, and count its steps anew."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        _steps.left = MAX_STEPS

    def __exit__(
        self, _kind: object, error: BaseException | None, _traceback: object
    ) -> Literal[False]:
        if isinstance(error, (struct.error, IndexError)):
            raise DecodeError(f"{self._what} ends early: {error}") from error
        return False


def u32(data: bytes, pos: int) -> tuple[int, int]:
    """Read an unsigned 32-bit number."""
    return _U32(data, pos)[0], pos + 4


def count_at(data: bytes, pos: int, *, least_bytes: int) -> tuple[int, int]:
    """Read an array's length; it cannot promise more elements than there are bytes for."""
    count: int = _I32(data, pos)[0]
    pos += 4
    if count <= 0:
        if count < -1:
            raise DecodeError(f"an array of {count} elements")
        return 0, pos
    if count * least_bytes > len(data) - pos:
        raise DecodeError(f"an array promises {count} elements, {len(data) - pos} bytes remain")
    return count, pos


def chunk(data: bytes, pos: int) -> tuple[bytes | None, int]:
    """Read a length and as many bytes; None where the sender says there is nothing."""
    length: int = _I32(data, pos)[0]
    pos += 4
    if length < 0:
        if length != -1:
            raise DecodeError(f"a length of {length} bytes")
        return None, pos
    end = pos + length
    if end > len(data):
        raise DecodeError(f"a length of {length} bytes, {len(data) - pos} remain")
    return data[pos:end], end


def strings(data: bytes, pos: int) -> tuple[list[bytes], int]:
    """Read an array of strings as raw bytes; a null string is empty."""
    count, pos = count_at(data, pos, least_bytes=4)
    spend(count)
    found: list[bytes] = []
    for _ in range(count):
        raw, pos = chunk(data, pos)
        found.append(raw or b"")
    return found, pos


def skip_chunk(data: bytes, pos: int) -> int:
    """Step over a String, ByteString or XmlElement."""
    length: int = _I32(data, pos)[0]
    pos += 4
    if length < -1 or length > len(data) - pos:
        raise DecodeError(f"a length of {length} bytes, {len(data) - pos} remain")
    return pos + max(length, 0)


def node_id(data: bytes, pos: int) -> tuple[int, int]:
    """Read a NodeId; give its number if it is one of the standard's own, else 0."""
    kind = data[pos]
    if kind == 0:
        return data[pos + 1], pos + 2
    if kind == 1:
        number: int = _U16(data, pos + 2)[0]
        return (0 if data[pos + 1] else number), pos + 4
    if kind == 2:
        space: int = _U16(data, pos + 1)[0]
        wide: int = _U32(data, pos + 3)[0]
        return (0 if space else wide), pos + 7
    return 0, skip_node_id(data, pos)


def skip_node_id(data: bytes, pos: int) -> int:
    """Step over a NodeId or an ExpandedNodeId."""
    flags = data[pos]
    kind = flags & 0x3F
    if kind <= 2:
        pos += (2, 4, 7)[kind]
    elif kind in {3, 5}:
        pos = skip_chunk(data, pos + 3)
    elif kind == 4:
        pos += 19
    else:
        raise DecodeError(f"a NodeId of kind {kind}")
    if flags & 0x80:
        pos = skip_chunk(data, pos)
    if flags & 0x40:
        pos += 4
    return pos


def skip_localized_text(data: bytes, pos: int) -> int:
    """Step over a LocalizedText."""
    mask = data[pos]
    pos += 1
    if mask & 1:
        pos = skip_chunk(data, pos)
    if mask & 2:
        pos = skip_chunk(data, pos)
    return pos


def skip_extension_object(data: bytes, pos: int) -> int:
    """Step over an ExtensionObject, whatever its body holds."""
    pos = skip_node_id(data, pos)
    body = data[pos]
    return skip_chunk(data, pos + 1) if body & 3 else pos + 1


def skip_diagnostic_info(data: bytes, pos: int, depth: int = 0) -> int:
    """Step over a DiagnosticInfo."""
    if depth > MAX_DEPTH:
        raise DecodeError(f"diagnostics nest deeper than {MAX_DEPTH}")
    spend(1)
    mask = data[pos]
    pos += 1 + 4 * (mask & 0x0F).bit_count()
    if mask & 0x10:
        pos = skip_chunk(data, pos)
    if mask & 0x20:
        pos += 4
    return skip_diagnostic_info(data, pos, depth + 1) if mask & 0x40 else pos


def skip_data_value(data: bytes, pos: int, depth: int = 0) -> int:
    """Step over a DataValue."""
    mask = data[pos]
    pos += 1
    if mask & 1:
        pos = skip_variant(data, pos, depth)
    return pos + trailer_size(mask)


def skip_variant(data: bytes, pos: int, depth: int = 0) -> int:
    """Step over a Variant: scalar, array or matrix."""
    if depth > MAX_DEPTH:
        raise DecodeError(f"variants nest deeper than {MAX_DEPTH}")
    spend(1)
    encoding = data[pos]
    pos += 1
    if not encoding & 0x80:
        return _skip_scalar(data, pos, encoding & 0x3F, depth)
    pos = _skip_array(data, pos, encoding & 0x3F, depth)
    if encoding & 0x40:
        dimensions, pos = count_at(data, pos, least_bytes=4)
        pos += 4 * dimensions
    return pos


def trailer_size(mask: int) -> int:
    """Give how many bytes follow the value of a DataValue with this mask."""
    return _TRAILER_BYTES[mask]


def _skip_array(data: bytes, pos: int, type_id: int, depth: int) -> int:
    size = _FIXED_BYTES.get(type_id)
    if size is not None:
        count, pos = count_at(data, pos, least_bytes=size or 1)
        return pos + count * size
    count, pos = count_at(data, pos, least_bytes=1)
    spend(count)
    for _ in range(count):
        pos = _skip_scalar(data, pos, type_id, depth)
    return pos


def _skip_scalar(data: bytes, pos: int, type_id: int, depth: int) -> int:
    size = _FIXED_BYTES.get(type_id)
    if size is not None:
        return pos + size
    if type_id in _STRUCTURED:
        return _NESTING[type_id](data, pos, depth + 1)
    return _SKIPS.get(type_id, skip_chunk)(data, pos)


def _skip_qualified_name(data: bytes, pos: int) -> int:
    return skip_chunk(data, pos + 2)


_FIXED_BYTES = {
    0: 0, 1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 4, 11: 8, 13: 8, 14: 16, 19: 4,
}  # fmt: skip

_SKIPS: dict[int, Callable[[bytes, int], int]] = {
    17: skip_node_id,
    18: skip_node_id,
    20: _skip_qualified_name,
    21: skip_localized_text,
    22: skip_extension_object,
}

_NESTING: dict[int, Callable[[bytes, int, int], int]] = {
    23: skip_data_value,
    24: skip_variant,
    25: skip_diagnostic_info,
}

# status 4, source time 8, server time 8, their picoseconds 2 each; bits 6 and 7 mean nothing
_TRAILER_BYTES = tuple(
    4 * (mask >> 1 & 1)
    + 8 * (mask >> 2 & 1)
    + 8 * (mask >> 3 & 1)
    + 2 * (mask >> 4 & 1)
    + 2 * (mask >> 5 & 1)
    for mask in range(256)
)
