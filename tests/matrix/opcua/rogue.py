"""An OPC UA server that breaks the rules on purpose: scripted bytes on raw sockets, no library.

It opens channels and sessions well enough to be believed, and plays one trick at one point.
`python rogue.py` prints a line of JSON, trick -> port, and serves until it is ended, in a process
of its own, so that what it costs is not counted as ours. Its arguments are certificates in hex.
"""

from __future__ import annotations

import itertools
import json
import socket
import struct
import sys
import threading
import time

CHANNEL, TOKEN = 7, 3
NOTHING = struct.pack("<i", -1)
FOREVER = 10_000_000

OPEN, ENDPOINTS, CREATE, ACTIVATE, READ = 446, 428, 461, 467, 631
SUBSCRIBE, MONITOR, PUBLISH = 787, 751, 826
ANSWERS = {
    OPEN: 449, ENDPOINTS: 431, CREATE: 464, ACTIVATE: 470, READ: 634, SUBSCRIBE: 790,
    MONITOR: 754, PUBLISH: 829, 473: 476, 847: 850, 527: 530, 793: 796,
}  # fmt: skip
"""Encoding ids of requests, and of their answers."""

_COUNT_AT = 45
"""Where the nodes of a Read are counted: behind the header with a two-byte token, age and times."""
NODES = 96
"""More values than any plan here asks for."""


def text(value):
    """Encode a String or ByteString."""
    if value is None:
        return NOTHING
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<i", len(raw)) + raw


def header(kind, handle=0, status=0):
    """Encode the type and the header of an answer."""
    return b"\x01\x00" + struct.pack("<HqII", kind, 133_000_000_000_000_000, handle, status) + (
        b"\x00" + struct.pack("<i", 0) + b"\x00\x00\x00"
    )  # fmt: skip


def endpoint(*, policy="None", mode=1, certificate=None, name="rogue"):
    """Encode an EndpointDescription with an anonymous login."""
    server = text(f"urn:{name}") + text(f"urn:{name}") + b"\x02" + text(name)
    server += struct.pack("<I", 0) + NOTHING + NOTHING + struct.pack("<i", 0)
    token = struct.pack("<i", 1) + text("a") + struct.pack("<I", 0) + NOTHING * 3
    uri = text(f"http://opcfoundation.org/UA/SecurityPolicy#{policy}")
    return (
        text("opc.tcp://rogue:4840") + server + text(certificate) + struct.pack("<I", mode)
        + uri + token + NOTHING + b"\x00"
    )  # fmt: skip


def array(kind, count, content=b""):
    """Encode the head of an array variant, and what stands in for its elements."""
    return bytes([0x80 | kind]) + struct.pack("<i", count) + content


VARIANTS = {
    "null-array": array(0, 50_000_000),
    "negative-length": b"\x0c" + struct.pack("<i", -2_000_000),
    "negative-array": array(6, -9),
    "huge-length": b"\x0c" + struct.pack("<i", 2**31 - 1),
    "huge-array": array(6, 2**31 - 1),
    "nested": array(24, 1) * 100_000,
    "nested-diagnostics": b"\x19" + b"\x40" * 100_000,
    "dimensions": b"\xc6" + struct.pack("<ii", 0, 100_000) + struct.pack("<i", 1) * 100_000,
    "million-texts": array(12, 400_000, bytes(1_600_000)),
    "million-nothings": array(24, 1_900_000, bytes(1_900_000)),
    "huge-text": b"\x0c" + text(bytes(1_900_000)),
}
"""Trick -> the value of every node."""

NAMES = (
    "<script>alert(1)</script>",
    "a/+/#/b",
    "line\nbreak\x1b[31m\x00\x7f",
    "\u202eevil",
    "x" * 60_000,
)
"""What a server may call itself and its namespaces."""


USUAL = {
    ENDPOINTS: struct.pack("<i", 1) + endpoint(),
    CREATE: (
        b"\x00\x01\x00\x00" + struct.pack("<d", 60_000.0) + NOTHING * 2 + struct.pack("<i", 1)
        + endpoint() + NOTHING * 3 + bytes(4)
    ),
    ACTIVATE: NOTHING * 3,
    SUBSCRIBE: struct.pack("<IdII", 1, 100.0, 1000, 10),
}  # fmt: skip
"""Service -> what an honest server answers, behind the header."""


