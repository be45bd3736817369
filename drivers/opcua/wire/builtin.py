"""The built-in types as asyncua's objects, read strictly from a cursor.

What is valid becomes what asyncua's own decoder makes of it, except where that one is wrong:
picoseconds (order on the wire), diagnostics in diagnostics, bodies in XML, texts that are no
UTF-8 (read as GB18030 as Chinese controllers send it; node ids keep their bytes).

Source: OPC 10000-6, 5.2.2.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from asyncua import ua
from asyncua.ua.uaerrors import UaError

from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.decoding.values import text_of
from drivers.opcua.wire.matrix import judged, shaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.opcua.wire.cursor import Cursor

Reader: TypeAlias = "Callable[[Cursor], Any]"
"""Reads one value and steps behind it."""

OBJECT_BYTES: Final = 160
"""What one object of the library costs at least, with what it refers to."""

LEAST_BYTES: Final = 1
"""No element of a varying type is shorter on the wire."""

_ARRAY, _MATRIX, _TYPE = 0x80, 0x40, 0x3F
_INT32 = 5
"""Place of Int32 among the built-in types."""


def fixed(code: str) -> Reader:
    """Give the reader of a number of fixed width, by its struct format."""
    layout = struct.Struct("<" + code)
    unpack, size = layout.unpack_from, layout.size

    def read(cursor: Cursor) -> Any:
        return unpack(cursor.data, cursor.take(size))[0]

    return read


NUMBERS: Final[dict[str, tuple[str, int]]] = {
    "Boolean": ("?", 8), "SByte": ("b", 8), "Byte": ("B", 8), "Char": ("B", 8),
    "Int16": ("h", 40), "UInt16": ("H", 40), "Int32": ("i", 40), "UInt32": ("I", 40),
    "Int64": ("q", 40), "UInt64": ("Q", 40), "Float": ("f", 32), "Double": ("d", 32),
}  # fmt: skip
"""Name -> struct format, and what one costs in a list."""

_u16, _u32, _i64 = fixed("H"), fixed("I"), fixed("q")


def read_bytes(cursor: Cursor) -> bytes | None:
    """Read a ByteString."""
    return cursor.chunk()


def read_text(cursor: Cursor) -> str | None:
    """Read a String; what is in no known encoding has its bytes replaced."""
    raw = cursor.chunk()
    if raw is None:
        return None
    cursor.pay(len(raw))
    text = text_of(raw)
    return raw.decode(errors="replace") if text is None else text


def _read_identifier(cursor: Cursor) -> str:
    """Read the text of a node id so that its bytes can be sent back; null is the empty one."""
    return (cursor.chunk() or b"").decode(errors="surrogateescape")


def _read_opaque(cursor: Cursor) -> bytes:
    """Read the bytes of a node id; null is the empty one, as with texts."""
    return cursor.chunk() or b""


def read_time(cursor: Cursor) -> Any:
    """Read a DateTime; what no calendar holds is the nearest it does."""
    cursor.pay(56)
    return ua.win_epoch_to_datetime(_i64(cursor))


def read_guid(cursor: Cursor) -> UUID:
    """Read a Guid."""
    cursor.pay(72)
    start = cursor.take(16)
    return UUID(bytes_le=cursor.data[start : cursor.pos])


def read_status(cursor: Cursor) -> Any:
    """Read a StatusCode."""
    cursor.pay(72)
    return ua.StatusCode(_u32(cursor))


def read_node_id(cursor: Cursor) -> Any:
    """Read a NodeId or an ExpandedNodeId."""
    cursor.pay(OBJECT_BYTES)
    flags = cursor.byte()
    number = flags & 0x3F
    if number not in _IDENTIFIERS:
        raise DecodeError(f"a NodeId of kind {number} at {cursor.pos - 1}")
    kind, space, identifier = _IDENTIFIERS[number]
    index = space(cursor) if space is not None else 0
    named = identifier(cursor)
    if not flags & 0xC0:
        return ua.NodeId(named, index, kind)  # type: ignore[arg-type]  # plain ints, as asyncua
    uri = read_text(cursor) if flags & 0x80 else None
    server = _u32(cursor) if flags & 0x40 else None
    return ua.ExpandedNodeId(named, index, kind, uri, server)  # type: ignore[arg-type]  # as asyncua


_IDENTIFIERS: Final[dict[int, tuple[Any, Reader | None, Reader]]] = {
    0: (ua.NodeIdType.TwoByte, None, fixed("B")),
    1: (ua.NodeIdType.FourByte, fixed("B"), _u16),
    2: (ua.NodeIdType.Numeric, _u16, _u32),
    3: (ua.NodeIdType.String, _u16, _read_identifier),
    4: (ua.NodeIdType.Guid, _u16, read_guid),
    5: (ua.NodeIdType.ByteString, _u16, _read_opaque),
}


def read_qualified_name(cursor: Cursor) -> Any:
    """Read a QualifiedName."""
    cursor.pay(OBJECT_BYTES)
    index = _u16(cursor)
    return ua.QualifiedName(read_text(cursor), index)


def read_localized_text(cursor: Cursor) -> Any:
    """Read a LocalizedText."""
    cursor.pay(OBJECT_BYTES)
    mask = cursor.byte()
    locale = read_text(cursor) if mask & 1 else None
    return ua.LocalizedText(read_text(cursor) if mask & 2 else None, locale)


def read_diagnostics(cursor: Cursor) -> Any:
    """Read a DiagnosticInfo; the numbers on the wire are locale before text."""
    cursor.pay(OBJECT_BYTES)
    cursor.deeper()
    mask = cursor.byte()
    found = ua.DiagnosticInfo(
        SymbolicId=cursor.int32() if mask & 0x01 else None,  # type: ignore[arg-type]  # plain ints
        NamespaceURI=cursor.int32() if mask & 0x02 else None,  # type: ignore[arg-type]
        Locale=cursor.int32() if mask & 0x08 else None,  # type: ignore[arg-type]
        LocalizedText=cursor.int32() if mask & 0x04 else None,  # type: ignore[arg-type]
        AdditionalInfo=read_text(cursor) if mask & 0x10 else None,  # type: ignore[arg-type]
        InnerStatusCode=read_status(cursor) if mask & 0x20 else None,
        InnerDiagnosticInfo=read_diagnostics(cursor) if mask & 0x40 else None,
    )
    cursor.shallower()
    return found


def read_data_value(cursor: Cursor) -> Any:
    """Read a DataValue; without a value it holds an empty variant."""
    cursor.pay(OBJECT_BYTES)
    mask = cursor.byte()
    value = read_variant(cursor) if mask & 0x01 else None
    status = read_status(cursor) if mask & 0x02 else ua.StatusCode()
    source = read_time(cursor) if mask & 0x04 else None
    source_picos = _u16(cursor) if mask & 0x10 else None
    server = read_time(cursor) if mask & 0x08 else None
    server_picos = _u16(cursor) if mask & 0x20 else None
    return ua.DataValue(value, status, source, server, source_picos, server_picos)


def read_variant(cursor: Cursor) -> Any:
    """Read a Variant: scalar, array or matrix."""
    cursor.pay(OBJECT_BYTES)
    cursor.deeper()
    encoding = cursor.byte()
    number = encoding & _TYPE
    if number > len(_ELEMENTS):
        raise DecodeError(f"a variant of type {number} at {cursor.pos - 1}")
    if not encoding & _ARRAY:
        if encoding & _MATRIX:
            raise DecodeError("dimensions of what is no array")
        value = _ELEMENTS[number - 1](cursor) if number else None
        found = _scalar(value, number)
    elif not number:
        raise DecodeError("an array of nothing")
    else:
        values = _ARRAYS[number - 1](cursor)
        dimensions = judged(_ARRAYS[_INT32](cursor)) if encoding & _MATRIX else None
        if values is not None and dimensions:
            values = shaped(cursor, values, dimensions)
        found = _variant(values, ua.VariantType(number), dimensions, is_array=True)
    cursor.shallower()
    return found


def _scalar(value: Any, number: int) -> Any:
    """Make a variant of one value; asyncua knows no XmlElement that is null."""
    kind = ua.VariantType(number)
    if value is None and kind is ua.VariantType.XmlElement:
        return ua.Variant(None, ua.VariantType.Null)
    return _variant(value, kind, None, is_array=False)


def _variant(value: Any, kind: ua.VariantType, dimensions: Any, *, is_array: bool) -> Any:
    """Make a variant; what asyncua has no object for is not to be read."""
    try:
        return ua.Variant(value, kind, dimensions, is_array=is_array)
    except UaError as error:
        raise DecodeError(f"a variant of {kind.name}: {error}") from error


def numbers(code: str, cost_bytes: int) -> Reader:
    """Give the reader of an array of numbers, by their struct format."""
    size = struct.calcsize("<" + code)

    def read(cursor: Cursor) -> list[Any] | None:
        count = cursor.count(least_bytes=size, cost_bytes=cost_bytes)
        if count is None:
            return None
        return list(struct.unpack_from(f"<{count}{code}", cursor.data, cursor.take(count * size)))

    return read


def several(element: Reader) -> Reader:
    """Give the reader of an array, by that of its elements."""

    def read(cursor: Cursor) -> list[Any] | None:
        count = cursor.count(least_bytes=LEAST_BYTES, cost_bytes=8)
        return None if count is None else [element(cursor) for _ in range(count)]

    return read


def read_extension_object(cursor: Cursor) -> Any:
    """Read an ExtensionObject: a standard structure decoded, any other as opaque bytes."""
    from drivers.opcua.wire.structures import standard_structure

    cursor.pay(OBJECT_BYTES)
    cursor.deeper()
    node = read_node_id(cursor)
    encoding = cursor.byte()
    if encoding > 2:
        raise DecodeError(f"an extension object with body encoding {encoding}")
    reader = standard_structure(node) if encoding == 1 else None
    found = _opaque(cursor, node, encoding) if reader is None else _body(cursor, node, reader)
    cursor.shallower()
    return found


def _opaque(cursor: Cursor, node: Any, encoding: int) -> Any:
    body = cursor.chunk() if encoding else None
    if node.is_null():
        return ua.ExtensionObject()
    return ua.ExtensionObject(TypeId=node, Body=body)  # type: ignore[arg-type]  # plain bytes


def _body(cursor: Cursor, node: Any, reader: Reader) -> Any:
    length = cursor.int32()
    if length < 0:
        if length != -1:
            raise DecodeError(f"a length of {length} bytes at {cursor.pos - 4}")
        return ua.ExtensionObject(TypeId=node)
    before = cursor.within(length)
    found = reader(cursor)
    cursor.leave(before)
    return found


BUILT_IN: Final[dict[str, Reader]] = {
    **{name: fixed(code) for name, (code, _) in NUMBERS.items()},
    "String": read_text, "CharArray": read_text, "DateTime": read_time, "Guid": read_guid,
    "ByteString": read_bytes, "Bytes": read_bytes, "XmlElement": read_text,
    "NodeId": read_node_id, "ExpandedNodeId": read_node_id, "StatusCode": read_status,
    "QualifiedName": read_qualified_name, "LocalizedText": read_localized_text,
    "ExtensionObject": read_extension_object, "DataValue": read_data_value,
    "Variant": read_variant, "DiagnosticInfo": read_diagnostics,
}  # fmt: skip
"""Name of a built-in type -> its reader."""

_NAMES = [kind.name for kind in ua.VariantType if kind]
_ELEMENTS: Final = tuple(BUILT_IN[name] for name in _NAMES)
_ARRAYS: Final = tuple(
    numbers(*NUMBERS[name]) if name in NUMBERS else several(BUILT_IN[name]) for name in _NAMES
)
