"""What every framing offers: a request made once for the wire, and its answer checked.

The shapes between plan, session and line; pure, no I/O, no state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from drivers.api import SessionLost

if TYPE_CHECKING:
    from drivers.modbus.config import TransactionIds

EXCEPTION_FLAG = 0x80

READ_FUNCTIONS = frozenset({1, 2, 3, 4})
"""Functions whose answer is a byte count and a payload of that length."""

_REASONS = {
    1: "BadNotSupported",
    2: "BadConfigurationError",
    3: "BadOutOfRange",
    4: "BadDeviceFailure",
    0x0A: "BadNoCommunication",
    0x0B: "BadNoCommunication",
}


@dataclass(frozen=True, slots=True)
class ExceptionReply:
    """A device's refusal of one request."""

    code: int

    @property
    def reason(self) -> str:
        """The status a value gets that this request should have brought."""
        return _REASONS.get(self.code, "BadUnknownResponse")


Answer: TypeAlias = bytes | ExceptionReply
"""What one request brought: its payload, or the device's refusal."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready for the wire but for its transaction id."""

    unit: int
    function: int
    tail: bytes
    """The whole ADU; in framings with transaction ids, what follows the id."""
    head: bytes
    """How the only good answer begins (after the transaction id), as far as it is known."""
    size_bytes: int
    """Length of the only good answer; 0 where the device chooses."""
    asked: str
    """What is asked for, in words for a person, such as `hr:0 +16`."""
    data: bytes = b""
    """The PDU's data, after the function code."""


class Framing(Protocol):
    """How a PDU (function code, data) becomes a frame and comes back out of one."""

    @property
    def has_ids(self) -> bool:
        """Whether a frame carries a transaction id, so that a late answer can be told."""

    def request(
        self, function: int, data: bytes, *, unit: int, answer_bytes: int, asked: str
    ) -> Request:
        """Wrap a request.

        `answer_bytes` is the length of the data (after the function code) of the only good
        answer, byte count included; 0 where the device chooses.
        """

    def check(
        self, received: bytes, request: Request, *, transaction: int, ids: TransactionIds
    ) -> Answer | None:
        """Take the answer from what was received since the request; None while incomplete.

        The answer to a read is its payload without the byte count, to anything else the PDU's data.

        Raises:
            SessionLost: the bytes cannot be the answer; the line cannot be trusted as it is.
        """

    def size_of(self, received: bytes) -> int | None:
        """Give the length of the frame that begins what was received; None while unknown.

        Raises:
            SessionLost: no frame begins like this.
        """


def mismatch(
    seen: str, zh: str, request: Request, *, hint: str = "", hint_zh: str = ""
) -> SessionLost:
    """Word an answer that cannot be the request's."""
    return SessionLost(
        f"unit {request.unit}: asked for {request.asked}, got {seen}",
        zh=f"站号 {request.unit}：请求 {request.asked}，收到的应答不对：{zh}",
        hint=hint,
        hint_zh=hint_zh,
    )