class Rogue:
    """One connection, and the trick that is played on it."""

    def __init__(self, peer, trick):
        self.peer = peer
        self.trick = trick
        self._numbers = itertools.count(1)
        self._published = itertools.count(1)

    # what every server does

    def serve(self):
        """Answer until the client is gone."""
        try:
            while True:
                head = self._exactly(8)
                body = self._exactly(struct.unpack_from("<I", head, 4)[0] - 8)
                self._take(head[:3], body)
        except (OSError, EOFError):
            pass
        finally:
            self.peer.close()

    def send(self, body, request, *, kind=b"MSG", size=60_000):
        """Send an answer in chunks."""
        for start in range(0, max(1, len(body)), size):
            last = start + size >= len(body)
            self.chunk(body[start : start + size], request, final=b"F" if last else b"C", kind=kind)

    def chunk(
        self, body, request, *, final=b"F", kind=b"MSG", channel=CHANNEL, token=TOKEN, number=None
    ):
        """Send one chunk."""
        number = next(self._numbers) if number is None else number
        if kind == b"OPN":
            policy = text("http://opcfoundation.org/UA/SecurityPolicy#None") + NOTHING * 2
        else:
            policy = struct.pack("<I", token)
        rest = struct.pack("<I", channel) + policy + struct.pack("<II", number, request) + body
        self.peer.sendall(kind + final + struct.pack("<I", 8 + len(rest)) + rest)

    def publish(self, body=b"", *, parts=0):
        """Encode the answer to a Publish, with the bytes of its notifications."""
        return (
            header(ANSWERS[PUBLISH]) + struct.pack("<Ii", 1, 0) + b"\x00"
            + struct.pack("<Iqi", next(self._published), 133_000_000_000_000_000, parts)
            + body + struct.pack("<ii", 0, 0)
        )  # fmt: skip

    def change(self, variant, *, items=1):
        """Encode a notification that every item has this value."""
        body = struct.pack("<i", items)
        body += b"".join(struct.pack("<I", n) + b"\x01" + variant for n in range(items)) + NOTHING
        return self.publish(b"\x01\x00" + struct.pack("<H", 811) + b"\x01" + text(body), parts=1)

    def _exactly(self, size):
        found = b""
        while len(found) < size:
            more = self.peer.recv(size - len(found))
            if not more:
                raise EOFError
            found += more
        return found

    def _take(self, kind, body):
        if kind == b"HEL":
            limit = 0 if self.trick == "flood-limits-0" else 65_536
            acknowledge = struct.pack("<IIIII", 0, limit, limit, 0, 0)
            self.peer.sendall(b"ACKF" + struct.pack("<I", 28) + acknowledge)
            return
        if kind == b"CLO":
            raise EOFError
        start = 4 if kind == b"MSG" else None
        if start is None:
            pos = 4
            for _ in range(3):
                pos += 4 + max(0, struct.unpack_from("<i", body, pos)[0])
            start = pos - 4
        at = 4 + start if kind == b"MSG" else start + 4
        _, request = struct.unpack_from("<II", body, at)
        asked = body[at + 8 :]
        service = struct.unpack_from("<H", asked, 2)[0]
        self._answer(service, request, asked)

    def _answer(self, service, request, asked):
        play = TRICKS.get(self.trick, {}).get(service)
        if play is not None:
            play(self, request, asked)
        elif service == OPEN:
            token = struct.pack("<IIqI", CHANNEL, TOKEN, 0, 3_600_000)
            opened = header(ANSWERS[OPEN]) + struct.pack("<I", 0) + token + NOTHING
            self.send(opened, request, kind=b"OPN")
        elif service in ANSWERS:
            self.send(header(ANSWERS[service]) + self._usual(service, asked), request)

    def _usual(self, service, asked):
        """Give what an honest server answers."""
        if service == READ:
            return self.values(asked, b"")
        if service == MONITOR:
            count = struct.unpack_from("<i", asked, 41)[0]
            item = struct.pack("<IIdI", 0, 1, 100.0, 10) + b"\x00\x00\x00"
            return struct.pack("<i", count) + item * count + NOTHING
        return USUAL.get(service, NOTHING * 2)

    def values(self, asked, variant):
        """Answer a Read: every node holds this variant; the namespaces are always known."""
        count = struct.unpack_from("<i", asked, _COUNT_AT)[0]
        if asked[_COUNT_AT + 4 : _COUNT_AT + 8] == b"\x01\x00\xcf\x08":  # Server_NamespaceArray
            variant = array(12, 2, text("http://opcfoundation.org/UA/") + text("urn:rogue"))
        value = b"\x01" + variant if variant else b"\x00"
        return struct.pack("<i", count) + value * count + NOTHING


# tricks: what is played at which service


def _plan_read(variant):
    """Answer the reads of a plan, of one node each, with this variant."""

    def play(rogue, request, asked):
        count = struct.unpack_from("<i", asked, _COUNT_AT)[0]
        known = count == 1 and asked[_COUNT_AT + 4 : _COUNT_AT + 6] != b"\x01\x00"
        body = rogue.values(asked, variant if known else b"")
        rogue.send(header(ANSWERS[READ]) + body, request)

    return play


def _changed(variant):
    return lambda rogue, request, _: rogue.send(rogue.change(variant), request)


def _flood(rogue, request, _):
    """Send parts of an answer that never ends."""
    for _ in range(FOREVER):
        rogue.chunk(bytes(60_000), request, final=b"C")


