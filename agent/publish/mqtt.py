"""One MQTT connection over paho-mqtt: opened, used, ended, never used again.

paho connects and logs in, beside the loop where that blocks; then its socket is the `Stream`'s, and
no thread has to be woken for a message. paho's reconnecting and its queue are not used: what is not
acknowledged is in the store. A message is never published twice on one connection.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.clock.texts import DATES_UNCHECKED
from agent.publish.paho_client import PahoClient
from agent.publish.receipt_texts import not_subscribed
from agent.publish.refusal import (
    ConnectionRefused,
    refused_connect,
    unreachable,
)
from agent.publish.stream import LARGEST_ANSWER_BYTES, Stream
from agent.publish.tls import context_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import Client

    from agent.config.destination import Destination
    from agent.publish.beside import Beside
    from agent.telemetry.status import Message

CONNECT_TIMEOUT_S = 10.0
"""For name look-up, TCP, TLS and CONNACK together."""
DEFAULT_RECEIVE_MAXIMUM = 65_535
"""What MQTT 5 assumes when the broker says nothing. Source: MQTT 5.0, section 3.2.2.3.3."""
PUBLISH_OVERHEAD_BYTES = 10
"""What PUBLISH takes beside topic and payload: 5 of header, 2 + 2 of lengths and id, 1 for none."""
WILL_DELAY_S = 30
"""The Will waits this long, so that a short reconnect does not show as a fall of the gateway."""


_FAILURE = 0x80
"""Reason codes from here on refuse."""
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
        self.remark: Message | None = None
        """What people should know of it."""
        self.address: tuple[Any, ...] | None = None
        """Where the broker was found: the socket's address."""

    @classmethod
    async def open(
        cls,
        settings: Destination,
        *,
        client_id: str,
        password: str | None,
        will: Will,
        beside: Beside,
        on_ack: Callable[[int, int, str], None],
        dates: bool = True,
    ) -> Self:
        """Connect and wait for the broker's word.

        `on_ack(mid, reason code, its name)` is called in the loop for every PUBACK. Without `dates`
        the validity period of the broker's certificate is not looked at.

        Raises:
            ConnectionRefused: with what to do, in both languages.
        """
        client = _client(settings, client_id, password, will)
        if settings.url.startswith("mqtts:"):
            client.tls_set_context(context_of(settings.tls, dates=dates))
        url = urlsplit(settings.url)
        port = url.port or (8883 if url.scheme == "mqtts" else 1883)
        v5 = settings.protocol == "mqtt5"
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await beside.run(
                    lambda: client.connect(
                        url.hostname or "", port, settings.keepalive_s, **_session(v5)
                    ),
                    too_late=lambda: _hang_up(client),
                )
                limits = await _logged_in(client)
            keepalive_s = getattr(limits, "ServerKeepAlive", 0) or settings.keepalive_s
            sock = _socket_of(client)
            _tune(sock, keepalive_s)
            address = sock.getpeername()
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
        connection = cls(client, stream, limits)
        connection.remark = None if dates else DATES_UNCHECKED
        connection.address = address
        return connection

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Send one message at QoS 1; give its id, or None if the connection is gone."""
        return self._stream.publish(topic, payload, retain=retain)

    def payload_limit(self, topic: str) -> int:
        """Give the most bytes of payload that the broker takes under a topic."""
        most = self.maximum_packet_bytes
        return sys.maxsize if most is None else most - len(topic.encode()) - PUBLISH_OVERHEAD_BYTES

    @property
    def ended_with(self) -> int | None:
        """Reason code with which the broker ended the connection; None where it gave none."""
        return self._stream.reason_code

    async def listen(self, topic: str, on_message: Callable[[bytes], None]) -> None:
        """Subscribe to one topic.

        Raises:
            ConnectionRefused: the broker does not let us, or hung up.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                code = await self._stream.subscribe(topic, on_message)
        except (OSError, TimeoutError) as error:
            raise unreachable(topic, error) from error
        if code >= _FAILURE:
            raise ConnectionRefused(not_subscribed(topic, code))

    def end(self, reason: str) -> None:
        """Have the connection end, and `closed` say why."""
        self._stream.end(reason)

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

    def read() -> None:
        client.loop_read()
        if client._in_packet["remaining_length"] > LARGEST_ANSWER_BYTES and not answer.done():  # noqa: SLF001 - paho has no limit of its own
            answer.set_exception(refused_connect(0, "its answer is no MQTT"))

    client.on_socket_close = on_socket_close
    loop.add_reader(descriptor, read)
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
    except (KeyError, ValueError):  # unknown, or not of this packet: brokers give such
        return f"reason {code:#04x}"


def _client(settings: Destination, client_id: str, password: str | None, will: Will) -> Client:
    v5 = settings.protocol == "mqtt5"
    client = PahoClient(
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
    properties = None
    if v5:
        properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
        properties.WillDelayInterval = WILL_DELAY_S
    client.will_set(will.topic, will.payload, qos=1, retain=True, properties=properties)
    return client


def _session(v5: bool) -> dict[str, Any]:  # noqa: FBT001 - private, one caller
    """Keep the session as long as the Will is delayed: its end would send the Will at once.

    Source: MQTT 5.0, section 3.1.3.2.2. The session holds nothing of worth: receipts come at QoS 0.
    """
    if not v5:
        return {}
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = WILL_DELAY_S
    properties.MaximumPacketSize = LARGEST_ANSWER_BYTES
    return {"clean_start": False, "properties": properties}


__all__ = ["Connection", "ConnectionRefused", "Will"]
