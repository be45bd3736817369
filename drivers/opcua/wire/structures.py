"""Decoders of the standard's structures and messages, compiled once from asyncua's data types.

Only types of the standard's own namespace, as they were when this module was loaded: what a
server says of its types never adds a decoder.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum, IntFlag
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union, get_args, get_origin

from asyncua import ua
from asyncua.ua.ua_binary import get_safe_type_hints

from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.wire.builtin import (
    BUILT_IN,
    NUMBERS,
    OBJECT_BYTES,
    numbers,
    read_extension_object,
    several,
)
from drivers.opcua.wire.cursor import Cursor

if TYPE_CHECKING:
    from drivers.opcua.wire.builtin import Reader

_Message = TypeVar("_Message")

_STANDARD: Final[dict[Any, type]] = {
    node: kind
    for node, kind in ua.extension_objects_by_typeid.items()
    if not node.NamespaceIndex and not issubclass(kind, ua.UaUnion)
}


def decode(message: type[_Message], data: bytes) -> _Message:
    """Decode a message of the standard; bytes behind it are not looked at.

    Raises:
        TooMuch: it holds more than we take at once.
        DecodeError: the bytes are torn or false.
    """
    kind: Any = message
    found: _Message = structure(kind)(Cursor(data))
    return found


def standard_structure(node: Any) -> Reader | None:
    """Give the reader of a structure of the standard, by its encoding; None for any other."""
    kind = _STANDARD.get(node)
    try:
        return None if kind is None else structure(kind)
    except TypeError:
        return None


@cache
def structure(kind: type) -> Reader:
    """Compile the reader of one of asyncua's dataclasses.

    Raises:
        TypeError: it is none that can be read field by field.
    """
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no structure")
    try:
        hints = get_safe_type_hints(kind, {"ua": ua})
    except AttributeError as error:
        raise TypeError(f"{kind.__name__} has a field of no known type: {error}") from error
    names = [one.name for one in fields(kind)]
    masked = [name for name in names if _optional(hints[name])]
    if masked:
        raise TypeError(f"{kind.__name__} has fields that may be left out")
    readers = [(name, _reader(hints[name])) for name in names]
    cost = OBJECT_BYTES + 16 * len(readers)

    def read(cursor: Cursor) -> Any:
        cursor.pay(cost)
        cursor.deeper()
        found = {name: reader(cursor) for name, reader in readers}
        cursor.shallower()
        return kind(**found)

    return read


def _reader(hint: Any) -> Reader:
    """Give the reader of a field by its annotation."""
    origin = get_origin(hint)
    if origin is list:
        (element,) = get_args(hint)
        if getattr(element, "__name__", "") in NUMBERS:
            return numbers(*NUMBERS[element.__name__])
        return several(_reader(element))
    if origin is not None:
        return read_extension_object  # any structure derived from an abstract one
    if hint.__name__ in BUILT_IN:
        return BUILT_IN[hint.__name__]
    if issubclass(hint, Enum):
        return _enumeration(hint)
    return _later(hint)


def _later(kind: type) -> Reader:
    """Compile a structure when it is first met: some hold their like."""
    compiled: Reader | None = None

    def read(cursor: Cursor) -> Any:
        nonlocal compiled
        if compiled is None:
            try:
                compiled = structure(kind)
            except TypeError as error:
                raise DecodeError(str(error)) from error
        return compiled(cursor)

    return read


def _enumeration(kind: type[Enum]) -> Reader:
    """Give the reader of an enumeration; a number it does not have is an error."""
    width = getattr(kind, "datatype", lambda: "UInt32")() if issubclass(kind, IntFlag) else "Int32"
    number = BUILT_IN[width]

    def read(cursor: Cursor) -> Any:
        found = number(cursor)
        try:
            return kind(found)
        except ValueError as error:
            raise DecodeError(f"{kind.__name__} has no {found}") from error

    return read


def _optional(hint: Any) -> bool:
    return get_origin(hint) in {Union, UnionType} and type(None) in get_args(hint)