def _empty_flood(rogue, request, _):
    for _ in range(FOREVER):
        rogue.chunk(b"", request, final=b"C")


def _drip(rogue, request, _):
    """Send an answer byte by byte, for ever."""
    rest = struct.pack("<III", CHANNEL, TOKEN, next(rogue._numbers)) + struct.pack("<I", request)
    rogue.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"MSGF" + struct.pack("<I", 60_000) + rest + bytes(60_000):
        rogue.peer.sendall(bytes([byte]))
        time.sleep(0.002)


def _publish_flood(rogue, request, _):
    """Answer every Publish at once, with as much as a good server sends in half a second."""
    rogue.send(rogue.change(b"\x0b" + bytes(8)), request)


def _heavy_flood(rogue, request, _):
    rogue.send(rogue.change(array(3, 1_900_000, bytes(1_900_000))), request)


def _keepalive_flood(rogue, request, _):
    rogue.send(rogue.publish(), request)


def _named(rogue, request, asked):
    """Give hostile names wherever a text is asked for."""
    count = struct.unpack_from("<i", asked, _COUNT_AT)[0]
    if asked[_COUNT_AT + 4 : _COUNT_AT + 8] == b"\x01\x00\xcf\x08":
        names = ("http://opcfoundation.org/UA/", "urn:rogue", *NAMES)
        body = struct.pack("<i", 1) + b"\x01" + array(12, len(names), b"".join(map(text, names)))
    else:
        each = [NAMES[place % len(NAMES)] for place in range(count)]
        body = struct.pack("<i", count) + b"".join(b"\x01\x0c" + text(one) for one in each)
    rogue.send(header(ANSWERS[READ]) + body + NOTHING, request)


def _chained(rogue, request, _):
    """Offer an encrypted endpoint whose certificate is followed by a chain that goes in circles."""
    chain = b"".join(map(bytes.fromhex, sys.argv[1:])) * 20
    listed = endpoint(policy="Basic256Sha256", mode=3, certificate=chain)
    rogue.send(header(ANSWERS[ENDPOINTS]) + struct.pack("<i", 1) + listed, request)


def _torn(rogue, request, _):
    """Offer an encrypted endpoint whose certificate is none."""
    listed = endpoint(
        policy="Basic256Sha256", mode=3, certificate=b"\x30\x82\xff\xff" + bytes(50_000)
    )
    rogue.send(header(ANSWERS[ENDPOINTS]) + struct.pack("<i", 1) + listed, request)


def _many_endpoints(rogue, request, _):
    one = endpoint(name="x")
    rogue.send(header(ANSWERS[ENDPOINTS]) + struct.pack("<i", 1_400) + one * 1_400, request)


def _sent(**changes):
    """Answer with one chunk that is wrong in its head."""
    return lambda rogue, request, _: rogue.chunk(rogue.publish(), request, **changes)


def _unasked(rogue, request, _):
    for number in range(1000, 2000):
        rogue.send(rogue.publish(), request + number)


TRICKS = {
    **{f"read-{name}": {READ: _plan_read(variant)} for name, variant in VARIANTS.items()},
    **{f"change-{name}": {PUBLISH: _changed(variant)} for name, variant in VARIANTS.items()},
    "flood": {PUBLISH: _flood},
    "flood-limits-0": {CREATE: _flood},
    "flood-empty": {PUBLISH: _empty_flood},
    "flood-endpoints": {ENDPOINTS: _flood},
    "flood-publish": {PUBLISH: _publish_flood},
    "flood-heavy": {PUBLISH: _heavy_flood},
    "flood-keepalive": {PUBLISH: _keepalive_flood},
    "drip": {PUBLISH: _drip},
    "drip-opening": {CREATE: _drip},
    "wrong-sequence": {PUBLISH: _sent(number=99)},
    "wrong-channel": {PUBLISH: _sent(channel=99)},
    "wrong-token": {PUBLISH: _sent(token=99)},
    "unasked": {PUBLISH: _unasked},
    "many-endpoints": {ENDPOINTS: _many_endpoints},
    "certificate-chain": {ENDPOINTS: _chained},
    "certificate-torn": {ENDPOINTS: _torn},
    "names": {READ: _named, PUBLISH: _changed(b"\x0c" + text(NAMES[2]))},
    "honest": {PUBLISH: lambda *_: None},
}
"""Name -> service -> what is done instead of an answer."""


def listen(listener, trick):
    """Play one trick to whoever connects."""
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=Rogue(peer, trick).serve, daemon=True).start()


def main():
    """Serve every trick until ended."""
    ports = {}
    for trick in TRICKS:
        listener = socket.create_server(("127.0.0.1", 0))
        ports[trick] = listener.getsockname()[1]
        threading.Thread(target=listen, args=(listener, trick), daemon=True).start()
    print(json.dumps(ports), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
