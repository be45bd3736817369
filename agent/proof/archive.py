"""The zip container of a proof file, in the one form that is allowed: equal members, equal bytes.

Members are stored, not compressed, under fixed names, sorted, with a fixed time and no extras. So
nothing can hide between members, a small file cannot unpack into a large one, and whoever holds
the members can write the file again byte by byte. Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from itertools import takewhile
from typing import IO, TYPE_CHECKING
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_BYTES = 256_000_000
"""Largest file that is read or written."""
_DATE_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o100644 << 16
_LOCAL_HEADER_BYTES = 30
_END = struct.Struct("<4s4H2LH")
"""End of central directory: signature, disks, counts, size, offset, length of the comment."""
_END_SIGNATURE = b"PK\x05\x06"
_MAX_DIRECTORY_BYTES = 16_384
_NAME_SHOWN = 80
_LARGE = 1 << 16
"""From so many bytes on, a piece is compared at once and not kept."""
_FOREIGN = Message(en="does not belong here", zh="不属于证明文件")
_TWICE = Message(en="is there twice", zh="出现了两次")


class ArchiveError(ValueError):
    """The bytes are no archive of this form at all; `message` says what is wrong."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.message = Message(en=en, zh=zh)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What stands in an archive."""

    members: dict[str, bytes]
    """Bytes by name, as far as the directory tells."""
    faults: tuple[tuple[str, Message], ...]
    """(Member or empty, what is wrong with the container there)."""


def pack(members: Mapping[str, bytes]) -> bytes:
    """Give the archive of these members; raises ArchiveError over `MAX_BYTES`."""
    buffer = BytesIO()
    pack_into(buffer, members)
    return buffer.getvalue()


def pack_into(file: IO[bytes], members: Mapping[str, bytes]) -> None:
    """Write the archive of these members; raises ArchiveError over `MAX_BYTES`, writing nothing."""
    if sum(map(len, members.values())) > MAX_BYTES:
        raise ArchiveError(f"more than {MAX_BYTES} bytes", f"超过 {MAX_BYTES} 字节")
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for name in sorted(members):
            info = ZipInfo(name, _DATE_TIME)
            info.create_system, info.external_attr = _UNIX, _MODE
            archive.writestr(info, members[name])


def unpack(raw: bytes, known: Collection[str]) -> Unpacked:
    """Do as `unpack_from` does, of bytes."""
    return unpack_from(BytesIO(raw), known)


def unpack_from(file: IO[bytes], known: Collection[str]) -> Unpacked:
    """Read every member of a known name, and tell what is not as `pack` writes it.

    Raises:
        ArchiveError: it cannot be read at all.
    """
    size = _checked_size(file)
    try:
        with ZipFile(file) as archive:
            entries = archive.infolist()
    except (BadZipFile, ValueError, NotImplementedError, struct.error, OSError) as error:
        raise ArchiveError(
            f"the directory cannot be read: {error}", f"目录无法读取：{error}"
        ) from None
    if sum(entry.compress_size for entry in entries) > size:
        raise ArchiveError("members overlap", "成员互相重叠")
    members: dict[str, bytes] = {}
    faults: list[tuple[str, Message]] = []
    for entry in entries:
        if entry.filename not in known:
            faults.append((entry.filename[:_NAME_SHOWN], _FOREIGN))
        elif entry.filename in members:
            faults.append((entry.filename, _TWICE))
        else:
            members[entry.filename] = _content(file, entry)
    if not faults:
        faults += _differences(file, size, members)
    return Unpacked(members, tuple(faults))


def _checked_size(file: IO[bytes]) -> int:
    size = file.seek(0, SEEK_END)
    if size > MAX_BYTES:
        raise ArchiveError(f"larger than {MAX_BYTES} bytes", f"大于 {MAX_BYTES} 字节")
    file.seek(max(0, size - _END.size))
    tail = file.read(_END.size)
    if len(tail) < _END.size or not tail.startswith(_END_SIGNATURE):
        raise ArchiveError(
            "the end of the archive is missing: cut off, or no zip file",
            "找不到压缩包的结尾：文件不完整，或不是 zip 文件",
        )
    _, _, _, _, _, length, offset, _ = _END.unpack(tail)
    if length > _MAX_DIRECTORY_BYTES or offset + length + _END.size != size:
        raise ArchiveError(
            "the end of the archive does not fit its directory", "压缩包的结尾与目录不符"
        )
    return size


def _content(file: IO[bytes], entry: ZipInfo) -> bytes:
    """Give a member's bytes where `pack` puts them, whatever their checksum says."""
    file.seek(entry.header_offset + _LOCAL_HEADER_BYTES + len(entry.filename.encode()))
    return file.read(entry.compress_size)


def _differences(
    file: IO[bytes], size: int, members: Mapping[str, bytes]
) -> list[tuple[str, Message]]:
    """Compare with the archive these members make; name the first place that differs."""
    expected = _Compared(file)
    pack_into(expected, members)  # type: ignore[arg-type] # it is written to, and no more
    at = expected.first_difference(size)
    if at is None:
        return []
    said = Message(
        en=f"byte {at} of the file is not as a proof file has it",
        zh=f"文件第 {at} 字节（从 0 数起）与证明文件的格式不符",
    )
    return [(_owner(members, at), said)]


class _Compared:
    """Takes what is written, and holds it against a file without keeping what is large."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._at = self._end = 0
        self._small: dict[int, bytes] = {}
        self._differs: list[int] = []

    def write(self, data: bytes) -> int:
        if len(data) < _LARGE:
            self._small[self._at] = data  # a header is written twice, the second time with its sums
        else:
            self._compare(self._at, data)
        self._at += len(data)
        self._end = max(self._end, self._at)
        return len(data)

    def tell(self) -> int:
        return self._at

    def seek(self, at: int) -> int:
        self._at = at
        return at

    def flush(self) -> None:
        """Do nothing: all is compared when it is written, or at the end."""

    def first_difference(self, size: int) -> int | None:
        """Give the first byte that differs; the shorter length where none does but one ends."""
        for at, data in self._small.items():
            self._compare(at, data)
        if size != self._end:
            self._differs.append(min(size, self._end))
        return min(self._differs, default=None)

    def _compare(self, at: int, data: bytes) -> None:
        for start in range(0, len(data), _LARGE):
            self._file.seek(at + start)
            wanted = data[start : start + _LARGE]
            found = self._file.read(len(wanted))
            if found != wanted:
                same = takewhile(lambda pair: pair[0] == pair[1], zip(found, wanted, strict=False))
                self._differs.append(at + start + sum(1 for _ in same))
                return


def _owner(members: Mapping[str, bytes], at: int) -> str:
    """Name the member whose header or content holds a byte; empty for the directory."""
    end = 0
    for name in sorted(members):
        end += _LOCAL_HEADER_BYTES + len(name.encode()) + len(members[name])
        if at < end:
            return name
    return ""
