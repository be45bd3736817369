"""Every state a crash may leave on the medium, made from the system calls of a run.

What a file holds for sure is what was written before its last sync. What was written after it may
be there, be missing, be there in part, or be torn in the middle. Names and lengths of files change
in order, as a journal keeps them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

CALLS = "openat,pwrite64,write,fsync,fdatasync,ftruncate,unlink,rename"
SECTOR_BYTES = 512
_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
_FD = re.compile(r"^(\d+)<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class Call(NamedTuple):
    """One system call that succeeded."""

    name: str
    path: str
    data: bytes = b""
    at: int = 0
    """Offset of a write, or new length."""


@dataclass
class Medium:
    """What is on the medium for sure, and what may be."""

    files: dict = field(default_factory=dict)
    """Path -> content as the program sees it."""
    pending: dict = field(default_factory=dict)
    """Path -> writes since its last sync."""
    synced: dict = field(default_factory=dict)
    """Path -> content at its last sync."""

    def do(self, call):
        """Have a call happen."""
        path = call.path
        if call.name == "openat":
            self.files.setdefault(path, b"")
            self.synced.setdefault(path, b"")
        elif call.name == "pwrite64":
            self.files[path] = written(self.files[path], call)
            self.pending.setdefault(path, []).append(call)
        elif call.name == "ftruncate":
            self._cut(path, call.at)
        elif call.name in {"fsync", "fdatasync"}:
            self.synced[path] = self.files[path]
            self.pending.pop(path, None)
        elif call.name == "unlink":
            for kept in (self.files, self.synced, self.pending):
                kept.pop(path, None)

    def _cut(self, path, length):
        for kept in (self.files, self.synced):
            kept[path] = kept[path][:length].ljust(length, b"\0")
        self.pending[path] = [c for c in self.pending.get(path, ()) if c.at < length]

    def states(self, dice):
        """Give what a crash may leave now: all, none, some, and a torn last write."""
        yield dict(self.files)
        if not any(self.pending.values()):
            return
        yield dict(self.synced)
        yield self._with(
            {p: [c for c in w if dice.random() < 0.5] for p, w in self.pending.items()}
        )
        torn = {path: list(calls) for path, calls in self.pending.items()}
        path = dice.choice([path for path, calls in torn.items() if calls])
        last = torn[path].pop()
        sectors = -(-len(last.data) // SECTOR_BYTES)
        part = last.data[: dice.randrange(sectors) * SECTOR_BYTES]
        torn[path].append(last._replace(data=part))
        yield self._with(torn)

    def _with(self, writes):
        state = dict(self.synced)
        for path, calls in writes.items():
            for call in calls:
                state[path] = written(state[path], call)
        return state


def written(content, call):
    """Give a content after a write."""
    content = content.ljust(call.at, b"\0")
    return content[: call.at] + call.data + content[call.at + len(call.data) :]


def read_trace(text, folder):
    """Give the calls on files of a folder, and the lines said on standard output, in order."""
    for line in text.splitlines():
        found = _CALL.match(line)
        if found is None or int(found[3]) < 0:
            continue
        name, arguments, result = found[1], found[2], int(found[3])
        words = [bytes.fromhex(t.replace("\\x", "")) for t in _TEXT.findall(arguments)]
        opened = _FD.match(arguments)
        if name == "write" and opened is not None and opened[1] == "1":
            yield Call("said", "", words[0])
            continue
        path = words[0].decode() if name in {"openat", "unlink"} else _plain(opened[2])
        if not path.startswith(f"{folder}/"):
            continue
        yield _call(name, path, arguments, words, result)


def _call(name, path, arguments, words, result):
    if name == "pwrite64":
        return Call(name, path, words[0][:result], int(arguments.rpartition(",")[2]))
    if name == "write":  # the ballast, and the probe of a lock: whole files, from the beginning
        return Call("other", path)
    if name == "ftruncate":
        return Call(name, path, at=int(arguments.rpartition(",")[2]))
    return Call(name, path)


def _plain(path):
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path
