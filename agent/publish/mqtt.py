"""One MQTT connection over paho-mqtt: opened, used, ended, never used again.

paho connects and logs in, beside the loop where that blocks; then its socket is the `Stream`'s, and
no thread has to be woken for a message. paho's reconnecting and its queue are not used: what is not
acknowledged is in the store. A message is never published twice on one connection.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.publish.refusal import (
    ConnectionRefused,
    refused_connect,
    unreachable,
    unusable_certificates,
)
from agent.publish.stream import Stream

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


GOODBYE_S = 1.0
"""How long the broker may take, at the end, for what was sent to it."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes when we vanish."""

    topic: str
    payload: bytes


class Connection:
    """An established connection; `closed` is done, with the reason, when it is over."""

    def __init__(self, client: Client, stream: Stream, limits: Any) -> None:
        self._client = client
        self._stream = stream
        self.closed = stream.closed
        self.receive_maximum: int = getattr(limits, "ReceiveMaximum", DEFAULT_RECEIVE_MAXIMUM)
        """Most messages the broker takes unacknowledged."""
        self.maximum_packet_bytes: int | None = getattr(limits, "MaximumPacketSize", None)
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
        url = urlsplit(settings.url)
        port = url.port or (8883 if url.scheme == "mqtts" else 1883)
        v5 = settings.protocol == "mqtt5"
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.to_thread(
                    client.connect, url.hostname or "", port, settings.keepalive_s, **_session(v5)
                )
                limits = await _logged_in(client)
            keepalive_s = getattr(limits, "ServerKeepAlive", 0) or settings.keepalive_s
            sock = _socket_of(client)
            _tune(sock, keepalive_s)
        except (OSError, TimeoutError, ValueError) as error:
            _hang_up(client)
            raise unreachable(settings.url, error) from error
        except BaseException:
            _hang_up(client)
            raise
        stream = Stream(
            sock,
            v5=v5,
            keepalive_s=keepalive_s,
            on_ack=lambda mid, code: on_ack(mid, code, _name(PacketTypes.PUBACK, code)),
            name_of=lambda code: _name(PacketTypes.DISCONNECT, code),
        )
        return cls(client, stream, limits)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Send one message at QoS 1; give its id, or None if the connection is gone."""
        return self._stream.publish(topic, payload, retain=retain)

    def payload_limit(self, topic: str) -> int:
        """Give the most bytes of payload that the broker takes under a topic."""
        most = self.maximum_packet_bytes
        return sys.maxsize if most is None else most - len(topic.encode()) - PUBLISH_OVERHEAD_BYTES

    async def close(self) -> None:
        """Say goodbye if there is somebody to say it to, and let go of the socket."""
        try:
            await self._stream.say_goodbye(GOODBYE_S)
        finally:
            self._stream.end("closed by us")
            _hang_up(self._client)


async def _logged_in(client: Client) -> Any:
    """Wait for the broker's answer to the login; give the properties that came with it.

    Raises:
        ConnectionRefused: it does not want us, or hung up.
        OSError: the connection broke.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def on_connect(_c: Client, _u: Any, _f: Any, reason: Any, properties: Any) -> None:
        if answer.done():
            return
        if reason.is_failure:
            answer.set_exception(refused_connect(reason.value, str(reason)))
        else:
            answer.set_result(properties)

    def on_disconnect(_c: Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if not answer.done():
            answer.set_exception(refused_connect(0, str(reason)))

    client.on_connect, client.on_disconnect = on_connect, on_disconnect
    descriptor = _socket_of(client).fileno()

    def on_socket_close(_c: Client, _u: Any, _s: Any) -> None:
        loop.remove_reader(descriptor)

    client.on_socket_close = on_socket_close
    loop.add_reader(descriptor, client.loop_read)
    try:
        return await answer
    finally:  # what comes after the answer is not paho's, and the closures would hold us alive
        if client.socket() is not None:
            loop.remove_reader(descriptor)
        client.on_connect = client.on_disconnect = client.on_socket_close = None


def _tune(sock: socket.socket, keepalive_s: int) -> None:
    """Let a message leave at once, and the kernel give up on a broker that vanished.

    Without the second, unacknowledged bytes are retried for 15 minutes.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, keepalive_s * 2 * 1000)


def _socket_of(client: Client) -> socket.socket:
    """Give paho's socket; raises ConnectionResetError when it is closed already."""
    sock = client.socket()
    if not isinstance(sock, socket.socket):
        raise ConnectionResetError("the connection broke")
    return sock


def _hang_up(client: Client) -> None:
    client._reset_sockets()  # noqa: SLF001 - the only call that closes a socket at once


def _name(packet: int, code: int) -> str:
    """Give the standard's name of a reason code, or its number where it has none."""
    if code == 0:
        return "Success" if packet == PacketTypes.PUBACK else "Normal disconnection"
    try:
        return str(ReasonCode(packet, identifier=code))
    except KeyError:
        return f"reason {code:#04x}"


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
