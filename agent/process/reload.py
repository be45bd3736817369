"""Reading the configuration again while the agent runs: what changed, and what follows from it.

Guarantees: a file with an error changes nothing, and its errors are told; only lines with a device
that came, went or changed begin anew; what cannot be changed without a restart stays as it is and
is told device by device. What the platform was told of a device (points, groups, names) holds for
as long as the program runs, so a device is changed on the way only where none of that changes. The
ledger is taken over as a whole or not at all: a mixture of two was never declared by anybody.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent.config.apart import ReaderError, load
from agent.config.problems import ConfigError
from agent.publish.announce import device_content
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from agent.config.destination import Destination
    from agent.config.model import AgentConfig
    from agent.config.plan import DevicePlan, Loaded
    from agent.telemetry.notify import Notifier

GONE = Message(en="removed or disabled", zh="已删除或停用")
TOLD = Message(en="its points, groups or names", zh="点位、分组或名称有变")
COUNTED = Message(en="how its states and parts are counted", zh="状态或产量的统计方式有变")
WRITES = Message(en="it has points that may be written", zh="含可写点位")
OTHER_ENTERPRISE = Message(en="enterprise.id is in every topic", zh="主题中含 enterprise.id")
LONGER = Message(
    en="a longer rate.period_days needs days no longer in memory",
    zh="rate.period_days 加长，所需的历史数据不在内存中",
)
_MOST_NAMED = 8
LEDGER = ("enterprise", "locations", "processes", "equipment")
"""Sections that are the ledger; all of them change at once."""
_ON_THE_WAY = frozenset({"devices", "publish", "rate", *LEDGER})
"""Sections that are compared piece by piece."""

_log = logging.getLogger("chulian.reload")


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between what runs and what the file says."""

    devices: tuple[DevicePlan, ...]
    """Devices that can go on by a new plan at once, and such as have come."""
    gone: tuple[str, ...]
    """Devices that are no longer there."""
    running: tuple[DevicePlan, ...]
    """Every device as it will run."""
    publish: tuple[tuple[Destination, ...], Mapping[str, str]] | None
    """The destinations and their passwords, where they have changed."""
    ledger: Mapping[str, Any]
    """Sections of ledger and rate as they are from now on, by name; empty where as before."""
    restart: tuple[tuple[str, Message | None], ...]
    """What needs a restart: sections of the file, and devices with the reason."""

    def __bool__(self) -> bool:
        """Whether anything can change at once."""
        return bool(self.devices or self.gone or self.publish or self.ledger)

    @property
    def names(self) -> str:
        """What changes at once."""
        told = [*(plan.id for plan in self.devices), *self.gone]
        return ", ".join([*told, *["publish"] * (self.publish is not None), *self.ledger])

    @property
    def steps(self) -> tuple[Changes, ...]:
        """The changes one after another: should the second fail, the first is in force."""
        none = replace(self, devices=(), gone=(), publish=None, ledger={})
        parts = (
            replace(none, devices=self.devices, gone=self.gone),
            replace(none, publish=self.publish),
            replace(none, ledger=self.ledger),
        )
        return tuple(part for part in parts if part)


def compare(
    running: Loaded, wanted: Loaded, *, known: Mapping[str, DevicePlan] | None = None
) -> Changes:
    """Find what changed; sections first, then devices in the order of the file.

    `known` holds every device that ran since the start.
    """
    restart: list[tuple[str, Message | None]] = [
        (name, None)
        for name in type(wanted.config).model_fields
        if name not in _ON_THE_WAY and getattr(running.config, name) != getattr(wanted.config, name)
    ]
    declared, waits = _ledger(running.config, wanted.config)
    restart += waits
    sending = wanted.config.publish, wanted.secrets
    old = {plan.id: plan for plan in running.devices}
    before = {**(known or {}), **old}
    devices: list[DevicePlan] = []
    will_run: list[DevicePlan] = []
    for plan in wanted.devices:
        reason = _reason(before.get(plan.id), plan, runs=plan.id in old)
        if reason is not None:
            restart.append((plan.id, reason))
            will_run += [old[plan.id]] if plan.id in old else []
            continue
        will_run.append(plan)
        if plan.id not in old or not _same(old[plan.id], plan):
            devices.append(plan)
    kept = {plan.id for plan in wanted.devices}
    gone = [plan for plan in running.devices if plan.id not in kept]
    for plan in (plan for plan in gone if _writes(plan)):
        restart.append((plan.id, GONE))
        will_run.append(plan)
    return Changes(
        tuple(devices),
        tuple(plan.id for plan in gone if not _writes(plan)),
        tuple(will_run),
        None if sending == (running.config.publish, running.secrets) else sending,
        declared,
        tuple(restart),
    )


