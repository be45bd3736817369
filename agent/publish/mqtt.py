"""One MQTT connection over paho-mqtt: opened, used, ended, never used again.

paho's thread only hands events to the loop. paho's own reconnecting and its queue are not used:
what is not acknowledged is in the store. A message is never published twice on one connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.publish.refusal import (
    ConnectionRefused,
    refused_connect,
    unreachable,
    unusable_certificates,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config.model import Destination

CONNECT_TIMEOUT_S = 10.0
"""For name look-up, TCP, TLS and CONNACK together."""
DEFAULT_RECEIVE_MAXIMUM = 65_535
"""What MQTT 5 assumes when the broker says nothing. Source: MQTT 5.0, section 3.2.2.3.3."""
PUBLISH_OVERHEAD_BYTES = 10
"""What PUBLISH takes beside topic and payload: 5 of header, 2 + 2 of lengths and id, 1 for none."""
WILL_DELAY_S = 30
"""The Will waits this long, so that a short reconnect does not show as a fall of the gateway."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes when we vanish."""

    topic: str
    payload: bytes


class Connection:
    """An established connection; `closed` is done, with the reason, when it is over."""

    def __init__(
        self, settings: Destination, client: Client, on_ack: Callable[[int, int, str], None]
    ) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._on_ack = on_ack
        self._acknowledged: asyncio.Future[Any] = self._loop.create_future()
        self._keepalive_s = settings.keepalive_s
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self.receive_maximum = DEFAULT_RECEIVE_MAXIMUM
        """Most messages the broker takes unacknowledged."""
        self.maximum_packet_bytes: int | None = None
        """Largest packet the broker takes; None when it did not say."""

    @classmethod
    async def open(
        cls,
        settings: Destination,
        *,
        client_id: str,
        password: str | None,
        will: Will,
        on_ack: Callable[[int, int, str], None],
    ) -> Self:
        """Connect and wait for the broker's word.

        `on_ack(mid, reason code, its name)` is called in the loop for every PUBACK.

        Raises:
            ConnectionRefused: with what to do, in both languages.
        """
        client = _client(settings, client_id, password, will)
        connection = cls(settings, client, on_ack)
        connection._attach()
        url = urlsplit(settings.url)
        port = url.port or (8883 if url.scheme == "mqtts" else 1883)
        v5 = settings.protocol == "mqtt5"
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.to_thread(
                    client.connect, url.hostname or "", port, settings.keepalive_s, **_session(v5)
                )
                connection._guard_half_open()
                client.loop_start()
                flags = await connection._acknowledged
        except (OSError, TimeoutError, ValueError) as error:
            await connection.close()
            raise unreachable(settings.url, error) from error
        except BaseException:
            await connection.close()
            raise
        connection._take_limits(flags)
        return connection

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Send one message at QoS 1; give its id, or None if the connection is gone."""
        if self.closed.done():
            return None
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def payload_limit(self, topic: str) -> int:
        """Give the most bytes of payload that the broker takes under a topic."""
        most = self.maximum_packet_bytes
        return sys.maxsize if most is None else most - len(topic.encode()) - PUBLISH_OVERHEAD_BYTES

    async def close(self) -> None:
        """Say goodbye if there is somebody to say it to, and end paho's thread."""
        client = self._client
        client.on_publish = client.on_connect = None
        client.disconnect()
        await asyncio.to_thread(self._end)
        client.on_disconnect = None  # the closures hold us, and paho's sockets, alive otherwise

    def _end(self) -> None:
        sock = self._client.socket()
        thread = self._client._thread  # noqa: SLF001 - paho's loop_stop waits for acknowledgements for ever
        if thread is not None:
            thread.join(1.0)
            if thread.is_alive() and isinstance(sock, socket.socket):
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            self._client.loop_stop()
        self._client._reset_sockets()  # noqa: SLF001 - no public call closes its wake-up pair

    def _attach(self) -> None:
        client, call = self._client, self._loop.call_soon_threadsafe

        def on_connect(_c: Client, _u: Any, _f: Any, reason: Any, properties: Any) -> None:
            call(self._answered, reason, properties)

        def on_publish(_c: Client, _u: Any, mid: int, reason: Any, _p: Any) -> None:
            call(self._on_ack, mid, reason.value, str(reason))

        def on_disconnect(_c: Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
            with contextlib.suppress(RuntimeError):
                call(self._ended, str(reason))

        client.on_connect = on_connect
        client.on_publish = on_publish
        client.on_disconnect = on_disconnect

    def _answered(self, reason: Any, properties: Any) -> None:
        if self._acknowledged.done():
            return
        if reason.is_failure:
            self._acknowledged.set_exception(refused_connect(reason.value, str(reason)))
        else:
            self._acknowledged.set_result(properties)

    def _ended(self, reason: str) -> None:
        if not self._acknowledged.done():
            self._acknowledged.set_exception(refused_connect(0, reason))
        if not self.closed.done():
            self.closed.set_result(reason)

    def _take_limits(self, properties: Any) -> None:
        self.receive_maximum = getattr(properties, "ReceiveMaximum", DEFAULT_RECEIVE_MAXIMUM)
        self.maximum_packet_bytes = getattr(properties, "MaximumPacketSize", None)

    def _guard_half_open(self) -> None:
        """Let the kernel give up on unacknowledged bytes instead of retrying for 15 minutes."""
        sock = self._client.socket()
        if isinstance(sock, socket.socket) and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._keepalive_s * 2 * 1000
            )


def _client(settings: Destination, client_id: str, password: str | None, will: Will) -> Client:
    v5 = settings.protocol == "mqtt5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
        clean_session=None if v5 else True,
        reconnect_on_failure=False,
    )
    client.connect_timeout = CONNECT_TIMEOUT_S
    client.max_inflight_messages_set(0)  # the window is ours
    if settings.username:
        client.username_pw_set(settings.username, password)
    if settings.url.startswith("mqtts:"):
        client.tls_set_context(_tls(settings))
    properties = None
    if v5:
        properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
        properties.WillDelayInterval = WILL_DELAY_S
    client.will_set(will.topic, will.payload, qos=1, retain=True, properties=properties)
    return client


def _session(v5: bool) -> dict[str, Any]:  # noqa: FBT001 - private, one caller
    """Keep the session as long as the Will is delayed: its end would send the Will at once.

    Source: MQTT 5.0, section 3.1.3.2.2. The session holds nothing, we subscribe to nothing.
    """
    if not v5:
        return {}
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = WILL_DELAY_S
    return {"clean_start": False, "properties": properties}


def _tls(settings: Destination) -> ssl.SSLContext:
    tls = settings.tls
    try:
        context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
        if tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        files = [str(path) for path in (tls.ca, tls.cert, tls.key) if path is not None]
        raise unusable_certificates(files, error) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


__all__ = ["Connection", "ConnectionRefused", "Will"]
