"""Where orders to write arrive: judged, sent once, read back, and every attempt put on record.

Guarantees: nothing is sent before the policy has agreed and the old value has been read; one
order at a time; an order that was sent is on record even if the agent stops in the middle. Never
retries a write. Never raises for what a machine does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.config.plan import tag_of
from agent.control import texts
from agent.control.outcome import Fate, Order, Outcome, audit_body
from agent.control.policy import Refused, Wanted, judge
from agent.normalize.convert import conversion_of
from agent.telemetry.status import Message
from drivers.api import DriverError, Polls, Quality, Writes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.config.model import TagEntry
    from agent.config.plan import DevicePlan
    from agent.control.history import History
    from drivers.api import Plan, Value

    Record = Callable[[int, bytes], None]


class Reach(Protocol):
    """How the desk comes by the session of a device."""

    async def __call__(self, device: str, *, again: bool) -> Any | None:
        """Give a session, `again` after one that failed; None where the device is not connected.

        Raises:
            DriverError: its link cannot be opened.
        """


CALL_DEADLINE_S: Final = 30.0
"""One question to a device takes no longer, waiting for the line included."""
RECONNECT_S: Final = 10.0
"""So long an order waits for the connection to come back, to find out what the device holds."""
LOOK_EVERY_S: Final = 0.1

_UNKNOWN: Final = frozenset({"BadTimeout", "BadConnectionClosed", "BadResourceUnavailable"})
_ANSWERED_YES: Final = frozenset({"BadReadBackDiffers", "BadReadBackFailed"})

_log = logging.getLogger("chulian.control")


@dataclass(frozen=True, slots=True)
class _Held:
    """What a device said it holds."""

    raw: Value
    value: Value
    reason: str
    """Why there is no value; empty when there is one."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The point an order is for, and a plan that reads and writes it alone."""

    device: DevicePlan
    tag: TagEntry
    plan: Plan

    async def read(self, session: Any) -> _Held:
        """Read the point; raises what a session raises, TimeoutError included."""
        async with asyncio.timeout(CALL_DEADLINE_S):
            frame = await session.read(self.plan)
        raw = frame.values[0]
        if frame.qualities is not None and frame.qualities[0] == Quality.BAD:
            reason = (frame.reasons or {}).get(0, "BadUnknownResponse")
            return _Held(None, None, reason)
        return _Held(raw, conversion_of(self.tag)(raw), "")


