"""Chunks become messages, within our bounds and in their order, or the connection is over."""

from __future__ import annotations

import struct
import time
from contextlib import suppress

import pytest
from asyncua import ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.crypto.security_policies import (
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
    SecurityPolicyNone,
)
from asyncua.ua.ua_binary import header_from_binary
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.drivers.opcua.security.certificates import key, make

from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.wire.chunks import (
    MAX_CHUNK_BYTES,
    MAX_CHUNKS,
    MAX_OPENING_BYTES,
    Assembler,
    WireError,
)
from drivers.opcua.wire.securing import Securing

CHANNEL, TOKEN = 5, 13
OURS, THEIRS = bytes(32), bytes(range(32))
SIGN, ENCRYPT = ua.MessageSecurityMode.Sign, ua.MessageSecurityMode.SignAndEncrypt


def chunk(body=b"", *, kind=b"MSG", final=b"F", number=1, request=1, channel=CHANNEL, token=TOKEN):
    """Make one unprotected chunk."""
    return struct.pack(
        "<3scIIIII", kind, final, 24 + len(body), channel, token, number, request
    ) + body  # fmt: skip


@pytest.fixture
def securing():
    """An unprotected channel that is open."""
    made = Securing(SecurityPolicyNone())
    made.accept(channel_id=CHANNEL, token_id=TOKEN, ours=b"", theirs=b"", life_ms=60_000)
    return made


@pytest.fixture
def assembler(securing):
    return Assembler(securing)


def feed(assembler, *parts):
    return [message for part in parts for message in assembler.feed(part)]


def test_chunks_of_one_answer_become_one_message(assembler):
    """Parts are joined in their order, however the network cuts them."""
    stream = (
        chunk(b"one ", final=b"C", number=1)
        + chunk(b"two", number=2)
        + chunk(b"x", number=3, request=2)
    )
    for size in (1, 7, 25, len(stream)):
        fresh = Assembler(assembler._securing)
        parts = [stream[start : start + size] for start in range(0, len(stream), size)]
        found = feed(fresh, *parts)
        assert [(each.request_id, each.body) for each in found] == [(1, b"one two"), (2, b"x")]
        assert not fresh.partial


def test_an_aborted_answer_is_told(assembler):
    """What came of it before is dropped, and the request learns why."""
    reason = struct.pack("<Ii", 0x80B80000, -1)
    (found,) = feed(assembler, chunk(b"half", final=b"C"), chunk(reason, final=b"A", number=2))
    assert (found.aborted, found.body) == (True, reason)
    assert not assembler.partial


