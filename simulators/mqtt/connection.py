"""One client's connection: bytes in, packets handled at once, bytes out.

Guarantees: nothing a client sends ends in another error than a DISCONNECT and a close; a client
that sends no CONNECT, falls silent, sends too much unacknowledged or too large a packet is
disconnected with the reason MQTT 5 has for it. Nothing is awaited: the event loop's buffer of a
client that does not read is bounded by `writable`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from simulators.mqtt.answers import check_publish, connack_code, granted
from simulators.mqtt.decode import Framer, decode
from simulators.mqtt.encode import encode
from simulators.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Version,
)
from simulators.mqtt.wire import MqttError, Property, Reason, number_property

if TYPE_CHECKING:
    from simulators.mqtt.broker import Broker
    from simulators.mqtt.session import Session
    from simulators.mqtt.wire import Properties

_CONNECT_BYTE: Final = 0x10
"""Whoever begins otherwise speaks another protocol, and might wait for ever."""
_CONNECT_WITHIN_S: Final = 10.0
_CLOSE_WITHIN_S: Final = 2.0
"""A peer that does not read its goodbye is cut off after this."""
_KEEPALIVE_FACTOR: Final = 1.5


class Connection(asyncio.Protocol):
    """What stands between a socket and a session."""

    def __init__(self, broker: Broker) -> None:
        self.session: Session | None = None
        self.version = Version.V311
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._framer = Framer(broker.limits.max_packet_bytes)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = True
        self._closing = False
        self._began = False
        self._silence_s = 0.0
        self._heard_s = 0.0
        self._unacked: set[int] = set()
        self._held: dict[int, int] = {}
        self._receive_maximum = 65_535
        self._client_max_bytes = 0

    @property
    def writable(self) -> bool:
        """Whether the socket takes more now."""
        return self._writable and not self._closing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to wait for CONNECT."""
        self._transport = cast("asyncio.Transport", transport)
        self._allow_silence(_CONNECT_WITHIN_S)
        self._broker.opened(self)

    def data_received(self, data: bytes) -> None:
        """Handle every packet that is complete."""
        if self.session is not None:
            self._heard_s = self._loop.time()
        elif not self._began and data[0] != _CONNECT_BYTE:
            self.abort()
            return
        self._began = True
        self._framer.max_bytes = self._broker.limits.max_packet_bytes
        try:
            for first, body in self._framer.feed(data):
                if self._closing:
                    return
                self._handle(decode(first, body, self.version))
        except MqttError as error:
            self._broker.stats.protocol_errors += 1
            self._fail(error)
        self._broker.changed()

    def pause_writing(self) -> None:
        """Hold the queue: the client does not read."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on with the queue."""
        self._writable = True
        if self.session is not None and self.session.link is self:
            self.session.pump()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Leave the session, with its Will unless the client said goodbye."""
        self._closing = True
        self._cancel_timer()
        self._broker.closed(self)

    def deliver(self, message: Publish) -> bool:
        """Send a message; False when it is larger than the client takes."""
        data = encode(message, self.version)
        if self._client_max_bytes and len(data) > self._client_max_bytes:
            return False
        self.write(data)
        return True

    def write(self, data: bytes) -> None:
        """Put bytes on the wire as they are."""
        if self._transport is None or self._closing:
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._broker.limits.queued_bytes:
            self.abort()

    def end(self, reason: int, text: str = "") -> None:
        """Say goodbye with a reason (MQTT 5) and close."""
        if self.version is Version.V5 and self.session is not None:
            said = {Property.REASON_STRING: text} if text else {}
            self.write(encode(Disconnect(reason, said), self.version))
        self._close()

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    def freeze(self, *, frozen: bool) -> None:
        """Stop to read, or go on; a frozen client is not held to its keep alive."""
        if self._transport is None or self._closing:
            return
        if frozen:
            self._transport.pause_reading()
        else:
            self._heard_s = self._loop.time()
            self._transport.resume_reading()

    def release_pubacks(self) -> None:
        """Send every PUBACK that was held back."""
        held, self._held = self._held, {}
        for packet_id, reason in held.items():
            self._send_puback(packet_id, reason)

    def _handle(self, packet: Packet) -> None:
        session = self.session
        if session is None:
            if not isinstance(packet, Connect):
                raise MqttError(Reason.PROTOCOL_ERROR, "the first packet must be CONNECT")
            self._connect(packet)
            return
        match packet:
            case Publish():
                self._publish(packet, session)
            case Puback():
                session.acked(packet.packet_id)
            case Subscribe():
                self._subscribe(packet, session)
            case Unsubscribe():
                found = [session.unsubscribe(item) for item in packet.topic_filters]
                reasons = tuple(0 if there else Reason.NO_SUBSCRIPTION_EXISTED for there in found)
                self.write(encode(Unsuback(packet.packet_id, reasons), self.version))
            case Pingreq():
                self.write(encode(Pingresp(), self.version))
            case Disconnect():
                self._goodbye(packet, session)
            case _:
                kind = type(packet).__name__.upper()
                raise MqttError(Reason.PROTOCOL_ERROR, f"a client may not send {kind} now")

    def _connect(self, packet: Connect) -> None:
        self.version = packet.version
        refusal = self._broker.refusal(packet)
        if refusal is not None:
            self._broker.stats.refused += 1
            code = connack_code(refusal, self.version)
            self.write(encode(Connack(code), self.version))
            self._close()
            return
        limits = self._broker.limits
        self._receive_maximum = limits.receive_maximum if self.version is Version.V5 else 65_535
        self._client_max_bytes = number_property(
            packet.properties, Property.MAXIMUM_PACKET_BYTES, 0
        )
        self._broker.stats.connects += 1
        self.session, present = self._broker.router.attach(self, packet)
        self._allow_silence(packet.keepalive_s * _KEEPALIVE_FACTOR)
        announced: Properties = {
            Property.MAXIMUM_QOS: 1,
            Property.RECEIVE_MAXIMUM: limits.receive_maximum,
            Property.MAXIMUM_PACKET_BYTES: limits.max_packet_bytes,
            Property.SUBSCRIPTION_ID_AVAILABLE: 0,
            Property.SHARED_AVAILABLE: 0,
            **({} if packet.client_id else {Property.ASSIGNED_CLIENT_ID: self.session.client_id}),
        }
        self.write(encode(Connack(Reason.SUCCESS, present, announced), self.version))
        maximum = number_property(packet.properties, Property.RECEIVE_MAXIMUM, 65_535)
        self.session.resume(self, receive_maximum=maximum)

    def _publish(self, packet: Publish, session: Session) -> None:
        check_publish(packet)
        repeated = packet.packet_id in self._unacked
        if packet.qos and not repeated and len(self._unacked) >= self._receive_maximum:
            text = f"more than {self._receive_maximum} messages without PUBACK"
            raise MqttError(Reason.RECEIVE_MAXIMUM_EXCEEDED, text)
        reason = self._broker.accept(packet, session.client_id)
        if reason == Reason.QUOTA_EXCEEDED and self.version is Version.V311:
            self._broker.stats.dropped += 1
        if packet.qos:
            self._unacked.add(packet.packet_id)
            self._acknowledge(packet.packet_id, reason)

    def _acknowledge(self, packet_id: int, reason: int) -> None:
        faults = self._broker.faults
        if faults.drops_next_puback():
            return
        if faults.stall_pubacks:
            self._held[packet_id] = reason
        elif faults.puback_delay_s:
            self._loop.call_later(faults.puback_delay_s, self._send_puback, packet_id, reason)
        else:
            self._send_puback(packet_id, reason)

    def _send_puback(self, packet_id: int, reason: int) -> None:
        self._unacked.discard(packet_id)
        data = encode(Puback(packet_id, reason), self.version)
        self.write(data * 2 if self._broker.faults.double_pubacks else data)
        self._broker.stats.acknowledged += 1
        self._broker.changed()

    def _subscribe(self, packet: Subscribe, session: Session) -> None:
        if Property.SUBSCRIPTION_ID in packet.properties:
            text = "this broker takes no subscription identifiers"
            raise MqttError(Reason.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, text)
        reasons = tuple(granted(item, self.version) for item in packet.subscriptions)
        taken = [
            (item, session.subscribe(item))
            for item, reason in zip(packet.subscriptions, reasons, strict=True)
            if reason < Reason.UNSPECIFIED_ERROR
        ]
        self._broker.router.subscribed(session)
        self.write(encode(Suback(packet.packet_id, reasons), self.version))
        for item, new in taken:
            if item.retain_handling == 0 or (item.retain_handling == 1 and new):
                self._broker.router.send_retained(session, item)

    def _goodbye(self, packet: Disconnect, session: Session) -> None:
        if packet.reason != Reason.DISCONNECT_WITH_WILL:
            session.will = None
        session.expiry_s = number_property(
            packet.properties, Property.SESSION_EXPIRY_S, session.expiry_s
        )
        self._close()

    def _allow_silence(self, seconds: float) -> None:
        self._cancel_timer()
        self._silence_s, self._heard_s = seconds, self._loop.time()
        if seconds:
            self._timer = self._loop.call_later(seconds, self._check_alive)

    def _check_alive(self) -> None:
        if self._broker.frozen:
            self._heard_s = self._loop.time()
        left_s = self._heard_s + self._silence_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._check_alive)
        else:
            self.end(Reason.KEEP_ALIVE_TIMEOUT, f"nothing heard for {self._silence_s:g} s")

    def _fail(self, error: MqttError) -> None:
        if error.reason is Reason.UNSUPPORTED_PROTOCOL_VERSION:
            refused = Connack(connack_code(error.reason, Version.V311))
            self.write(encode(refused, Version.V311))
        self.end(error.reason, str(error))

    def _close(self) -> None:
        if self._closing or self._transport is None:
            return
        self._closing = True
        self._cancel_timer()
        self._transport.close()
        self._timer = self._loop.call_later(_CLOSE_WITHIN_S, self._transport.abort)

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
