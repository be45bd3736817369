"""Status codes: what they say of a value, and what they are called.

The upper half of a code is its meaning, the lower half says more about the value it came with.
Source: OPC 10000-4, 7.39.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from drivers.api import Quality

OVERFLOW_MASK: Final = 0xC80
"""Info type and overflow bit of a code."""

OVERFLOW: Final = 0x480
"""Info type "data value" with the overflow bit: the server's queue lost samples before this."""

_QUALITIES: Final = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD)


def quality_of(code: int) -> Quality:
    """Give the quality a status code stands for."""
    return _QUALITIES[code >> 30 & 3]


def overflowed(code: int) -> bool:
    """Whether the code reports that samples before this value were lost."""
    return code & OVERFLOW_MASK == OVERFLOW


@lru_cache(maxsize=1024)
def name_of(code: int) -> str:
    """Give the symbolic name of a status code, such as BadNodeIdUnknown."""
    from asyncua.ua import status_codes  # late: the library is large, plans are made without it

    known = status_codes.code_to_name_doc.get(code & 0xFFFF_0000)
    if known is not None:
        return str(known[0])
    return f"{quality_of(code).name.capitalize()}0x{code & 0xFFFF_0000:08X}"
