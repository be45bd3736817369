"""Settings read by another process, which ends with it: what it needs to read stays with it.

The long-lived agent neither validates nor parses; it holds plain values (`drivers.api.shape`). The
reader is this program's own, started with the same interpreter and paths; questions and answers
go over pipes only, as pickles: nobody else can write there, and secrets never touch a disk.
Guarantees: an answer is whole or an exception, within a time; what the reader raises is raised
here, and a reader that hangs is ended. A plan of a driver is compiled again here, from the same
tags: plans are pure, and need not travel.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agent.telemetry.status import Message
from drivers.reads import reads_settings

if TYPE_CHECKING:
    from pathlib import Path

    from agent.config.plan import Loaded

LOAD: Final = "agent.config.load:load"
"""Reads a configuration file."""
ANSWER_S: Final = 120.0
"""So long an answer may take: minutes for what takes seconds on the slowest gateway."""
_READER: Final = "agent.config.reader"
_END_S: Final = 1.0
_PIPE_BYTES: Final = 4096
"""A pipe nobody reads yet takes at least so much without waiting."""


class ReaderError(Exception):
    """The reading process gave no answer: it could not be started, was ended, or hung."""

    def __init__(self, why: Message, *, what_to_do: Message | None = None) -> None:
        super().__init__(f"the reading process gave no answer: {why.en}")
        advice = what_to_do or _MAKE_ROOM
        self.message = Message(
            "The configuration could not be read: the process that reads it said nothing "
            f"({why.en}). {advice.en}",
            f"无法读取配置：负责读取的子进程没有给出结果（{why.zh}）。{advice.zh}",
        )


_MAKE_ROOM: Final = Message(
    "Free memory, or raise the limits on memory and tasks, and try again.",
    "请释放内存，或调大内存和任务数上限后重试。",
)
_LOOK_AT_THE_DISK: Final = Message(
    "See whether the disk answers and the machine is not overloaded, and try again.",
    "请检查磁盘读写是否正常、网关负载是否过高，然后重试。",
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is being answered."""

    process: subprocess.Popen[bytes]
    unsent: bytes | None = None
    """The question, where it is too long to be handed over before the reader reads."""

    def answer(self, *, within_s: float = ANSWER_S) -> Any:
        """Wait for the answer; a reader that gives none in time is ended.

        Raises:
            ReaderError: there is none.
        """
        try:
            told, _ = self.process.communicate(self.unsent, timeout=within_s)
        except subprocess.TimeoutExpired:
            self._end()
            why = Message(f"nothing within {within_s:g} s", f"{within_s:g} 秒内没有结果")
            raise ReaderError(why, what_to_do=_LOOK_AT_THE_DISK) from None
        if self.process.returncode or not told:
            code = self.process.returncode
            raise ReaderError(Message(f"exit code {code}", f"退出码 {code}"))
        value, error = pickle.loads(told)  # noqa: S301 - our own process wrote it
        if error is not None:
            raise error
        return value

    def _end(self) -> None:
        """Kill the reader; one that waits for a dead disk cannot be, and is left behind."""
        self.process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_S)
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError), stream or nullcontext():
                pass


def ask(function: str, *args: Any) -> Question:
    """Have a reading process call `module:function`; arguments and answer are plain data.

    Raises:
        ReaderError: no process can be started.
    """
    paths = os.pathsep.join(path for path in sys.path if path)
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", _READER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": paths},
        )
    except OSError as error:
        why = error.strerror or str(error)
        raise ReaderError(Message(why, why)) from error
    question = pickle.dumps((function, args))
    if len(question) > _PIPE_BYTES:
        return Question(process, question)
    with suppress(BrokenPipeError), process.stdin or nullcontext() as stream:
        if stream is not None:
            stream.write(question)
    process.stdin = None
    return Question(process)


def load(path: Path) -> Loaded:
    """Give the configuration in a file, ready to run; blocks until it is read.

    Raises:
        ConfigError: it cannot be used; holds every problem.
        ReaderError: nobody could read it.
    """
    if reads_settings():
        from agent.config.load import load as load_here

        return load_here(path)
    loaded: Loaded = ask(LOAD, path).answer()
    return loaded