class Desk:
    """Takes orders for the devices of one configuration."""

    def __init__(
        self, devices: Sequence[DevicePlan], *, reach: Reach, record: Record, history: History
    ) -> None:
        self._devices = {device.id: device for device in devices}
        self._reach = reach
        self._record = record
        self._history = history
        self._plans: dict[tuple[str, str], Plan] = {}
        self._turn = asyncio.Lock()

    async def preview(self, order: Order) -> Outcome:
        """Tell whether an order would be sent and what the device holds now; sends nothing.

        A refusal is on record like that of an order; leave is not, nothing has happened yet.
        """
        async with self._turn:
            outcome = await self._judged(order, send=False)
        if outcome.fate is not Fate.READY:
            self._put_on_record(order, outcome)
        return outcome

    async def write(self, order: Order) -> Outcome:
        """Carry an order out and put it on record."""
        ended = texts.reason("BadConnectionClosed")
        outcome = Outcome(Fate.UNCONFIRMED, order.device, order.tag, ended, "BadShutdown")
        async with self._turn:
            try:
                outcome = await self._judged(order, send=True)
            finally:
                self._put_on_record(order, outcome)
        return outcome

    async def _judged(self, order: Order, *, send: bool) -> Outcome:
        """Judge an order and, if told to, carry it out."""
        outcome = Outcome(Fate.REFUSED, order.device, order.tag, texts.READY)
        try:
            target = self._find(order)
            outcome = _described(outcome, target.tag)
            since_s = self._history.since_s(order.device, order.tag, now_ms=_now_ms())
            wanted = judge(target.tag, order.text, since_last_s=since_s)
            outcome = replace(outcome, new=wanted.value)
            session = await self._session(target)
            held = await self._old(target, session)
            outcome = replace(outcome, old=held.value)
        except Refused as refused:
            return replace(outcome, message=refused.message, code=refused.code)
        except (DriverError, TimeoutError) as error:
            return replace(outcome, fate=Fate.UNREACHABLE, message=_words(error), code="no_answer")
        if not send:
            return replace(outcome, fate=Fate.READY)
        self._history.note(order.device, order.tag, now_ms=_now_ms())
        return await self._send(target, session, wanted, outcome)

    def _find(self, order: Order) -> _Target:
        """Find the point, which must be one a person enabled; raises `Refused`."""
        device = self._devices.get(order.device)
        if device is None:
            known = ", ".join(self._devices) or "-"
            raise Refused("unknown_device", device=order.device[:64], known=known)
        tags = {tag.name: tag for group in device.groups for tag in group.tags}
        tag = tags.get(order.tag)
        if tag is None:
            known = ", ".join(name for name, one in tags.items() if one.write) or "-"
            raise Refused("unknown_tag", device=device.id, tag=order.tag[:128], known=known)
        if tag.write is None:
            raise Refused("not_enabled", tag=tag.name)
        key = device.id, tag.name
        if key not in self._plans:  # one for the desk's life: sessions may remember their plans
            self._plans[key] = device.driver.plan(
                device.config, [tag_of(tag)], device=device.id, group="write"
            )
        return _Target(device, tag, self._plans[key])

    async def _session(self, target: _Target) -> Any:
        """Give the session the device is reached by; raises `Refused`."""
        session = await self._reach(target.device.id, again=False)
        if session is None:
            raise Refused("offline")
        if not (isinstance(session, Writes) and isinstance(session, Polls)):
            raise Refused("cannot_write", driver=target.device.driver.name)
        return session

    async def _old(self, target: _Target, session: Any) -> _Held:
        """Read what is held now; a point that cannot be read cannot be checked either."""
        held = await target.read(session)
        leave = target.tag.write
        if held.reason and (leave is None or leave.confirm == "read-back"):
            raise Refused("not_readable", reason=held.reason)
        return held

    async def _send(
        self, target: _Target, session: Any, wanted: Wanted, outcome: Outcome
    ) -> Outcome:
        """Write once, then find out what the device holds."""
        tag = tag_of(target.tag)
        try:
            async with asyncio.timeout(CALL_DEADLINE_S):
                (result,) = await session.write(target.plan, {tag: wanted.raw})
            reason, written = result.reason, result.written
        except (DriverError, TimeoutError):
            reason, written = "BadTimeout", False
        held = await self._after(target)
        outcome = replace(outcome, after=held.value)
        if reason in _UNKNOWN and not held.reason and held.raw == wanted.raw:
            written = True
        if written:
            return replace(outcome, fate=Fate.CONFIRMED, message=texts.DONE)
        leave = target.tag.write
        if leave is not None and leave.confirm == "none" and reason in _ANSWERED_YES:
            return replace(outcome, fate=Fate.ACCEPTED, message=texts.ACCEPTED)
        return replace(
            outcome, fate=Fate.UNCONFIRMED, message=texts.reason(reason), code=reason[:64]
        )

    async def _after(self, target: _Target) -> _Held:
        """Read once more, on a new connection if the old one ended."""
        end_s = time.monotonic() + RECONNECT_S
        again = False
        while True:
            try:
                session = await self._reach(target.device.id, again=again)
                if session is not None:
                    return await target.read(session)
            except (DriverError, TimeoutError):
                again = True
            if time.monotonic() > end_s:
                return _Held(None, None, "BadNoCommunication")
            await asyncio.sleep(LOOK_EVERY_S)

    def _put_on_record(self, order: Order, outcome: Outcome) -> None:
        """Log an attempt and, where it names a device that there is, store it as an event."""
        now_ms = _now_ms()
        _log.warning(
            "write by %s: %s %s: %r -> %r: %s %s",
            order.who, outcome.device, outcome.tag, outcome.old, order.text, outcome.fate.value,
            outcome.code,
        )  # fmt: skip
        if outcome.device in self._devices:
            known = outcome if outcome.code != "unknown_tag" else replace(outcome, tag="")
            self._record(now_ms, audit_body(order, known, t_ms=now_ms))


def _described(outcome: Outcome, tag: TagEntry) -> Outcome:
    """Add what the configuration says of the point."""
    leave = tag.write
    limits = (leave.min, leave.max, leave.step) if leave is not None else (None, None, None)
    return replace(
        outcome, description=tag.description, unit=tag.unit,
        min=limits[0], max=limits[1], step=limits[2],
    )  # fmt: skip


def _words(error: DriverError | TimeoutError) -> Message:
    """Say that a device did not answer, in the driver's words where it has any."""
    english = str(error) or "no answer in time"
    chinese = error.zh if isinstance(error, DriverError) else ""
    return Message(english, chinese or "设备没有应答，数值没有发出")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
