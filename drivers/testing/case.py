"""What a driver gives the conformance battery: itself, a machine to read, and power over it.

A case is stateless between tests as far as the battery can see: every test calls `start` first
and `stop` last, in its own event loop. A case never asserts; judging is the battery's.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from drivers.testing.wire import TcpWire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drivers.api import DeviceConfig, Driver, Tag, Value

SECRET = "never-print-me-7f3a"  # noqa: S105 - a marker the battery looks for in printed text
"""The text a case puts wherever a password may stand, see `Case.secret_settings`."""


class Case(ABC):
    """One driver, one server it can read, and the faults that server can show.

    Set the attributes in the subclass and write the controls. `TcpCase` writes most of the
    controls for a driver over TCP.
    """

    driver: ClassVar[Driver[Any, Any, Any]]
    """The driver object under test."""
    reference: ClassVar[str]
    """Where the driver object is found, as an entry point says it: `drivers.modbus:DRIVER`."""
    installed: ClassVar[bool] = True
    """Whether an entry point of the group `chulian.drivers` names it; False for a test's own."""
    shipped: ClassVar[bool] = True
    """Whether READMEs, sample and point table lie beside it; False for a test's own."""
    light_without: ClassVar[Sequence[str]] = ()
    """Modules that importing the driver must not load, such as its protocol library."""

    expected: ClassVar[Mapping[Tag, Value]]
    """Readable tags (two at least), each with the raw value it has after `start`."""
    change: ClassVar[tuple[Tag, Value]]
    """One tag of `expected` and another value that `set` can give it."""
    malformed: ClassVar[Sequence[Tag]]
    """Tags (two at least) whose addresses the driver cannot even parse."""
    refused: ClassVar[Tag | None] = None
    """A tag whose address is well formed, and which the server refuses; None: there is no such."""
    array: ClassVar[tuple[Tag, int] | None] = None
    """A tag whose address names several values, and how many; None: the driver has no arrays."""
    writable: ClassVar[tuple[Tag, Value] | None] = None
    """A READ_WRITE tag of `expected` and a value to write; needed if sessions are `Writes`."""
    secret_settings: ClassVar[Mapping[str, object]] = {}
    """Settings that hold `SECRET` wherever the driver takes a password; laid over the config."""

    timeout_s: ClassVar[float]
    """The driver's deadline for one read with the config of `start`; keep it short, about 0.5."""
    open_timeout_s: ClassVar[float | None] = None
    """The driver's deadline for opening; None = `timeout_s`."""
    silence_s: ClassVar[float | None] = None
    """How long a subscription may take to notice a frozen server; None = `timeout_s`."""
    interval_s: ClassVar[float] = 0.1
    """The interval the battery subscribes with."""
    burst: ClassVar[int] = 0
    """Changes in a row that overrun the driver's subscription buffer; 0: not to be tried."""
    exclusive: ClassVar[bool] = False
    """Whether a link bears one session only (a serial line)."""
    noisy: ClassVar[Sequence[str]] = ()
    """Loggers of the case's own server, left out when the driver's silence is judged."""

    @abstractmethod
    async def start(self) -> DeviceConfig:
        """Start the server with the values of `expected`; give the config that reaches it."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop the server: connections end, the port is closed. Harmless when not started."""

    @abstractmethod
    async def freeze(self) -> None:
        """Let the server fall silent: connections stay, nothing is answered."""

    @abstractmethod
    async def thaw(self) -> None:
        """End the silence; what was asked meanwhile may be answered late."""

    @abstractmethod
    async def drop(self) -> None:
        """Cut every connection now, mid-read if there is one; new ones are accepted."""

    @abstractmethod
    async def set(self, tag: Tag, value: Value) -> None:
        """Give a tag of `expected` another value at the server."""

    def config_at(self, host: str, port: int) -> DeviceConfig | None:
        """Give the config that reaches another address; None: not a TCP driver.

        The battery uses it to put a hostile server there.
        """
        del host, port
        return None

    def hostile_replies(self) -> Sequence[bytes]:
        """Give torn, oversized and nonsense answers; none of them a correct reply to a read."""
        return ()

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Make the event loop of one test; override to run the battery under another kind."""
        return asyncio.new_event_loop()


class TcpCase(Case):
    """A case over TCP: the driver talks to a `TcpWire` before the server, which does the faults.

    The subclass writes `serve`, `shutdown`, `set` and `config_at`.
    """

    def __init__(self) -> None:
        self._wire: TcpWire | None = None

    @abstractmethod
    async def serve(self) -> tuple[str, int]:
        """Start the server on a free port; give the host and port it listens on."""

    @abstractmethod
    async def shutdown(self) -> None:
        """Stop the server; harmless when it does not run."""

    @abstractmethod
    def config_at(self, host: str, port: int) -> DeviceConfig:
        """Give the config that reaches a server at this address."""

    async def start(self) -> DeviceConfig:
        """Start server and wire; give the config that reaches the wire."""
        self._wire = TcpWire(*await self.serve())
        return self.config_at(*await self._wire.start())

    async def stop(self) -> None:
        """Stop wire and server."""
        if self._wire is not None:
            await self._wire.stop()
            self._wire = None
        await self.shutdown()

    async def freeze(self) -> None:
        """Hold every byte, both ways."""
        self._running().freeze()

    async def thaw(self) -> None:
        """Let the held bytes go and all that follow."""
        self._running().thaw()

    async def drop(self) -> None:
        """Abort every connection."""
        self._running().drop()

    def _running(self) -> TcpWire:
        if self._wire is None:
            raise RuntimeError("the case is not started")
        return self._wire
