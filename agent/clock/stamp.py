"""The provisional stamp of a row: by which clock of which boot its times were made.

It stands before the body of a row that was stamped while nobody vouched for the clock, and is
taken off before the row is sent. A body proper begins with a quotation mark, so the two are told
apart by one character, and rows of a trusted clock cost nothing.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, NamedTuple

MARK: Final = b"~"
_FIELDS: Final = 3


class Stamp(NamedTuple):
    """Enough to correct times once the true time of the same boot is known."""

    boot: str
    """Key of the boot, see `boot_key`."""
    offset_ns: int
    """Wall clock minus time since boot, as it stood when the row was stamped."""
    at_ns: int
    """Time since boot at which the row was stamped."""

    @property
    def prefix(self) -> bytes:
        """Give what is put before the body."""
        return b"~%s %d %d~" % (self.boot.encode(), self.offset_ns, self.at_ns)


def boot_key(boot: str) -> str:
    """Shorten the name of a boot to 16 characters that any file can hold."""
    return blake2b(boot.encode(), digest_size=8).hexdigest()


def unstamp(body: bytes) -> tuple[Stamp | None, bytes]:
    """Take the stamp off a body; None where it bears none."""
    if not body.startswith(MARK):
        return None, body
    end = body.index(MARK, 1)
    fields = body[1:end].split(b" ")
    if len(fields) != _FIELDS:
        msg = f"no stamp: {body[: end + 1]!r}"
        raise ValueError(msg)
    boot, offset_ns, at_ns = fields
    return Stamp(boot.decode(), int(offset_ns), int(at_ns)), body[end + 1 :]
