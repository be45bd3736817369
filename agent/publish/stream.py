"""What a connection lives on after its login: PUBLISH, PUBACK, PINGREQ and DISCONNECT on a socket,
and one SUBSCRIBE where the platform answers.

These packets are on the path of every value, so they are written and read here, in the event
loop, one system call each; paho does what comes before. Guarantees that a message id is never given
twice while it is in flight, and that a packet is never cut by another. Sources: MQTT 5.0, sections
3.3, 3.4, 3.8, 3.9, 3.12 to 3.14; MQTT 3.1.1 has the same packets without properties and reasons.
"""  # noqa: D205 - one sentence

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import TYPE_CHECKING, Any

from agent.publish.framing import Malformed, packet_length, variable_length

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

PUBLISH, PUBACK, SUBACK, PINGRESP, DISCONNECT = 3, 4, 9, 13, 14
"""Types of the packets that a broker may send; the first and third only to who subscribed."""
_SUBSCRIBE = 0x82
_AT_MOST_ONCE = b"\0"
"""Options of a subscription at QoS 0: what a broker sends needs no answer of ours."""
_QOS = 0x06
_PUBLISH_AT_QOS_1 = 0x32
_RETAIN = 0x01
_PINGREQ = b"\xc0\x00"
_DISCONNECT = b"\xe0\x00"
_LARGEST_ID = 0xFFFF
READ_BYTES = 8192
LARGEST_ANSWER_BYTES = 65_536
"""More is nothing that a broker has to say to who subscribes to nothing."""
LOOKS_PER_KEEPALIVE = 4
LOOK_S = 5.0
"""How often it is looked whether a ping is due: a quarter of the keep alive, at most this."""


