"""Text of a node's address, parsed; nothing here asks a server.

    nsu=urn:maker:plc;s=Spindle.Speed    namespace by URI: safe, its index may change at a restart
    ns=2;s=Spindle.Speed                 namespace by index
    i=2258                               the standard's own namespace (0)
    path=/Objects/nsu=urn:maker:plc;Spindle     by browse path (see `drivers.opcua.browse.path`)

The identifier is `i=` (number), `s=` (text), `g=` (GUID) or `b=` (base64). A part of the value may
follow `#`: `#[3]`, `#[1,2]`, `#Field.Sub` (see `drivers.opcua.structures.part`); after `i=`, `g=`
and `b=` an element may follow at once: `i=1042[3]`. In a text `##` is one plain `#`, and `[3]` is
plain: controllers have nodes whose names end so.
Source: OPC 10000-6, 5.3.1.10 and 5.3.1.11.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from drivers.api import Access, AddressProblem, DataType, Tag
from drivers.opcua.address_refusal import Refusal
from drivers.opcua.browse.path import (
    STANDARD_URI,
    PathName,
    escape_uri,
    parse_path,
    unescape_uri,
)
from drivers.opcua.structures.part import Part, format_part, parse_part

MAX_TEXT = 4096
"""Longest identifier in characters or bytes. Source: OPC 10000-3, 8.2.4."""

Identifier: TypeAlias = int | str | bytes | UUID
"""What names a node within its namespace."""

_SHAPE = re.compile(r"(?:(?P<by>nsu|ns)=(?P<space>[^;]*);)?(?P<kind>[isgb])=(?P<id>.*)", re.DOTALL)

_PATH = re.compile(r"path=(?P<names>(?:/nsu=[^;]*;|&.|[^#&])*)(?:#(?P<part>.*))?", re.DOTALL)
_TEXT = re.compile(r"(?P<id>(?:##|[^#])*)(?:#(?P<part>.*))?", re.DOTALL)
_OTHER = re.compile(r"(?P<id>[^#\[]*)(?:#?(?P<part>.*))?", re.DOTALL)
ROOT: Final = 84
"""The root folder, where paths begin. Source: OPC 10000-5, 8.2.1."""

_REGISTER_TYPES = frozenset({DataType.FLOAT16, DataType.BCD16, DataType.BCD32, DataType.BCD64})
"""Types that exist in registers only: OPC UA has no such built-in types (Part 6, 5.1.2)."""

_HINT = "Write nsu=<namespace URI>;s=<name>, ns=2;s=<name>, i=<number> or path=/Objects/..."
_HINT_ZH = "请写成 nsu=<命名空间 URI>;s=<名称>、ns=2;s=<名称>、i=<数字> 或 path=/Objects/...。"


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
    path: tuple[PathName, ...] = ()
    """Names from this node to the one that is meant; empty: this one."""
    part: Part = ()
    """Which part of the node's value is meant; empty: all of it."""

    @property
    def by_index(self) -> bool:
        """Whether a namespace is named by its index, which a server may give to another."""
        if self.uri is None and self.index > 0:
            return True
        return any(one.uri is None and one.index > 0 for one in self.path)

    def __str__(self) -> str:
        """Write the address of a node, without a path, so that `parse` gives it back."""
        space = f"ns={self.index};" if self.index else ""
        if self.uri is not None:
            space = f"nsu={escape_uri(self.uri)};"
        text = str(self.identifier)
        if isinstance(self.identifier, bytes):
            text = base64.b64encode(self.identifier).decode()
        elif isinstance(self.identifier, str):
            text = self.identifier.replace("#", "##")
        return f"{space}{self.kind}={text}{format_part(self.part)}"