WRONG = {
    "unknown kind": chunk(kind=b"XXX"),
    "final of nothing": chunk(final=b"X"),
    "opening in parts": chunk(kind=b"OPN", final=b"C"),
    "closing": chunk(kind=b"CLO"),
    "too small": b"MSGF" + struct.pack("<I", 7),
    "too large": b"MSGF" + struct.pack("<I", MAX_CHUNK_BYTES + 1),
    "a header alone": b"MSGF" + struct.pack("<I", 12) + bytes(4),
    "another channel": chunk(channel=CHANNEL + 1),
    "another token": chunk(token=TOKEN + 1),
    "number again": chunk(number=1) + chunk(number=1),
    "number left out": chunk(number=1) + chunk(number=3),
    "number wraps early": chunk(number=2**32 - 5000) + chunk(number=1),
    "answer in an answer": chunk(final=b"C") + chunk(number=2, request=2),
    "opening torn": chunk(b"\xff\xff\xff\x7f", kind=b"OPN"),
    "opened under another policy": b"OPNF" + struct.pack("<III", 40, 1, 2) + bytes(24),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_may_not_come_ends_the_connection(assembler, case):
    """A broken rule is an error at once."""
    with pytest.raises(WireError):
        try:
            feed(assembler, WRONG[case])
        except DecodeError as error:
            raise WireError(str(error)) from error


def test_numbers_may_wrap(assembler):
    """At the end of the numbers they begin again."""
    assert (
        len(feed(assembler, chunk(number=2**32 - 2), chunk(number=2**32 - 1), chunk(number=1))) == 3
    )


def test_parts_are_bounded_in_bytes_and_number(securing):
    """A flood of parts without an end is cut at our limit, whatever its chunks hold."""
    for body, most in ((bytes(8000), MAX_OPENING_BYTES // 8000 + 1), (b"", MAX_CHUNKS + 1)):
        assembler = Assembler(securing)
        with pytest.raises(WireError, match="more than"):
            for number in range(1, 10_000):
                feed(assembler, chunk(body, final=b"C", number=number))
        assert number <= most
        assert not assembler.partial


def test_a_dripping_chunk_costs_no_more_than_itself(assembler):
    """A chunk that comes byte by byte is kept once."""
    whole = chunk(bytes(60_000))
    began = time.thread_time()
    found = feed(assembler, *(whole[at : at + 1] for at in range(len(whole))))
    assert len(found) == 1
    assert time.thread_time() - began < 5


def peer_of(ours):
    """Give asyncua's own end of a protected channel."""
    theirs = type(ours)(make(), make(private_key=key("peer")), key("peer"), ours.Mode)
    connection = SecureConnection(theirs, TransportLimits())
    connection.security_token.ChannelId, connection.security_token.TokenId = CHANNEL, TOKEN
    theirs.make_local_symmetric_key(OURS, THEIRS)
    theirs.make_remote_symmetric_key(THEIRS, OURS, 60_000)
    connection._open = True
    return connection


@pytest.fixture(
    params=[
        (kind, mode)
        for kind in (SecurityPolicyBasic256Sha256, SecurityPolicyAes256Sha256RsaPss)
        for mode in (SIGN, ENCRYPT)
    ],
    ids=lambda pair: f"{pair[0].__name__}-{pair[1].name}",
)
def protected(request):
    """Our end of a protected channel, and asyncua's."""
    kind, mode = request.param
    policy = kind(make(private_key=key("peer")), make(), key(), mode)
    ours = Securing(policy)
    ours.accept(channel_id=CHANNEL, token_id=TOKEN, ours=OURS, theirs=THEIRS, life_ms=60_000)
    return ours, peer_of(policy)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 8100, 70_000])
def test_protected_messages_pass_both_ways(protected, size):
    """Asyncua's end reads what ours makes, and ours what asyncua's makes, of any length."""
    ours, peer = protected
    body = bytes(index % 251 for index in range(size))
    ours.agree(8192)
    peer._limits.max_send_buffer = 8192
    sent = ours.sealed(body, request_id=7)
    buffer = ua.utils.Buffer(sent)
    message = None
    while len(buffer):
        header = header_from_binary(buffer)
        assert header.packet_size <= 8192
        message = peer.receive_from_header_and_body(header, buffer)
    assert (bytes(message.body()), message.request_id()) == (body, 7)
    (found,) = feed(Assembler(ours), peer.message_to_binary(body, request_id=9))
    assert (found.body, found.request_id) == (body, 9)


@given(st.integers(8, 400), st.integers(1, 255))
@settings(max_examples=80, deadline=None)
def test_a_changed_byte_is_noticed(place, flip):
    """One changed byte of a protected chunk is an error, never other content."""
    policy = SecurityPolicyBasic256Sha256(make(private_key=key("peer")), make(), key(), ENCRYPT)
    ours = Securing(policy)
    ours.accept(channel_id=CHANNEL, token_id=TOKEN, ours=OURS, theirs=THEIRS, life_ms=60_000)
    whole = bytearray(peer_of(policy).message_to_binary(bytes(300), request_id=9))
    whole[place % len(whole)] ^= flip
    if place % len(whole) < 8:
        return
    with pytest.raises(DecodeError):
        feed(Assembler(ours), bytes(whole))


@given(st.lists(st.binary(max_size=200), max_size=6))
@settings(max_examples=200, deadline=None)
def test_noise_is_an_error_or_nothing(parts):
    """Random bytes are waited for or refused; nothing else happens."""
    securing = Securing(SecurityPolicyNone())
    securing.accept(channel_id=CHANNEL, token_id=TOKEN, ours=b"", theirs=b"", life_ms=60_000)
    with suppress(DecodeError):
        assert feed(Assembler(securing), *parts) == []
