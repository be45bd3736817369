"""What registers hold when nobody says otherwise: a known function of where they are and when.

The upper 15 bits of a register are a hash of unit, table, address and generation, the lowest bit
is the parity of the generation. A value read from another address, another unit or another
generation is therefore wrong in all but one of 32,768 cases, and an old one shows at once.
Pure.
"""

from __future__ import annotations

from typing import Final

TABLES: Final = ("co", "di", "hr", "ir")
"""Coils, discrete inputs, holding registers, input registers."""
BIT_TABLES: Final = frozenset({"co", "di"})
"""Tables whose addresses are one bit, not one register."""

_MASK_64: Final = 0xFFFF_FFFF_FFFF_FFFF
_TABLE_INDEX: Final = {table: index for index, table in enumerate(TABLES)}


def mix(number: int) -> int:
    """Spread a number over 64 bits (the finaliser of SplitMix64)."""
    number = (number + 0x9E37_79B9_7F4A_7C15) & _MASK_64
    number = ((number ^ number >> 30) * 0xBF58_476D_1CE4_E5B9) & _MASK_64
    number = ((number ^ number >> 27) * 0x94D0_49BB_1331_11EB) & _MASK_64
    return number ^ number >> 31


def expected(unit: int, table: str, address: int, generation: int = 0) -> int:
    """Give what an address holds in a generation: 16 bits, or 0 or 1 in a bit table."""
    place = (unit << 20 | _TABLE_INDEX[table] << 16 | address) & _MASK_64
    if table in BIT_TABLES:
        return (mix(place) ^ generation) & 1
    return mix(mix(place) + generation) & 0xFFFE | generation & 1
