"""How MQTT tells the length of a packet, and of the properties in one. Pure."""

from __future__ import annotations


class Malformed(Exception):  # noqa: N818 - says what is the case
    """The broker sent what is no MQTT."""


def variable_length(size: int) -> bytes:
    """Encode the remaining length of a packet. Source: MQTT 5.0, section 1.5.5."""
    coded = bytearray()
    while True:
        size, seven = size >> 7, size & 0x7F
        coded.append(seven | (0x80 if size else 0))
        if not size:
            return bytes(coded)


def packet_length(data: bytes, at: int) -> tuple[int, int] | None:
    """Give where the body of the packet at `at` starts, and its size; None until that is known.

    Raises:
        Malformed: the length takes more than four bytes.
    """
    size = 0
    for number in range(4):
        place = at + 1 + number
        if place >= len(data):
            return None
        size |= (data[place] & 0x7F) << 7 * number
        if data[place] < 0x80:
            return place + 1, size
    raise Malformed("a packet whose length takes more than four bytes")
