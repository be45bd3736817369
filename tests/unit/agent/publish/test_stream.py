"""The packets after the login: what is sent byte for byte, and what a broker may send back."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.agent.store.patience import until

from agent.publish import stream
from agent.publish.framing import Malformed, packet_length, variable_length
from agent.publish.stream import Stream


class Line:
    """A stream on one end of a socket pair, the broker's end, and what the stream told."""

    def __init__(self, *, v5=True, keepalive_s=60.0, room_bytes=None):
        ours, self.broker = socket.socketpair()
        if room_bytes is not None:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room_bytes)
        ours.setblocking(False)
        self.broker.setblocking(False)
        self.ours = ours
        self.acks = []
        self.stream = Stream(
            ours, v5=v5, keepalive_s=keepalive_s, name_of=lambda code: f"reason {code}",
            on_ack=lambda mid, code: self.acks.append((mid, code)),
        )  # fmt: skip

    async def say(self, data):
        """Have the broker send bytes."""
        await asyncio.get_running_loop().sock_sendall(self.broker, data)

    async def hear(self, size):
        """Give exactly so many bytes of what the stream sent."""
        heard = b""
        async with asyncio.timeout(5):
            while len(heard) < size:
                heard += await asyncio.get_running_loop().sock_recv(self.broker, size - len(heard))
        return heard

    async def acked(self, count):
        """Wait until so many acknowledgements were told."""
        await until(lambda: len(self.acks) >= count)
        return self.acks


@pytest.fixture
async def lines():
    """Make lines, and close them afterwards."""
    made = []

    def make(**fields):
        made.append(Line(**fields))
        return made[-1]

    yield make
    for line in made:
        line.stream.end("the test is over")
        line.ours.close()
        line.broker.close()


async def test_a_message_byte_for_byte(lines):
    """PUBLISH at QoS 1 in MQTT 5 has an empty property length that 3.1.1 has not."""
    line = lines()
    assert line.stream.publish("a/b", b"xyz") == 1
    assert await line.hear(13) == bytes.fromhex("32 0b 0003 612f62 0001 00 78797a")
    assert line.stream.publish("a/b", b"", retain=True) == 2
    assert await line.hear(10) == bytes.fromhex("33 08 0003 612f62 0002 00")
    old = lines(v5=False)
    assert old.stream.publish("a/b", b"xyz") == 1
    assert await old.hear(12) == bytes.fromhex("32 0a 0003 612f62 0001 78797a")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_acknowledgements_cut_anywhere(lines, size):
    """Every form of PUBACK is told once, however TCP cuts or joins them."""
    line = lines()
    for _ in range(4):
        line.stream.publish("t", b"")
    answers = bytes.fromhex("4002 0002  4003 0001 10  4004 0004 87 00  d000  4002 0003 4002 0003")
    for at in range(0, len(answers), size):
        await line.say(answers[at : at + size])
        await asyncio.sleep(0)
    assert await line.acked(4) == [(2, 0), (1, 0x10), (4, 0x87), (3, 0)]
    assert not line.stream.closed.done()


async def test_a_full_socket_delays_and_cuts_nothing(lines):
    """Messages larger than the socket takes leave whole and in order, acknowledged or not."""
    line = lines(room_bytes=4096)
    bodies = [bytes([number]) * 50_000 for number in range(4)]
    for body in bodies:
        line.stream.publish("t", body)
    for number, body in enumerate(bodies, start=1):
        head = b"\x32" + variable_length(50_006) + b"\0\x01t" + number.to_bytes(2, "big") + b"\0"
        assert await line.hear(len(head) + len(body)) == head + body
    assert line.stream.publish("t", b"more") == 5
    assert await line.hear(12) == bytes.fromhex("32 0a 0001 74 0005 00 6d6f7265")


async def test_an_id_in_flight_is_never_given_again(lines, monkeypatch):
    """Ids go round; those not acknowledged are left out, those acknowledged come again."""
    monkeypatch.setattr(stream, "_LARGEST_ID", 4)
    line = lines()
    assert [line.stream.publish("t", b"") for _ in range(4)] == [1, 2, 3, 4]
    await line.say(bytes.fromhex("4002 0002 4002 0004"))
    await line.acked(2)
    assert [line.stream.publish("t", b"") for _ in range(2)] == [2, 4]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("e000", "reason 0"),
        ("e001 8b", "reason 139"),
        ("40 ffffffff 01", "more than four bytes"),
        ("40 808004", "a packet of 65536 bytes"),
        ("3003 000174", "type 3"),
        ("0000", "type 0"),
    ],
)
async def test_what_ends_a_connection(lines, monkeypatch, said, reason):
    """The broker's goodbye is told with its reason; so is what nobody asked for."""
    monkeypatch.setattr(stream, "LARGEST_ANSWER_BYTES", 65_535)
    line = lines()
    await line.say(bytes.fromhex(said))
    assert reason in await asyncio.wait_for(line.stream.closed, 5)
    assert line.stream.publish("t", b"late") is None


async def test_a_broker_that_hangs_up(lines):
    """The end of the connection ends the stream, at once where it reads and where it writes."""
    line, other = lines(), lines()
    line.broker.close()
    assert "closed the connection" in await asyncio.wait_for(line.stream.closed, 5)
    other.broker.close()
    assert other.stream.publish("t", b"x") is None
    assert "broke" in other.stream.closed.result()


async def test_pings_keep_alive_and_find_the_dead(lines):
    """A quiet connection is pinged within its keep alive; without an answer it ends."""
    line = lines(keepalive_s=0.2)
    assert await line.hear(2) == b"\xc0\x00"
    await line.say(b"\xd0\x00")
    assert await line.hear(2) == b"\xc0\x00"
    assert "does not answer" in await asyncio.wait_for(line.stream.closed, 5)


async def test_goodbye_waits_for_what_was_sent(lines):
    """DISCONNECT goes last; the socket is let go of when the broker has hung up."""
    line = lines(room_bytes=4096)
    line.stream.publish("t", b"x" * 100_000)
    leaving = asyncio.create_task(line.stream.say_goodbye(5))
    heard = await line.hear(100_000 + 4 + 3 + 2 + 1 + 2)
    assert heard.endswith(b"x\xe0\x00")
    assert not leaving.done()
    line.broker.close()
    await asyncio.wait_for(leaving, 5)


@given(st.integers(0, 268_435_455), st.binary(max_size=3))
def test_lengths_are_read_as_they_are_written(size, before):
    """The length of any packet survives coding; cut off, it is not known yet."""
    coded = variable_length(size)
    data = before + b"\x32" + coded
    assert packet_length(data, len(before)) == (len(data), size)
    assert packet_length(data[:-1], len(before)) is None


@given(st.binary(max_size=12))
def test_any_bytes_are_a_length_or_refused(data):
    """Whatever comes, nothing but `Malformed` is raised."""
    try:
        found = packet_length(data, 0)
    except Malformed:
        assert all(byte >= 0x80 for byte in data[1:5])
    else:
        assert found is None or found[0] <= len(data)
