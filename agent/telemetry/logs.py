"""Set up the standard library's logging: one line per event to stderr, as text or as JSON.

`CHULIAN_LOG` sets level and format, such as `debug`, `json` or `info,json`. A line of text names
the device and group it is about, taken from the context; what a machine sends cannot start a line
of its own; a known secret is replaced by `***` wherever it would stand. Under systemd the journal
stamps the lines, so they carry a priority instead of a time. Nothing here writes files.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

VARIABLE: Final = "CHULIAN_LOG"
"""The environment variable that sets level and format."""

OUR_LOGGERS: Final = ("chulian", "drivers", "simulators")
"""Loggers that follow the chosen level; libraries speak from WARNING on, or all at `debug`."""

_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_FORMATS: Final = ("text", "json")
_SHORTEST_SECRET = 4
"""Shorter secrets are not replaced: the text would be shredded and the secret told by the holes."""

_about: ContextVar[tuple[str, str]] = ContextVar("about", default=("", ""))


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How much is logged, and in which form."""

    level: int = logging.INFO
    json: bool = False


def parse(text: str) -> LogSettings:
    """Read the value of `CHULIAN_LOG`; words by comma, empty = info as text.

    Raises:
        ValueError: naming the word that is neither a level nor a format, and what is allowed.
    """
    level, as_json = logging.INFO, False
    for word in filter(None, (w.strip().lower() for w in text.split(","))):
        if word in _LEVELS:
            level = _LEVELS[word]
        elif word in _FORMATS:
            as_json = word == "json"
        else:
            allowed = ", ".join((*_LEVELS, *_FORMATS))
            raise ValueError(f"{VARIABLE}: {word!r} is unknown / 不认识; allowed / 可用: {allowed}")
    return LogSettings(level, as_json)


def set_up(
    settings: LogSettings,
    *,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
    environment: Mapping[str, str] | None = None,
) -> logging.Handler:
    """Make the root logger write to `stream` (stderr), replacing what was set up before."""
    target = sys.stderr if stream is None else stream
    variables = os.environ if environment is None else environment
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(settings, secrets, journal=_is_journal(target, variables)))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    libraries = logging.DEBUG if settings.level == logging.DEBUG else logging.WARNING
    root.setLevel(max(settings.level, libraries))
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(settings.level)
    logging.captureWarnings(capture=True)
    return handler


@contextmanager
def about(device: str, group: str = "") -> Iterator[None]:
    """Name the device and group that every event logged inside the block is about."""
    token = _about.set((device, group))
    try:
        yield
    finally:
        _about.reset(token)


class _Redacting(logging.Formatter):
    """Base of both forms: whatever they produce, known secrets are not in it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        known = {s for s in secrets if len(s) >= _SHORTEST_SECRET}
        quoted = {json.dumps(s, ensure_ascii=False)[1:-1] for s in known}
        self._secrets = tuple(sorted(known | quoted, key=len, reverse=True))

    def format(self, record: logging.LogRecord) -> str:
        text = self.line(record)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def line(self, record: logging.LogRecord) -> str:
        """Give the record as one line, followed by the traceback if it has one."""
        raise NotImplementedError

    def _trace(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""


class _Text(_Redacting):
    def line(self, record: logging.LogRecord) -> str:
        device, group = _about.get()
        place = f" [{device}/{group}]" if group else f" [{device}]" if device else ""
        head = f"{_stamp(record)} {record.levelname} {record.name}{place}"
        return self._join(f"{head} {_printable(record.getMessage())}", record)

    def _join(self, first: str, record: logging.LogRecord) -> str:
        trace = self._trace(record)
        return f"{first}\n{trace}" if trace else first


class _Journal(_Text):
    """Text for the journal: a priority before every line, no time. Source: sd-daemon(3)."""

    _PRIORITIES = ((logging.ERROR, "<3>"), (logging.WARNING, "<4>"), (logging.INFO, "<6>"))

    def line(self, record: logging.LogRecord) -> str:
        device, group = _about.get()
        place = f" [{device}/{group}]" if group else f" [{device}]" if device else ""
        text = self._join(f"{record.name}{place} {_printable(record.getMessage())}", record)
        priority = next((p for at, p in self._PRIORITIES if record.levelno >= at), "<7>")
        return "\n".join(priority + line for line in text.splitlines())


class _Json(_Redacting):
    def line(self, record: logging.LogRecord) -> str:
        device, group = _about.get()
        event = {
            "time": _stamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "device": device,
            "group": group,
            "event": str(record.msg),
            "message": record.getMessage(),
            "trace": self._trace(record),
        }
        return json.dumps({k: v for k, v in event.items() if v}, ensure_ascii=False)


def _formatter(
    settings: LogSettings, secrets: Iterable[str], *, journal: bool
) -> logging.Formatter:
    if settings.json:
        return _Json(secrets)
    return _Journal(secrets) if journal else _Text(secrets)


def _stamp(record: logging.LogRecord) -> str:
    local = datetime.fromtimestamp(record.created).astimezone()
    return local.isoformat(timespec="milliseconds")


def _printable(text: str) -> str:
    """Escape control characters, so that no value can forge a line or drive a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _is_journal(stream: TextIO, variables: Mapping[str, str]) -> bool:
    """Tell whether the stream is the one systemd connected to the journal."""
    try:
        info = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return variables.get("JOURNAL_STREAM", "") == f"{info.st_dev}:{info.st_ino}"
