"""Whether the system gives this process what it cannot do without: open files and threads.

Asked before anything else of a start: a process that dies of it half way has said nothing a person
could act on. Guarantees: what was taken to try it is given back.
"""

from __future__ import annotations

import os
import resource
import threading
from contextlib import ExitStack, suppress

from agent.telemetry.status import Message

FILES = 20
"""Store, loop, page, one connection to the platform and one to a machine, and what modules take."""
THREADS = 16
"""Calls that block, the resolver, the store, and a few to spare."""
START_S = 10.0
"""A thread that was given runs within this, on a busy box too."""


def missing() -> Message | None:
    """Say what there is too little of to start, and what to do; None when there is enough."""
    files = _files(FILES)
    if files < FILES:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return Message(
            f"Cannot start: only {files} more files can be opened, {FILES} are needed (limit of "
            f"this process: {limit}). Raise the limit on open files (LimitNOFILE, ulimit -n), or "
            "find the program that holds them.",
            f"无法启动：只能再打开 {files} 个文件，至少需要 {FILES} 个（本进程上限 {limit}）。"
            "请调大打开文件数上限（LimitNOFILE、ulimit -n），或找出占用文件的程序。",
        )
    threads = _threads(THREADS)
    if threads < THREADS:
        return Message(
            f"Cannot start: the system gives only {threads} more threads, {THREADS} are needed. "
            "Raise the limit on tasks (TasksMax, ulimit -u), or free memory.",
            f"无法启动：系统只能再提供 {threads} 个线程，至少需要 {THREADS} 个。"
            "请调大任务数上限（TasksMax、ulimit -u），或释放内存。",
        )
    return None


def _files(wanted: int) -> int:
    """Count how many more files can be open at once, up to what is wanted."""
    opened = 0
    with ExitStack() as back, suppress(OSError):
        while opened < wanted:
            back.callback(os.close, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            opened += 1
    return opened


def _threads(wanted: int) -> int:
    """Count how many more threads can run at once, up to what is wanted."""
    over = threading.Event()
    tried = [threading.Thread(target=over.wait, args=(START_S,)) for _ in range(wanted)]
    started = []
    with suppress(RuntimeError, MemoryError):
        for thread in tried:
            thread.start()
            started.append(thread)
    over.set()
    for thread in started:
        thread.join()
    return len(started)
