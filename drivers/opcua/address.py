"""Text of a node's address, parsed; nothing here asks a server.

    nsu=urn:maker:plc;s=Spindle.Speed    namespace by URI: safe, its index may change at a restart
    ns=2;s=Spindle.Speed                 namespace by index
    i=2258                               the standard's own namespace (0)

The identifier is `i=` (number), `s=` (text), `g=` (GUID) or `b=` (base64).
Source: OPC 10000-6, 5.3.1.10 and 5.3.1.11.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from drivers.api import AddressProblem, DataType, Tag

STANDARD_URI = "http://opcfoundation.org/UA/"
"""Namespace 0 of every server. Source: OPC 10000-3, 8.2.2."""

MAX_TEXT = 4096
"""Longest identifier in characters or bytes. Source: OPC 10000-3, 8.2.4."""

Identifier: TypeAlias = int | str | bytes | UUID
"""What names a node within its namespace."""

_SHAPE = re.compile(r"(?:(?P<by>nsu|ns)=(?P<space>[^;]*);)?(?P<kind>[isgb])=(?P<id>.*)", re.DOTALL)

_REGISTER_TYPES = frozenset({DataType.FLOAT16, DataType.BCD16, DataType.BCD32, DataType.BCD64})
"""Types that exist in registers only: OPC UA has no such built-in types (Part 6, 5.1.2)."""

_HINT = "Write nsu=<namespace URI>;s=<name>, ns=2;s=<name> or i=<number>."
_HINT_ZH = "请写成 nsu=<命名空间 URI>;s=<名称>、ns=2;s=<名称> 或 i=<数字>。"


class IdKind(StrEnum):
    """The four kinds of identifiers."""

    NUMERIC = "i"
    STRING = "s"
    GUID = "g"
    OPAQUE = "b"


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """A node: its namespace by URI or, where `uri` is None, by index; and its identifier."""

    uri: str | None
    index: int
    kind: IdKind
    identifier: Identifier


@dataclass(frozen=True, slots=True)
class _Why:
    """One reason in both languages."""

    en: str
    zh: str


class _RefusedError(ValueError):
    """An address is no address; carries the reason in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.why = _Why(en, zh)


def parse(text: str) -> NodeAddress:
    """Parse one address.

    Raises:
        ValueError: saying what is wrong with it.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise _RefusedError("this is not a NodeId", "这不是节点地址（NodeId）")
    uri, index = _namespace(match["by"], match["space"])
    kind = IdKind(match["kind"])
    return NodeAddress(uri, index, kind, _identifier(kind, match["id"]))


def parse_tag(tag: Tag) -> NodeAddress | AddressProblem:
    """Parse the address of a tag, or say in both languages why it cannot be read."""
    if tag.data_type in _REGISTER_TYPES:
        return AddressProblem(
            tag=tag.name,
            address=tag.address,
            why=f"{tag.data_type} is an encoding in registers; OPC UA servers do not send it",
            hint="Set the type to auto: the server knows it.",
            why_zh=f"{tag.data_type} 是寄存器里的编码方式，OPC UA 服务器不会发送这种类型",
            hint_zh="请把类型改为 auto，类型由服务器给出。",
        )
    if tag.data_type is DataType.BIT:
        return AddressProblem(
            tag=tag.name,
            address=tag.address,
            why="a single bit of a node cannot be addressed over OPC UA",
            hint="Read the whole node with type auto.",
            why_zh="OPC UA 不能单独寻址节点中的某一位",
            hint_zh="请把类型改为 auto，读取整个节点。",
        )
    try:
        return parse(tag.address)
    except _RefusedError as refused:
        return AddressProblem(
            tag=tag.name,
            address=tag.address,
            why=refused.why.en,
            hint=_HINT,
            why_zh=refused.why.zh,
            hint_zh=_HINT_ZH,
        )


def _namespace(by: str | None, space: str) -> tuple[str | None, int]:
    """Give (URI, 0) or (None, index)."""
    if by is None:
        return None, 0
    if by == "nsu":
        # ';' and '%' stand escaped in a URI here, nothing else. Source: OPC 10000-6, 5.3.1.11
        uri = re.sub("%3B", ";", space, flags=re.IGNORECASE).replace("%25", "%")
        if not uri:
            raise _RefusedError("the namespace URI is empty", "命名空间 URI 为空")
        return (None, 0) if uri == STANDARD_URI else (uri, 0)
    if not re.fullmatch(r"[0-9]{1,5}", space) or int(space) > 0xFFFF:
        raise _RefusedError(
            f"the namespace index {space!r} is not a number from 0 to 65535",
            f"命名空间索引 {space!r} 不是 0 到 65535 之间的数字",
        )
    return None, int(space)


def _identifier(kind: IdKind, text: str) -> Identifier:
    """Parse what follows `i=`, `s=`, `g=` or `b=`."""
    match kind:
        case IdKind.NUMERIC:
            return _number(text)
        case IdKind.GUID:
            return _guid(text)
        case IdKind.OPAQUE:
            return _sized(_opaque(text))
        case IdKind.STRING:
            return _sized(_text(text))


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > 0xFFFF_FFFF:
        raise _RefusedError(
            f"the identifier {text!r} is not a number from 0 to 4294967295",
            f"标识符 {text!r} 不是 0 到 4294967295 之间的数字",
        )
    return int(text)


def _guid(text: str) -> UUID:
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        raise _RefusedError(f"the identifier {text!r} is not a GUID", f"标识符 {text!r} 不是 GUID")
    return UUID(text)


def _opaque(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _RefusedError(
            f"the identifier {text!r} is not base64", f"标识符 {text!r} 不是 base64"
        ) from None


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _RefusedError(
            "the identifier is not valid Unicode", "标识符不是有效的 Unicode"
        ) from None
    return text


def _sized(identifier: str | bytes) -> str | bytes:
    if not identifier:
        raise _RefusedError("the identifier is empty", "标识符为空")
    if len(identifier) > MAX_TEXT:
        raise _RefusedError(
            f"the identifier is longer than {MAX_TEXT}", f"标识符长度超过 {MAX_TEXT}"
        )
    return identifier
