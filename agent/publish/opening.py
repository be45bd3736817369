"""Opens connections to one destination, in full distrust or, where only our clock is to blame,
without looking at dates.
"""  # noqa: D205 - one sentence

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agent.clock.clock import FREE
from agent.clock.texts import DATES_UNCHECKED
from agent.publish.beside import Beside
from agent.publish.mqtt import Connection, ConnectionRefused, Will
from agent.publish.tls import is_private, only_dates

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config.destination import Destination

_log = logging.getLogger("chulian.publish")


class Opener:
    """Everything that stays the same from one connection to the next."""

    def __init__(
        self,
        settings: Destination,
        *,
        client_id: str,
        password: str | None,
        clock: Callable[[], str],
        on_ack: Callable[[int, int, str], None],
    ) -> None:
        self._settings = settings
        self._client_id = settings.client_id or client_id
        self._password = password
        self._clock = clock
        self._on_ack = on_ack
        self._beside = Beside()

    async def open(self, will: Will) -> Connection:
        """Connect.

        Raises:
            ConnectionRefused: with what to do, in both languages.
        """
        try:
            return await self._open(will, dates=True)
        except ConnectionRefused as refused:
            private = only_dates(refused.__cause__) and is_private(self._settings.tls.ca)
            if not private or self._clock() != FREE:
                raise
        connection = await self._open(will, dates=False)
        _log.warning("%s: %s", self._settings.url, DATES_UNCHECKED.en)
        return connection

    async def _open(self, will: Will, *, dates: bool) -> Connection:
        return await Connection.open(
            self._settings,
            client_id=self._client_id,
            password=self._password,
            will=will,
            beside=self._beside,
            on_ack=self._on_ack,
            dates=dates,
        )
