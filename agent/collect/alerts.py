"""Listening to one device's own alarms: a task of its session, beside its groups.

A device that gives none costs nothing but the question; it is asked again after a while. Ends
only with the session.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from agent.telemetry import logs
from agent.telemetry.status import Message
from drivers.api import Alerts, Busy, DriverError, Remarks, SessionLost

if TYPE_CHECKING:
    from agent.collect.alarm_book import AlarmBook
    from agent.collect.device import DeviceRun

REFUSED_S: Final = 600.0
"""A device that gives no alarms is asked again after this."""

_log = logging.getLogger("chulian.collect")


def wants_alerts(device: DeviceRun, session: Any) -> bool:
    """Tell whether a device is to be listened to in this session."""
    return device.alarms is not None and isinstance(session, Alerts)


async def listen(session: Any, device: DeviceRun) -> None:
    """Take a device's alarms until cancelled.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    book = device.alarms
    while book is not None:
        pause_s = REFUSED_S
        try:
            await _listen(session, book)
        except SessionLost:
            raise
        except Busy as busy:
            pause_s = busy.wait_s
        except DriverError as error:
            _tell(device, book, error)
        await asyncio.sleep(pause_s)


async def _listen(session: Any, book: AlarmBook) -> None:
    try:
        async with aclosing(session.alerts(book.plan)) as alerts:
            async for alert in alerts:
                if book.take(alert):
                    _note_remarks(session, book)
    finally:
        book.deafen()


def _note_remarks(session: Any, book: AlarmBook) -> None:
    """Show how a device's alarms are served, where that is worse than asked for."""
    remarks = session.remarks(book.plan) if isinstance(session, Remarks) else ()
    for remark in remarks:
        book.problem = Message(remark.text, remark.zh)


def _tell(device: DeviceRun, book: AlarmBook, error: DriverError) -> None:
    """Say once why a device is not listened to."""
    if book.problem is None:
        with logs.about(device.id):
            _log.warning("no alarms are collected: %s", error)
    hint, hint_zh = (f": {error.hint}" if error.hint else ""), error.hint_zh
    chinese = error.zh or "设备不提供报警"
    book.problem = Message(f"{error}{hint}", f"{chinese}；{hint_zh}" if hint_zh else chinese)