class Stream:
    """Both directions of one connection; `closed` is done, with the reason, when it is over."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        v5: bool,
        keepalive_s: float,
        on_ack: Callable[[int, int], None],
        name_of: Callable[[int], str],
    ) -> None:
        """Take a socket over on which the login is done.

        `on_ack(message id, reason code)` is called for every PUBACK, `name_of(reason code)` when
        the broker ends the connection.
        """
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._descriptor = sock.fileno()
        self._v5 = v5
        self._keepalive_s = keepalive_s
        self._on_ack = on_ack
        self._name_of = name_of
        self._topics: dict[str, bytes] = {}
        self._in_flight: set[int] = set()
        self._last_id = 0
        self._unsent: deque[memoryview] = deque()
        self._received = b""
        self._sent_s = self._heard_s = self._loop.time()
        self._pinged_s: float | None = None
        self._look: asyncio.TimerHandle | None = None
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self.reason_code: int | None = None
        """Why the broker ended the connection, where it said so."""
        self._inbox: tuple[bytes, Callable[[bytes], None]] | None = None
        self._subscribed: asyncio.Future[int] | None = None
        self._subscription_id = 0
        self._loop.add_reader(self._descriptor, self._readable)
        if _decrypted(sock):
            self._loop.call_soon(self._readable)
        self._keep_alive()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Send a message at QoS 1; give its id, or None if the connection is over."""
        if self.closed.done():
            return None
        mid = self._next_id()
        place = self._topics.get(topic)
        if place is None:
            text = topic.encode()
            place = self._topics[topic] = len(text).to_bytes(2, "big") + text
        properties = b"\0" if self._v5 else b""
        size = len(place) + 2 + len(properties) + len(payload)
        head = bytes((_PUBLISH_AT_QOS_1 | (_RETAIN if retain else 0),)) + variable_length(size)
        self._in_flight.add(mid)
        self._write(b"".join((head, place, mid.to_bytes(2, "big"), properties, payload)))
        return None if self.closed.done() else mid

    async def subscribe(self, topic: str, on_message: Callable[[bytes], None]) -> int:
        """Ask for one topic at QoS 0, once; give the broker's answer, a failure from 0x80 on.

        `on_message(payload)` is called for every message. Bound it with a timeout.

        Raises:
            ConnectionResetError: the connection ended before the answer.
        """
        text = topic.encode()
        place = len(text).to_bytes(2, "big") + text
        self._inbox = place, on_message
        self._subscribed = self._loop.create_future()
        mid = self._subscription_id = self._next_id()
        self._in_flight.add(mid)
        body = mid.to_bytes(2, "big") + (b"\0" if self._v5 else b"") + place + _AT_MOST_ONCE
        self._write(bytes((_SUBSCRIBE,)) + variable_length(len(body)) + body)
        ends: list[asyncio.Future[Any]] = [self._subscribed, self.closed]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not self._subscribed.done():
            raise ConnectionResetError(self.closed.result())
        return self._subscribed.result()

    async def say_goodbye(self, grace_s: float) -> None:
        """Send DISCONNECT behind what was published; give the broker so long to take all of it.

        It hangs up when it has. Closing before that could destroy what is still on its way.
        """
        if not self.closed.done():
            self._write(_DISCONNECT)
        await asyncio.wait([self.closed], timeout=grace_s)
        self.end("closed by us")

    def end(self, reason: str) -> None:
        """Leave the socket alone from now on; closing it is the owner's."""
        if self.closed.done():
            return
        self.closed.set_result(reason)
        self._unsent.clear()
        if self._look is not None:
            self._look.cancel()
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)

    # -- writing ---------------------------------------------------------------------------------

    def _next_id(self) -> int:
        """Give an id that is not in flight; there are more ids than messages in any window."""
        mid = self._last_id
        while True:
            mid = mid + 1 if mid < _LARGEST_ID else 1
            if mid not in self._in_flight:
                self._last_id = mid
                return mid

    def _write(self, packet: bytes) -> None:
        self._sent_s = self._loop.time()
        if self._unsent:
            self._unsent.append(memoryview(packet))
            return
        sent = self._send(packet)
        if sent < len(packet) and not self.closed.done():
            self._unsent.append(memoryview(packet)[sent:])
            self._loop.add_writer(self._descriptor, self._writable)

    def _send(self, data: bytes | memoryview) -> int:
        """Hand bytes to the socket; tell how many it took."""
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except OSError as error:
            self.end(f"the connection broke: {error}")
            return 0

    def _writable(self) -> None:
        """Write on where the socket was full."""
        while self._unsent:
            first = self._unsent[0]
            sent = self._send(first)
            if self.closed.done():
                return
            if sent < len(first):
                self._unsent[0] = first[sent:]
                return
            self._unsent.popleft()
        self._loop.remove_writer(self._descriptor)

    # -- reading ---------------------------------------------------------------------------------

    def _readable(self) -> None:
        """Take what has come, whole packets only; acknowledgements may publish in their turn."""
        if self.closed.done():
            return
        try:
            data = self._sock.recv(READ_BYTES)
            while _decrypted(self._sock):
                data += self._sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            self.end(f"the connection broke: {error}")
            return
        if not data:
            self.end("the broker closed the connection")
            return
        self._heard_s, self._pinged_s = self._loop.time(), None
        self._received += data
        try:
            packets = list(self._whole_packets())
        except Malformed as error:
            self.end(str(error))
            return
        for kind, body in packets:
            self._take(kind, body)

    def _whole_packets(self) -> Iterator[tuple[int, bytes]]:
        """Cut first byte and body of each complete packet off what was received.

        Raises:
            Malformed: it is no MQTT, or longer than anything a broker has to say to us.
        """
        data, at = self._received, 0
        while (length := packet_length(data, at)) is not None:
            start, size = length
            if size > LARGEST_ANSWER_BYTES:
                raise Malformed(f"a packet of {size} bytes that nobody asked for")
            if len(data) < start + size:
                break
            yield data[at], data[start : start + size]
            at = start + size
        self._received = data[at:]

    def _take(self, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == PUBACK and len(body) >= 2:
            mid = body[0] << 8 | body[1]
            if mid in self._in_flight:
                self._in_flight.remove(mid)
                self._on_ack(mid, body[2] if len(body) > 2 else 0)
        elif kind == DISCONNECT:
            self.reason_code = body[0] if body else 0
            self.end(self._name_of(self.reason_code))
        elif kind == PUBLISH and self._inbox is not None and not head & _QOS:
            self._message(body, *self._inbox)
        elif kind == SUBACK and self._subscribed is not None and len(body) >= 3:
            self._answered(body, self._subscribed)
        elif kind != PINGRESP:
            self.end(f"a packet of type {kind} that nobody asked for")

    def _message(self, body: bytes, place: bytes, on_message: Callable[[bytes], None]) -> None:
        """Take a message of the topic asked for; anything else was not asked for."""
        at = len(place)
        try:
            length = packet_length(body, at - 1) if self._v5 else (at, 0)
        except Malformed as error:
            self.end(str(error))
            return
        if not body.startswith(place) or length is None or sum(length) > len(body):
            self.end("a message that nobody asked for")
            return
        on_message(body[sum(length) :])

    def _answered(self, body: bytes, subscribed: asyncio.Future[int]) -> None:
        if body[0] << 8 | body[1] == self._subscription_id and not subscribed.done():
            self._in_flight.discard(self._subscription_id)
            subscribed.set_result(body[-1])

    # -- keeping alive ---------------------------------------------------------------------------

    def _keep_alive(self) -> None:
        """Ping where nothing was sent or heard for a while; end what does not answer."""
        now_s = self._loop.time()
        pause_s = min(self._keepalive_s / LOOKS_PER_KEEPALIVE, LOOK_S)
        if self._pinged_s is not None and now_s - self._pinged_s >= self._keepalive_s:
            self.end("the broker does not answer any more")
            return
        # the broker must hear of us within the keep alive: the next look would be too late
        quiet_s = now_s - min(self._sent_s, self._heard_s)
        if self._pinged_s is None and quiet_s >= self._keepalive_s - pause_s:
            self._pinged_s = now_s
            self._write(_PINGREQ)
        self._look = self._loop.call_later(pause_s, self._keep_alive)


def _decrypted(sock: socket.socket) -> bool:
    """Tell whether bytes wait inside TLS, of which no event of the loop will tell."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
