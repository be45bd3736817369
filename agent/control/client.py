"""Handing an order to the agent that runs on this box."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Final, Literal

from agent.control.outcome import Outcome
from agent.control.place import addressed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.control.outcome import Order

ANSWER_S: Final = 150.0
"""Above all the desk's own deadlines together."""
MAX_ANSWER_BYTES: Final = 65_536


class NoAgent(Exception):  # noqa: N818 - says what is the case
    """No agent takes orders at the path."""


class NoAnswer(Exception):  # noqa: N818 - says what is the case
    """The agent took the order, perhaps, and its answer did not come or cannot be read."""


def hand_in(path: Path, op: Literal["preview", "write"], order: Order) -> Outcome:
    """Give an order to the agent and wait for what came of it.

    Raises:
        NoAgent: there is none; nothing was sent.
        NoAnswer: it is not known what the agent did.
        PermissionError: this user may not give orders.
    """
    words = {"op": op, "device": order.device, "tag": order.tag, "value": order.text}
    line = ask(path, words)
    try:
        return Outcome.from_line(line)
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from error


def ask(path: Path, words: Mapping[str, str]) -> bytes:
    """Send one line to the agent and give the line it answers.

    Raises:
        NoAgent: there is none; nothing was sent.
        NoAnswer: it is not known what the agent did.
        PermissionError: this user may not ask.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(ANSWER_S)
        try:
            with addressed(path) as address:
                sock.connect(address)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            raise NoAgent(str(path)) from error
        try:
            sock.sendall(json.dumps(words).encode() + b"\n")
            return _line(sock)
        except OSError as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from error


def _line(sock: socket.socket) -> bytes:
    """Read up to the end of the line."""
    received = b""
    while not received.endswith(b"\n") and len(received) < MAX_ANSWER_BYTES:
        part = sock.recv(MAX_ANSWER_BYTES)
        if not part:
            break
        received += part
    return received
