"""What one reading of a configuration carries along: where files are, drivers, problems so far."""

from __future__ import annotations

import errno
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.config.section import Packing
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.config.document import Node
    from agent.config.problems import Problem
    from agent.registry import Registry

_REASONS = {
    errno.ENOENT: Message(en="it does not exist", zh="文件不存在"),
    errno.EACCES: Message(en="no right to read it", zh="没有读取权限"),
    errno.EISDIR: Message(en="it is a folder", zh="这是一个目录"),
    errno.ENOTDIR: Message(en="a part of its path is not a folder", zh="路径中有一级不是目录"),
    errno.ENAMETOOLONG: Message(en="its name is too long", zh="文件名过长"),
    errno.EINVAL: Message(en="it is not an ordinary file", zh="不是普通文件"),
}


@dataclass(slots=True)
class Reading:
    """State of one load; used once."""

    path: Path
    """The configuration file; every relative path in it is relative to its folder."""
    registry: Registry
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    templates: dict[str, Node | None] = field(default_factory=dict)
    """Templates read so far; None for one that could not be."""
    packing: Packing = field(default_factory=Packing)

    def resolve(self, name: str | Path) -> Path:
        """Give a path named in the file, relative to the file's folder."""
        return self.path.parent / name


def read_bounded(path: Path, *, limit_bytes: int) -> bytes:
    """Read an ordinary file, `limit_bytes` + 1 bytes at most: one more tells that it is too large.

    Raises:
        OSError: it cannot be read, or is a folder, a device or a pipe.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            code = errno.EISDIR if path.is_dir() else errno.EINVAL
            raise OSError(code, "not a regular file")
        with path.open("rb") as file:
            return file.read(limit_bytes + 1)
    except ValueError as error:  # a name with a NUL or a lone surrogate
        raise OSError(errno.EINVAL, str(error)) from None


def why(error: OSError) -> Message:
    """Give the operating system's reason in a few words, without the path."""
    text = error.strerror or str(error)
    return _REASONS.get(error.errno or 0, Message(en=text, zh=text))