class Reloader:
    """Reads the file again when asked to; `run` is its life."""

    def __init__(
        self,
        running: Loaded,
        *,
        notifier: Notifier,
        apply: Callable[[Changes], Coroutine[None, None, None]],
    ) -> None:
        """Take what runs, whom to tell, and how changes are put in force."""
        self._running = running
        self._known = {plan.id: plan for plan in running.devices}
        self._notifier = notifier
        self._apply = apply
        self._asked = asyncio.Event()
        self._waiting: list[asyncio.Future[tuple[Message, ...]]] = []
        self.remarks: tuple[Message, ...] = ()
        """What of the file is not in force and why; empty when all of it is."""

    def ask(self) -> None:
        """Have the file read again, soon."""
        self._asked.set()

    async def renew(self) -> tuple[Message, ...]:
        """Have the file read again and put in force; give what of it is not in force and why.

        Whoever waits may be cancelled: the work goes on. Where `run` has ended, so is this.
        """
        done: asyncio.Future[tuple[Message, ...]] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self.ask()
        return await done

    async def run(self) -> None:
        """Wait to be asked, until cancelled."""
        try:
            while True:
                await self._asked.wait()
                self._asked.clear()
                told = self._waiting.copy()  # who comes while the file is read has it read again
                self._notifier.reloading()
                self.remarks = await self._reload()
                for remark in self.remarks:
                    _log.warning("%s", remark.en)
                self._notifier.ready()
                for one in told:
                    self._waiting.remove(one)
                    if not one.done():
                        one.set_result(self.remarks)
        finally:
            for one in self._waiting:
                one.cancel()

    async def _reload(self) -> tuple[Message, ...]:
        try:
            wanted = await asyncio.to_thread(load, self._running.path)
        except ConfigError as error:
            return (_refused(error),)
        except ReaderError as error:
            return (error.message,)
        changes = compare(self._running, wanted, known=self._known)
        for step in changes.steps:
            try:
                await self._apply(step)
            except TimeoutError:
                return (_held(step.names),)
            self._note(step)
        _log.info("configuration read again; begun anew: %s", changes.names or "nothing")
        return (_needs_restart(changes),) if changes.restart else ()

    def _note(self, done: Changes) -> None:
        """Take what has changed as what runs."""
        self._running = replace(self._running, devices=done.running)
        self._known |= {plan.id: plan for plan in done.running}
        if done.ledger:
            config = self._running.config.model_copy(update=dict(done.ledger))
            self._running = replace(self._running, config=config)
        if done.publish is not None:
            publish, secrets = done.publish
            config = self._running.config.model_copy(update={"publish": publish})
            self._running = replace(self._running, config=config, secrets=secrets)


def _ledger(
    running: AgentConfig, wanted: AgentConfig
) -> tuple[dict[str, Any], list[tuple[str, Message | None]]]:
    """Give the sections of ledger and rate that change at once, and those that need a restart."""
    changed = {
        name: getattr(wanted, name)
        for name in (*LEDGER, "rate")
        if getattr(wanted, name) != getattr(running, name)
    }
    waits: list[tuple[str, Message | None]] = []
    if wanted.enterprise.id != running.enterprise.id:
        waits += [
            (name, OTHER_ENTERPRISE) for name in LEDGER if changed.pop(name, None) is not None
        ]
    if wanted.rate.period_days > running.rate.period_days:
        waits.append(("rate", LONGER))
        del changed["rate"]
    return changed, waits


def _reason(old: DevicePlan | None, new: DevicePlan, *, runs: bool) -> Message | None:
    """Give why a device cannot be changed on the way; None where it can, or did not change.

    `old` is how it runs, or last ran; one that was never there, None.
    """
    if old is not None and runs and _same(old, new):
        return None
    if old is not None and (
        old.entry.driver != new.entry.driver or device_content(old) != device_content(new)
    ):
        return TOLD
    if old is not None and _counted(old) != _counted(new):
        return COUNTED
    return WRITES if _writes(new) or (old is not None and _writes(old)) else None


def _writes(plan: DevicePlan) -> bool:
    return any(tag.write is not None for group in plan.groups for tag in group.tags)


def _counted(plan: DevicePlan) -> tuple[object, ...]:
    return plan.entry.states, plan.entry.oee


def _same(old: DevicePlan, new: DevicePlan) -> bool:
    return _facts(old) == _facts(new)


def _facts(plan: DevicePlan) -> tuple[object, ...]:
    groups = [(group.name, group.settings, group.tags) for group in plan.groups]
    return plan.entry, plan.config, plan.link, groups


def _refused(error: ConfigError) -> Message:
    """Say that the file is not taken, with its first error."""
    errors = [one for one in error.problems if one.is_error]
    first, more = errors[0], len(errors) - 1
    where = f"{first.location}: {first.code} {first.where}".rstrip()
    return Message(
        f"The configuration was not reloaded, the one before stays in force. {where}: "
        f"{first.message.en}{f' (and {more} more errors)' if more else ''}. "
        "See all of them: chulian check.",
        f"新配置有错误，未生效，继续按原配置运行。{where}：{first.message.zh}"
        f"{f'（另有 {more} 个错误）' if more else ''}。可用 chulian check 查看全部错误。",
    )


def _held(names: str) -> Message:
    return Message(
        f"Not in force: {names}. A connection could not be closed, or the disk takes nothing; all "
        "else goes on as before. See to the disk, then restart the agent.",
        f"以下修改未生效，其余照常：{names}。连接无法关闭或磁盘无法写入，请检查磁盘后重启程序。",
    )


def _needs_restart(changes: Changes) -> Message:
    """Name what is in force only after a restart."""
    named = changes.restart[:_MOST_NAMED]
    more = len(changes.restart) - len(named)
    en = ", ".join(f"{name} ({why.en})" if why else name for name, why in named)
    zh = "、".join(f"{name}（{why.zh}）" if why else name for name, why in named)
    return Message(
        f"Changed in the file and in force only after a restart: {en}"
        f"{f' and {more} more' if more else ''}.",
        f"以下修改需重启采集程序后才生效：{zh}{f' 等 {len(changes.restart)} 项' if more else ''}。",
    )
