"""Errors a driver may raise; each is an instruction to the host.

    DriverError
    ├── AddressError    these tags cannot be read: mark them BAD, plan the rest
    ├── ConnectError    the link is not there: back off, try again
    ├── AccessError     refused (login, certificate, rights): try rarely, tell a person
    ├── Busy            come back after `wait_s` on this same session
    ├── Silent          one device kept silent, the session goes on: back off this device alone
    └── SessionLost     the session is dead: open a new one
        └── NoReply     one device kept silent: reopen at once, back off this device alone

Anything else a driver lets out is a bug in the driver; the host marks the device FAULTED.
A single bad point is never an error: its value is None, its quality BAD, its reason said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class DriverError(Exception):
    """Base of all errors a driver raises; says what, where, what was seen, what to do."""

    def __init__(
        self, message: str, *, device: str = "", hint: str = "", zh: str = "", hint_zh: str = ""
    ) -> None:
        super().__init__(message)
        self.device = device
        """Id of the device concerned; empty when the whole link is."""
        self.hint = hint
        """What a person can do, in one sentence."""
        self.zh = zh
        """The message in Chinese; empty: the host words it by the kind of error."""
        self.hint_zh = hint_zh
        """The hint in Chinese; empty: the host words it by the kind of error."""


@dataclass(frozen=True, slots=True)
class AddressProblem:
    """Why one tag cannot be planned."""

    tag: str
    address: str
    why: str
    hint: str = ""
    why_zh: str = ""
    hint_zh: str = ""


class AddressError(DriverError):
    """Some addresses cannot be read; all of them are named together."""

    def __init__(self, problems: Sequence[AddressProblem], *, device: str = "") -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{first.tag}: {first.address!r}: {first.why}{more}", device=device)
        self.problems = tuple(problems)


class ConnectError(DriverError):
    """The link could not be opened: refused, unreachable, timed out."""


class AccessError(DriverError):
    """The other side refuses us: wrong password, untrusted certificate, missing right."""


class Busy(DriverError):  # noqa: N818 - an instruction, not a failure
    """The device asks for patience (Modbus exceptions 5 and 6, OPC UA BadTooManyOperations)."""

    def __init__(self, message: str, *, wait_s: float, device: str = "", hint: str = "") -> None:
        super().__init__(message, device=device, hint=hint)
        self.wait_s = wait_s


class Silent(DriverError):  # noqa: N818 - names the event the host reacts to
    """One device did not answer in time; the session answers the others of its link as before.

    Nothing the device may still send can be mistaken for another answer.
    """


class SessionLost(DriverError):  # noqa: N818 - names the event the host reacts to
    """The session ended or cannot be trusted any more."""


class NoReply(SessionLost):
    """One device did not answer in time; what it may still send must not be read as an answer."""
