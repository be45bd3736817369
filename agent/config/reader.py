"""The process that reads settings for another: one question on stdin, one answer on stdout.

Guarantees: nothing else is ever written to stdout, whatever a driver prints; it ends with its
answer, without one where there is a bug, which stands on stderr.
"""

from __future__ import annotations

import gc
import io
import os
import pickle
import signal
import sys
from contextlib import suppress
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

from agent.config.plan import DevicePlan, described
from agent.config.problems import ConfigError
from agent.registry import GROUP
from drivers.api.shape import restored, secret

if TYPE_CHECKING:
    from drivers.api import Driver


def main() -> None:
    """Answer the question and end at once: no time is spent on taking things down."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever asked decides what Ctrl-C means
    gc.disable()  # it lives too short for that
    answer = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    function, args = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own process wrote it
    with suppress(BrokenPipeError), os.fdopen(answer, "wb") as stream:  # whoever asked may be gone
        stream.write(answered(function, args))
    sys.stderr.flush()
    os._exit(0)


def answered(function: str, args: tuple[Any, ...]) -> bytes:
    """Call `module:function`; give its value, or the problems it found, for the one who asked."""
    module, _, name = function.partition(":")
    call = getattr(import_module(module), name)
    told: tuple[Any, ConfigError | None]
    try:
        told = call(*args), None
    except ConfigError as error:
        told = None, error
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(told)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    """Writes sections by their values, devices without their plans."""

    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol)
        self._names: dict[type, tuple[str, ...]] = {}
        self._drivers: dict[str, str] = {}

    def reducer_override(self, thing: Any) -> Any:
        """Say how a thing is made again on the other side."""
        if isinstance(thing, BaseModel):
            kind = type(thing)
            names = self._names.setdefault(kind, tuple(kind.model_fields))
            return restored, (kind, names, tuple(getattr(thing, name) for name in names))
        if isinstance(thing, SecretStr):
            return secret, (thing.get_secret_value(),)
        if isinstance(thing, DevicePlan):
            return described(thing, driver=self._address(thing.driver))
        return NotImplemented

    def _address(self, driver: Driver[Any, Any, Any]) -> str:
        """Give the entry point that names a driver, as `module:attribute`."""
        if not self._drivers:
            self._drivers = {entry.name: entry.value for entry in entry_points(group=GROUP)}
        return self._drivers[driver.name]


if __name__ == "__main__":
    main()
