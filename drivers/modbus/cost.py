"""What a request costs in time: the measure by which a plan is cut into requests.

A request costs a fixed part (the round trip; on a serial line also its own bytes, the rests and
the device's turnaround) and a part per byte of payload. Where nothing was measured, the fixed part
is an assumption per kind of line. Pure: no I/O, no state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.modbus.config import DEFAULT_BAUD
from drivers.modbus.link import SerialLine

if TYPE_CHECKING:
    from drivers.modbus.config import ModbusConfig

LAN_REQUEST_S = 0.002
"""Assumed round trip of a device on the local network, its own thinking included."""

DTU_REQUEST_S = 0.060
"""Assumed round trip to a DTU that dials in over the mobile network."""

LAN_BYTE_S = 1e-6
"""Assumed cost of a byte on a network: the work at both ends, not the wire."""

TURNAROUND_S = 0.010
"""Assumed time a device on a serial line takes from question to answer."""

RTU_FRAME_BYTES = 8 + 5
"""A read request, and an answer without its payload: unit, function, count, CRC."""

ASCII_FRAME_CHARACTERS = 17 + 11
"""The same in ASCII: two characters a byte, colon, LRC, CR and LF."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What the requests of one device cost, in seconds."""

    request_s: float
    """The fixed part: a request without payload, its rests included."""
    byte_s: float
    """Each byte of payload."""
    least_s: float
    """What the fixed part cannot be below at the line's speed: its own bytes and the rests."""
    known: bool
    """Whether they are more than a guess: no serial line of unknown speed is involved."""

    def of(self, payload_bytes: int) -> float:
        """Give the time of one request whose answer carries so much payload."""
        return self.request_s + payload_bytes * self.byte_s

    def fixed_part(self, read_s: float, *, requests: int, payload_bytes: int) -> float:
        """Take the fixed part of one request out of the measured time of a whole read.

        A read that was faster than the line's speed allows refutes that speed, which was a guess
        or a slip: then nothing is known of the bytes, and the whole time counts as fixed.
        """
        fixed_s = (read_s - payload_bytes * self.byte_s) / max(requests, 1)
        return fixed_s if fixed_s >= self.least_s else read_s / max(requests, 1)


def costs_of(config: ModbusConfig, *, request_s: float | None = None) -> Costs:
    """Tell what the requests of a device cost; `request_s` is the fixed part where measured."""
    baud = config.line_baud
    serial = baud is not None or config.framed != "tcp"
    network_s = 0.0 if config.serial else DTU_REQUEST_S if config.listen else LAN_REQUEST_S
    if not serial:
        least_s, fixed_s = 0.0, network_s + config.pause_between_s
        byte_s = LAN_BYTE_S
    else:
        line = SerialLine(baud or DEFAULT_BAUD, config.parity, config.stop_bits, config.data_bits)
        least_s = _line_s(config, line)
        fixed_s = network_s + least_s + TURNAROUND_S
        byte_s = line.character_s * (2 if config.framed == "ascii" else 1)
    known = request_s is not None or baud is not None or not serial
    return Costs(fixed_s if request_s is None else request_s, byte_s, least_s, known)


def _line_s(config: ModbusConfig, line: SerialLine) -> float:
    """Give what the frames of a request and its answer take on a serial line, with the rests."""
    if config.framed == "ascii":
        return ASCII_FRAME_CHARACTERS * line.character_s + config.pause_between_s
    # one rest ends the request for the device, one the answer for us
    rests_s = line.rest_s + max(line.rest_s, config.pause_between_s)
    return RTU_FRAME_BYTES * line.character_s + rests_s
