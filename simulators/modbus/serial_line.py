"""The bus on a serial line: a pseudo-terminal of its own, or a serial port of this machine.

Half duplex, as RS-485: bytes that arrive while an answer is on the line are a collision; the
request is lost and the answer damaged. Time is reckoned by `LineTiming`, an answer is handed over
when its last byte would have passed.
"""

from __future__ import annotations

import asyncio
import os
import pty
import termios
import tty
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from simulators.modbus.bus import Bus
    from simulators.modbus.timing import LineTiming

OWN_PTY: Final = "pty"
"""Written instead of a port: make a pseudo-terminal and tell its name."""

_READ_BYTES: Final = 4096
_PARITY: Final = {
    "none": 0,
    "even": termios.PARENB,
    "odd": termios.PARENB | termios.PARODD,
}


class SerialLine:
    """The bus on one line, inside `async with`; a `Conversation`."""

    def __init__(self, bus: Bus, port: str = OWN_PTY) -> None:
        """Serve the bus at a port, or at a pseudo-terminal of its own."""
        self.bus = bus
        self.port = port
        """Name of the port; of the far end, where the line is a pseudo-terminal."""
        self.opened_s = asyncio.get_running_loop().time()
        self.collisions = 0
        """Requests that began while an answer was on the line."""
        self.hasty = 0
        """Requests that began before the line had rested for 3.5 characters."""
        self._own: int | None = None
        self._far: int | None = None
        self._received = bytearray()
        self._written_s = 0.0
        self._spoilt = False
        """Whether the answer on the line was hit by a collision."""
        self._silence: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        if self.port == OWN_PTY:
            self._own, self._far = pty.openpty()
            tty.setraw(self._own)
            tty.setraw(self._far)
            self.port = os.ttyname(self._far)
        else:
            self._own = os.open(self.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            tty.setraw(self._own)
            if self.bus.timing is not None:
                _set_line(self._own, self.bus.timing)
        os.set_blocking(self._own, False)
        asyncio.get_running_loop().add_reader(self._own, self._read)
        self.bus.conversations.append(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()

    @property
    def is_open(self) -> bool:
        """Whether the line is there."""
        return self._own is not None

    def write(self, content: bytes) -> None:
        """Put bytes on the line; what its buffer cannot take is lost, as on a line."""
        if self._own is None or not content:
            return
        if self._spoilt:
            content = bytes([content[0] ^ 0xFF]) + content[1:]
            self._spoilt = False
        with suppress(BlockingIOError, OSError):
            os.write(self._own, content)
        self._written_s = asyncio.get_running_loop().time()

    def close(self) -> None:
        """Nothing: a device cannot hang up on a line."""

    def unplug(self) -> None:
        """Take the line away, as somebody who pulls the adapter out."""
        if self._silence is not None:
            self._silence.cancel()
        if self._own is None:
            return
        asyncio.get_running_loop().remove_reader(self._own)
        own, self._own = self._own, None
        os.close(own)
        if self._far is not None:
            os.close(self._far)
            self._far = None
        if self in self.bus.conversations:
            self.bus.conversations.remove(self)

    def _read(self) -> None:
        """Take what the master wrote."""
        if self._own is None:
            return
        try:
            content = os.read(self._own, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.unplug()
            return
        if self._collides():
            return
        self._received += content
        self.bus.receive(self, self._received)
        self._forget_after_silence()

    def _collides(self) -> bool:
        """Judge the moment in which bytes arrive; tell whether they are lost."""
        timing = self.bus.timing
        if timing is None or self._received:
            return False
        now_s = asyncio.get_running_loop().time()
        begin_s, end_s = timing.talking_s
        if begin_s < now_s < end_s and self._written_s < begin_s:
            self.collisions += 1
            self._spoilt = True
            return True
        if self._written_s and now_s - self._written_s < timing.rest_s:
            self.hasty += 1
        return False

    def _forget_after_silence(self) -> None:
        """Drop half a request when the line fell silent: a frame is never resumed."""
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if self._received:
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(_SILENCE_S, self._forget)

    def _forget(self) -> None:
        self.bus.junk_bytes += len(self._received)
        self._received.clear()


_SILENCE_S: Final = 0.05
"""A pause after which half a request is given up; longer than a busy machine's hiccup."""


def _set_line(port: int, timing: LineTiming) -> None:
    """Give a real port its speed, parity and stop bits; raises OSError for a speed it has not."""
    attributes = termios.tcgetattr(port)
    speed = getattr(termios, f"B{timing.baud}", None)
    if speed is None:
        raise OSError(f"{timing.baud} bit/s: no such speed / 不支持的波特率")
    flags = attributes[2] & ~(termios.CSIZE | termios.PARENB | termios.PARODD | termios.CSTOPB)
    flags |= termios.CS8 if timing.data_bits == 8 else termios.CS7
    flags |= _PARITY[timing.parity] | (termios.CSTOPB if timing.stop_bits == 2 else 0)
    attributes[2], attributes[4], attributes[5] = flags, speed, speed
    termios.tcsetattr(port, termios.TCSANOW, attributes)
