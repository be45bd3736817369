"""Puts a changed configuration in force while the agent runs: devices, destinations, ledger.

Guarantees: a row is stored under the meta message that explains it, and that message goes out
before it; lines and destinations that did not change are not touched, but for a second destination
that comes or the last but one that goes: then every connection begins anew. Nothing that waits is
given up by it. No rate is stored under the meta message of another ledger than it follows from.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from agent.kpi.evidence import CONTROL_METRICS, RULES
from agent.ledger.noting import keep_history
from agent.publish.announce import digest, meta_content

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.collect.collector import Collector
    from agent.config.model import AgentConfig
    from agent.config.plan import DevicePlan, Loaded
    from agent.indicator.keeper import Indicators
    from agent.kpi.live import LiveRate
    from agent.kpi.shop import Shop
    from agent.ledger.noting import Dated
    from agent.process.reload import Changes
    from agent.publish.destinations import Destinations
    from agent.store.sqlite import Outbox
    from agent.store.writer import Writer

STORED_S: Final = 10.0
"""Within this the store has taken what was read so far, or it takes nothing now."""
DECLARED_S: Final = 30.0
"""Within this the store has taken another ledger, or its disk hangs."""


def content_of(
    config: AgentConfig, devices: Sequence[DevicePlan], *, key: str = ""
) -> dict[str, Any]:
    """Give what the platform is told of a gateway with such devices, and its public key."""
    return meta_content(config, devices, rules=RULES, control_metrics=CONTROL_METRICS, key=key)


class Renewal:
    """The parts of a running agent that can change."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        store: tuple[Outbox, Writer],
        collector: Collector,
        destinations: Destinations,
        rate: LiveRate,
        shop: Shop,
        indicators: Indicators,
    ) -> None:
        """Take what was loaded at the start and runs by it; a new key is announced from now on."""
        self._loaded = loaded
        self.config = loaded.config
        """The ledger and settings of the rate in force; other sections as at the start."""
        self._devices = loaded.devices
        self._outbox, self._writer = store
        self._collector = collector
        self._destinations = destinations
        self._rate, self._shop, self._indicators = rate, shop, indicators
        self._declared = asyncio.Event()
        self._telling = asyncio.Lock()
        indicators.on_key = self.announce

    async def apply(self, changes: Changes) -> None:
        """Go on by what has changed.

        Raises:
            TimeoutError: a driver or a destination does not let go of its connection, or the disk
                takes nothing. What did not change, and what can, goes on as before.
        """
        if changes.devices or changes.gone:
            await self._stored()  # else no line is touched
            await self._collector.replace(
                changes.devices,
                gone=frozenset(changes.gone),
                between=lambda: self._tell(changes.running),
            )
        if changes.publish is not None:
            await self._destinations.renew(*changes.publish)
        if changes.ledger:
            async with asyncio.timeout(DECLARED_S), self._rate.turn, self._telling:
                await self._declare(self.config.model_copy(update=dict(changes.ledger)))

    async def announce(self) -> None:
        """Have the meta message sent anew if it says anything else by now, such as a first key."""
        async with self._telling:
            await self._explain(self.config)

    async def keep_history(self, clock: Dated) -> None:
        """Have the ledger in force written down, and each that follows it, until cancelled."""
        while True:
            self._declared.clear()
            await keep_history(replace(self._loaded, config=self.config), clock)
            await self._declared.wait()

    async def _stored(self) -> None:
        """Have everything read so far stored; raises as `apply` does."""
        async with asyncio.timeout(STORED_S):
            await self._writer.flush()

    async def _tell(self, devices: Sequence[DevicePlan]) -> None:
        """Have new rows stored under a meta message that knows these devices.

        The lines of those that change are down, and what they had read is stored before.
        """
        await self._stored()
        self._devices = tuple(devices)
        self._shop.join(devices)
        self._rate.renew(self.config, devices)
        await self.announce()

    async def _declare(self, config: AgentConfig) -> None:
        """Go on by another ledger, from the moment on at which the meta message tells it."""

        def go_on() -> None:
            self.config = config
            self._rate.renew(config, self._devices)
            self._indicators.renew(config)
            self._declared.set()

        await self._explain(config, go_on)

    async def _explain(self, config: AgentConfig, go_on: Callable[[], None] | None = None) -> None:
        """Have new rows stored under the meta message of a ledger, and go on by it from then."""
        content = content_of(config, self._devices, key=self._indicators.key)

        def told(version: int) -> None:
            self._destinations.explain(content, version)
            if go_on is not None:
                go_on()

        await self._writer.flush()
        await self._writer.do(lambda: self._outbox.meta_version(digest(content)), then=told)
