"""The platform stand-in: a `Receiver` behind an MQTT 5 subscription, in the caller's event loop.

Guarantees: it survives the broker's restarts (its session is kept there, it connects and subscribes
again); all state is in memory and changes in the caller's event loop only.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from simulators.mqtt.conditions import Conditions
from simulators.platform.receipts import Receipts
from simulators.platform.receiver import Receiver

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from paho.mqtt.reasoncodes import ReasonCode

    from simulators.platform.rows import Row

_SESSION_EXPIRY_S = 3600
_CONFIRM_S = 0.2
"""How often what is stored is confirmed."""
_RECONNECT_S = (1, 2)


class PlatformError(Exception):
    """The broker cannot be used; the text says why, in English and Chinese."""


class Platform:
    """`async with Platform(broker.url) as platform:` has subscribed when the block begins."""

    def __init__(
        self,
        url: str,
        *,
        topic_root: str = "hb/v1",
        tls: ssl.SSLContext | None = None,
        username: str = "",
        password: str = "",
        client_id: str = "",
        connect_timeout_s: float = 30.0,
        from_start: bool = True,
        on_row: Callable[[Row], None] | None = None,
        confirm: bool = False,
        patience_s: float = 2.0,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.receiver = Receiver(topic_root, from_start=from_start, on_row=on_row)
        self._receipts = Receipts(self.receiver, topic_root, patience_s=patience_s)
        self._confirm = confirm
        self._confirmer: asyncio.Task[None] | None = None
        self.connects = 0
        self._host, self._port, secure = split_url(url)
        if secure and tls is None:
            raise PlatformError(f"{url} needs a TLS context / {url} 需要 TLS 配置")
        self._topic_filter = f"{topic_root}/+/+/#"
        self._timeout_s, self._clock_ms = connect_timeout_s, clock_ms
        self._conditions = Conditions()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subscribed = False
        self._refusal = ""
        self._client = self._make_client(client_id or f"platform-{uuid.uuid4().hex[:12]}")
        if secure and tls is not None:
            self._client.tls_set_context(tls)
        if username:
            self._client.username_pw_set(username, password)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho
        properties.SessionExpiryInterval = _SESSION_EXPIRY_S
        self._client.connect_async(
            self._host, self._port, 30, clean_start=False, properties=properties
        )
        self._client.loop_start()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self.until(lambda: self._subscribed or bool(self._refusal))
        except TimeoutError:
            await self._stop()
            where = f"{self._host}:{self._port}"
            raise PlatformError(f"no answer from {where} / {where} 无应答") from None
        if self._refusal:
            await self._stop()
            raise PlatformError(
                f"broker refuses: {self._refusal} / 消息服务器拒绝: {self._refusal}"
            )
        if self._confirm:
            self._confirmer = asyncio.create_task(self._confirm_for_ever())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _confirm_for_ever(self) -> None:
        while True:
            for topic, payload in self._receipts.due(time.monotonic()):
                self._client.publish(topic, payload, qos=1, retain=True)
            await asyncio.sleep(_CONFIRM_S)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that arrived makes `condition` true; bound it with a timeout."""
        await self._conditions.until(condition)

    def on_row(self, callback: Callable[[Row], None] | None) -> None:
        """Set what is called, in the event loop, with every new row from now on."""
        self.receiver.on_row(callback)

    def summary(self) -> dict[str, Any]:
        """Give everything counted as JSON values; see `Receiver.summary`."""
        return {**self.receiver.summary(self._clock_ms()), "connects": self.connects}

    async def _stop(self) -> None:
        if self._confirmer is not None:
            self._confirmer.cancel()
            await asyncio.wait([self._confirmer])
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
        left = self._client.socket()
        if left is not None:  # stopped in the middle of connecting again
            left.close()
        # paho closes its wake-up sockets when it is freed: a reference cycle would put that off
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None
        self._loop = None

    def _make_client(self, client_id: str) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        client.reconnect_delay_set(*_RECONNECT_S)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _in_loop(self, act: Callable[..., None], *arguments: object) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(act, *arguments)

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._in_loop(self._refused, str(reason))
        else:
            client.subscribe(self._topic_filter, qos=1)

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._in_loop(self._refused, f"{self._topic_filter}: {reasons[0]}")
        else:
            self._in_loop(self._ready)

    def _on_message(
        self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage
    ) -> None:
        self._in_loop(self._arrived, message.topic, message.payload, self._clock_ms())

    def _ready(self) -> None:
        self._subscribed = True
        self.connects += 1
        self._conditions.changed()

    def _refused(self, reason: str) -> None:
        self._refusal = reason
        self._conditions.changed()

    def _arrived(self, topic: str, payload: bytes, arrived_ms: int) -> None:
        self.receiver.receive(topic, payload, arrived_ms)
        self._conditions.changed()


def split_url(url: str) -> tuple[str, int, bool]:
    """Split mqtt://host:port or mqtts://host:port into host, port and whether it is TLS."""
    parts = urlsplit(url)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise PlatformError(
            f"{url!r} is not mqtt://host:port or mqtts://host:port"
            f" / {url!r} 不是 mqtt://主机:端口 或 mqtts://主机:端口"
        )
    secure = parts.scheme == "mqtts"
    return parts.hostname, parts.port or (8883 if secure else 1883), secure
