"""An answer on its way out, and what a personality is: a function that spoils it.

An answer passes three stages: its content (PDU, unit, id, delay), its frame, its pieces on the
wire. Pure but for the dice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from simulators.modbus.framing import FramingName, Request

_MOST: Final = 1e6
"""No value of a personality is greater."""


class Stage(Enum):
    """When a personality acts."""

    CONTENT = "content"
    FRAME = "frame"
    PIECES = "pieces"
    CONNECTION = "connection"
    """On whole connections; the bus itself asks for it."""


@dataclass(slots=True)
class Draft:
    """An answer on its way."""

    request: Request
    framing: FramingName
    unit: int
    transaction: int
    pdu: bytes | None
    """None: no answer at all."""
    delay_s: float = 0.0
    elsewhere: bool = False
    """Goes into whatever connection is open when it is due."""
    frame: bytes = b""
    previous: bytes = b""
    """The frame of the answer before."""
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    """What is written, each after a wait in seconds."""
    close: bool = False
    """Whether the connection is closed afterwards."""
    reboot_s: float = 0.0
    """How long the whole device is away afterwards."""


Act: TypeAlias = Callable[[Draft, str, Random], bool]
"""Changes a draft; tells whether it did."""


@dataclass(frozen=True, slots=True)
class Personality:
    """One way to misbehave."""

    name: str
    en: str
    zh: str
    stage: Stage
    act: Act
    default: str = ""
    """The value when none is given; empty: it takes none."""
    text: bool = False
    """Whether the value is text; else it is a number."""

    def accepts(self, value: str) -> bool:
        """Tell whether a value is one it can work with."""
        if not self.default:
            return not value
        try:
            return bool(bytes_of(value)) if self.text else 0 <= float(value) <= _MOST
        except ValueError:
            return False


def bytes_of(text: str) -> bytes:
    """Give the bytes a person wrote: text, or `hex:0A0B`; raises ValueError for wrong hex."""
    if text.lower().startswith("hex:"):
        return bytes.fromhex(text[4:])
    return text.encode()


class Collection(dict[str, Personality]):
    """Personalities by name, in the order in which they are listed."""

    def enter(
        self,
        name: str,
        en: str,
        zh: str,
        *,
        stage: Stage,
        default: str = "",
        text: bool = False,
    ) -> Callable[[Act], Act]:
        """Make a decorator that enters a function under a name."""

        def entered(act: Act) -> Act:
            self[name] = Personality(name, en, zh, stage, act, default, text)
            return act

        return entered
