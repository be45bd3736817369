"""Who a Modbus device is: Read Device Identification, function 0x2B with MEI type 0x0E.

The PDUs are coded by pymodbus; what it takes on trust (lengths, number of objects) is checked
here first. A device that refuses the function has an empty identity. Never raises on what a device
says of itself.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pymodbus.constants import DeviceInformation, MoreData
from pymodbus.pdu.mei_message import (
    ReadDeviceInformationRequest,
    ReadDeviceInformationResponse,
)

from drivers.api import Identity
from drivers.modbus.adu import ExceptionReply, open_request
from drivers.modbus.codec import text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from drivers.modbus.adu import Answer, Request

MAX_ROUNDS = 16
"""Most answers taken for one identity; the standard's own objects fit in two."""

NAMES = {
    0x00: "VendorName",
    0x01: "ProductCode",
    0x02: "MajorMinorRevision",
    0x03: "VendorUrl",
    0x04: "ProductName",
    0x05: "ModelName",
    0x06: "UserApplicationName",
}
"""The objects the standard names. Source: Modbus Application Protocol V1.1b3, 6.21."""

_HEADER = struct.Struct(">BBBBBB")
_REFUSED_LEVEL = 3
"""Exception of a device that does not know the level asked for."""


async def identify(ask: Callable[[Request], Awaitable[Answer]], unit: int) -> Identity:
    """Ask for the regular objects, else the basic ones, and word what the device says."""
    for level in (DeviceInformation.REGULAR, DeviceInformation.BASIC):
        objects, refusal = await _read_objects(ask, unit, level)
        if refusal is None or refusal.code != _REFUSED_LEVEL:
            return _identity(objects)
    return Identity()


async def _read_objects(
    ask: Callable[[Request], Awaitable[Answer]], unit: int, level: int
) -> tuple[dict[int, str], ExceptionReply | None]:
    """Collect the objects of one level over as many answers as the device needs."""
    objects: dict[int, str] = {}
    next_object = 0
    for _ in range(MAX_ROUNDS):
        pdu = ReadDeviceInformationRequest(read_code=level, object_id=next_object)
        answer = await ask(
            open_request(pdu.function_code, pdu.encode(), unit=unit, asked="its identification")
        )
        if isinstance(answer, ExceptionReply):
            return objects, answer
        if not _well_formed(answer):
            break
        response = ReadDeviceInformationResponse()
        response.decode(answer)
        objects |= {number: _words(raw) for number, raw in response.information.items()}
        if response.more_follows != MoreData.KEEP_READING or response.next_object_id <= next_object:
            break
        next_object = response.next_object_id
    return objects, None


def _well_formed(data: bytes) -> bool:
    """Check that the objects an answer announces are the bytes it holds."""
    if len(data) < _HEADER.size or data[0] != ReadDeviceInformationRequest.sub_function_code:
        return False
    at = _HEADER.size
    for _ in range(data[5]):
        if at + 2 > len(data):
            return False
        at += 2 + data[at + 1]
    return at == len(data)


def _words(raw: bytes | list[bytes]) -> str:
    """Turn an object into text; one that came twice keeps its first form."""
    first = raw if isinstance(raw, bytes) else raw[0]
    decoded = text(first)
    return first.hex() if decoded is None else decoded.strip()


def _identity(objects: dict[int, str]) -> Identity:
    """Name the objects; a Modbus device has no object for its serial number."""
    return Identity(
        maker=objects.get(0x00, ""),
        model=objects.get(0x05) or objects.get(0x04) or objects.get(0x01, ""),
        firmware=objects.get(0x02, ""),
        uri=objects.get(0x03, ""),
        raw=tuple(
            (NAMES.get(number, f"Object{number:02X}"), words)
            for number, words in sorted(objects.items())
        ),
    )
