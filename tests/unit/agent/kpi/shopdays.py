"""Series of synthetic machines, as frames through a real observer, for tests of evidence."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from agent.kpi.days import Calendar
from agent.kpi.observe import Observer
from drivers.api import Frame

ZONE = "Asia/Shanghai"
S = 1_000_000_000
NAMES = ("machine.state", "program.line", "power.active", "part.count", "spindle.load")
DAYS_FROM = datetime(2026, 7, 1, 8, tzinfo=ZoneInfo(ZONE))


def start_ns(day):
    """Give 08:00 in Wuhan of the n-th of a run of days."""
    return int((DAYS_FROM + timedelta(days=day)).timestamp()) * S


def series(seed, seconds=1800, *, busy=True, digits=5):
    """Give one reading a second of a machine: state, line, power, count, load."""
    rng = random.Random(seed)
    parts, left, running = rng.randrange(1000), 0, False
    found = []
    for second in range(seconds):
        if left == 0:
            running = busy and not running
            left = rng.randrange(20, 70)
            parts += running
        left -= 1
        power = round((3 + 4 * rng.random()) if running else 0.4, digits)
        load = float(rng.randrange(20, 60)) if running else 0.0
        found.append(("running" if running else "idle", second % 400, power, parts, load))
    return found


def observer(*devices):
    """Give an observer of devices with one group each."""
    return Observer({(device, "g"): NAMES for device in devices}, Calendar(ZONE))


def play(into, device, day, readings, *, offset_s=0.0):
    """Show readings to an observer, one a second from 08:00 of a day."""
    begins = start_ns(day) + int(offset_s * S)
    for second, values in enumerate(readings):
        into.observe(Frame(device, "g", begins + second * S, values))


def by_device(into):
    """Give what was observed by device."""
    found = {}
    for one in into.days():
        found.setdefault(one.device, []).append(one)
    return {device: sorted(days, key=lambda d: d.day) for device, days in found.items()}
