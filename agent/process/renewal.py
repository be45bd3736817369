"""Puts a changed configuration in force while the agent runs: devices and destinations.

Guarantees: a row is stored under the meta message that explains it, and that message goes out
before it; lines and destinations that did not change are not touched, but for a second destination
that comes or the last but one that goes: then every connection begins anew. Nothing that waits is
given up by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.kpi.evidence import CONTROL_METRICS, RULES
from agent.publish.announce import digest, meta_content

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.collect.collector import Collector
    from agent.config.model import AgentConfig
    from agent.config.plan import DevicePlan
    from agent.process.reload import Changes
    from agent.publish.destinations import Destinations
    from agent.store.sqlite import Outbox
    from agent.store.writer import Writer


def content_of(
    config: AgentConfig, devices: Sequence[DevicePlan], *, key: str = ""
) -> dict[str, Any]:
    """Give what the platform is told of a gateway with such devices, and its public key."""
    return meta_content(config, devices, rules=RULES, control_metrics=CONTROL_METRICS, key=key)


class Renewal:
    """The parts of a running agent that can change."""

    def __init__(
        self,
        config: AgentConfig,
        *,
        store: tuple[Outbox, Writer],
        collector: Collector,
        destinations: Destinations,
        devices: Sequence[DevicePlan],
        key: Callable[[], str] = str,
        join: Callable[[Sequence[DevicePlan]], None] = lambda _devices: None,
    ) -> None:
        self._config, self._key, self._join = config, key, join
        self._devices = tuple(devices)
        self._outbox, self._writer = store
        self._collector = collector
        self._destinations = destinations

    async def apply(self, changes: Changes) -> None:
        """Go on by what has changed.

        Raises:
            TimeoutError: a driver or a destination does not let go of its connection.
        """
        if changes.devices or changes.gone:
            await self._collector.replace(
                changes.devices,
                gone=frozenset(changes.gone),
                between=lambda: self._tell(changes.running),
            )
        if changes.publish is not None:
            await self._destinations.renew(*changes.publish)

    async def _tell(self, devices: Sequence[DevicePlan]) -> None:
        """Have new rows stored under a meta message that knows these devices.

        The lines of those that change are down, and what they had read is stored before.
        """
        self._devices = tuple(devices)
        self._join(devices)
        await self.announce()

    async def announce(self) -> None:
        """Have the meta message sent anew if it says anything else by now, such as a first key."""
        content = content_of(self._config, self._devices, key=self._key())
        await self._writer.flush()
        await self._writer.do(
            lambda: self._outbox.meta_version(digest(content)),
            then=lambda version: self._destinations.explain(content, version),
        )
