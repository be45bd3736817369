"""For a process under libfaketime, whose 0.9 refuses every absolute sleep, as Python's are.

Loaded by the interpreter itself, from the path that `WallClock.environment` gives. A wait for
nobody is as long as a sleep, and libfaketime leaves it alone.
"""

from __future__ import annotations

import threading
import time


def _sleep(seconds):
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    threading.Event().wait(seconds)


time.sleep = _sleep
