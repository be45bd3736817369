"""Signing with the gateway's key in a process that ends when it is done.

The cryptography takes 9 MB and is needed a second a day, so the agent never loads it for this. The
private key stays in the other process. Run as `python -m agent.kpi.signing KEYFILE` it writes the
public key, then a signature for each message it reads, a line of hexadecimal each.
"""

from __future__ import annotations

import subprocess
import sys
from threading import Timer
from typing import TYPE_CHECKING, Final, Protocol

from agent.kpi.device_key import KeyUnusableError, load_or_make

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

WITHIN_S: Final = 120.0
"""The process is killed after so long, whatever it does."""
_REFUSED: Final = "!"
"""Begins the one line of a process that cannot use the key."""


class Signs(Protocol):
    """Whoever can sign for this gateway."""

    @property
    def public(self) -> str:
        """The public key, hexadecimal."""

    def sign(self, message: bytes) -> bytes:
        """Give the Ed25519 signature; raises KeyUnusableError where that is not possible."""


class KeyInHand:
    """Signs in this process, for commands that end soon."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> str:
        """The public key, hexadecimal."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> bytes:
        """Give the Ed25519 signature."""
        return self._key.sign(message)


class KeyElsewhere:
    """Signs in a process of its own; use it as a context. It blocks: never on the event loop."""

    def __init__(self, path: Path, *, within_s: float = WITHIN_S) -> None:
        """Take the file of the key; it is made where there is none."""
        self._path = path
        self._within_s = within_s
        self.public = ""

    def __enter__(self) -> Self:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves, by a full path
                [sys.executable, "-P", "-m", "agent.kpi.signing", str(self._path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            raise KeyUnusableError(f"no process to sign in ({error})") from error
        self._guard = Timer(self._within_s, self._process.kill)
        self._guard.daemon = True
        self._guard.start()
        try:
            self.public = self._answer()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def sign(self, message: bytes) -> bytes:
        """Give the Ed25519 signature; raises KeyUnusableError where the process has gone."""
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(message.hex() + "\n")
                self._process.stdin.flush()
        except OSError as error:
            raise KeyUnusableError(f"the process that signs has gone ({error})") from error
        return bytes.fromhex(self._answer())

    def _answer(self) -> str:
        line = self._process.stdout.readline().rstrip("\n") if self._process.stdout else ""
        if line.startswith(_REFUSED):
            raise KeyUnusableError(line.removeprefix(_REFUSED))
        if not line:
            raise KeyUnusableError("the process that signs has gone")
        return line

    def _end(self) -> None:
        self._guard.cancel()
        with self._process:  # closes its pipes, so it ends, and waits for it
            if not self.public:
                self._process.kill()


def main(path: str) -> int:
    """Sign what comes in, line by line, until there is no more."""
    from pathlib import Path

    try:
        key = KeyInHand(load_or_make(Path(path)))
    except KeyUnusableError as error:
        print(_REFUSED + str(error).replace("\n", " "), flush=True)  # noqa: T201 - the answer
        return 1
    print(key.public, flush=True)  # noqa: T201 - the answer
    for line in sys.stdin:
        print(key.sign(bytes.fromhex(line)).hex(), flush=True)  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