def parse(text: str) -> NodeAddress:
    """Parse one address.

    Raises:
        Refusal: saying what is wrong with it; a ValueError.
    """
    head, part = split_part(text)
    if head.startswith("path="):
        names = parse_path(head.removeprefix("path="))
        return NodeAddress(None, 0, IdKind.NUMERIC, ROOT, names, parse_part(part))
    match = _SHAPE.fullmatch(head)
    if match is None:
        raise Refusal("this is not a NodeId", "这不是节点地址（NodeId）")
    uri, index = _namespace(match["by"], match["space"])
    kind = IdKind(match["kind"])
    written = match["id"].replace("##", "#") if kind is IdKind.STRING else match["id"]
    return NodeAddress(uri, index, kind, _identifier(kind, written), part=parse_part(part))


def split_part(text: str) -> tuple[str, str]:
    """Split an address into the node and the part of its value, as written, without `#`."""
    text = text.strip()
    path = _PATH.fullmatch(text)
    if path is not None:
        return f"path={path['names']}", path["part"] or ""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return text, ""
    found = (_TEXT if match["kind"] == IdKind.STRING else _OTHER).fullmatch(match["id"])
    if found is None:
        return text, ""
    return text[: match.start("id")] + found["id"], found["part"] or ""


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
        return _readable(parse(tag.address), tag)
    except Refusal as refused:
        return AddressProblem(
            tag=tag.name,
            address=tag.address,
            why=str(refused),
            hint=refused.hint or _HINT,
            why_zh=refused.zh,
            hint_zh=refused.hint_zh or _HINT_ZH,
        )


def warn_of_index(tag: Tag) -> AddressProblem:
    """Say what is wrong with an address that names its namespace by an index."""
    return AddressProblem(
        tag=tag.name,
        address=tag.address,
        why="a namespace index may be another one after a restart of the server",
        hint="Write nsu=<namespace URI>; instead: chulian browse shows every address this way.",
        why_zh="命名空间索引（ns=）在服务器重启或改组态后可能变成别的命名空间",
        hint_zh="请改写成 nsu=<命名空间 URI>;，chulian browse 列出的地址就是这种写法。",
    )


def _readable(address: NodeAddress, tag: Tag) -> NodeAddress:
    """Refuse what can be read and not written."""
    if address.part and tag.access is Access.READ_WRITE:
        raise Refusal(
            "a part of an array or a structure cannot be written: the rest would go with it",
            "不能只写数组或结构体的一部分：其余部分会被一起改写",
            hint="Remove write, or name a node of its own.",
            hint_zh="请删去 write，或改用单独的节点。",
        )
    return address


def _namespace(by: str | None, space: str) -> tuple[str | None, int]:
    """Give (URI, 0) or (None, index)."""
    if by is None:
        return None, 0
    if by == "nsu":
        uri = unescape_uri(space)
        if not uri:
            raise Refusal("the namespace URI is empty", "命名空间 URI 为空")
        return (None, 0) if uri == STANDARD_URI else (uri, 0)
    if not re.fullmatch(r"[0-9]{1,5}", space) or int(space) > 0xFFFF:
        raise Refusal(
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
        raise Refusal(
            f"the identifier {text!r} is not a number from 0 to 4294967295",
            f"标识符 {text!r} 不是 0 到 4294967295 之间的数字",
        )
    return int(text)


def _guid(text: str) -> UUID:
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        raise Refusal(f"the identifier {text!r} is not a GUID", f"标识符 {text!r} 不是 GUID")
    return UUID(text)


def _opaque(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(
            f"the identifier {text!r} is not base64", f"标识符 {text!r} 不是 base64"
        ) from None


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refusal("the identifier is not valid Unicode", "标识符不是有效的 Unicode") from None
    return text


def _sized(identifier: str | bytes) -> str | bytes:
    if not identifier:
        raise Refusal("the identifier is empty", "标识符为空")
    if len(identifier) > MAX_TEXT:
        raise Refusal(f"the identifier is longer than {MAX_TEXT}", f"标识符长度超过 {MAX_TEXT}")
    return identifier
