"""Our decoder of answers: asyncua's results on what is valid, only errors on the rest."""

from __future__ import annotations

import struct
import time
import tracemalloc
from contextlib import suppress

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary, variant_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.drivers.opcua.wire.answers import answers, opaque, variants

from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.wire.builtin import read_variant
from drivers.opcua.wire.cursor import MAX_DEPTH, ROOM_BYTES, Cursor, TooMuch
from drivers.opcua.wire.structures import decode, structure

LIMIT_S = 0.5
"""CPU time of one message at most, ten times what a calm machine takes."""


@given(answers)
@settings(max_examples=200, deadline=None)
def test_valid_answers_are_what_the_library_makes_of_them(answer):
    """Every answer that asyncua encodes is decoded to what asyncua's own decoder gives."""
    data = struct_to_binary(answer)
    assert decode(type(answer), data) == struct_from_binary(type(answer), Buffer(data))


@given(variants)
@settings(max_examples=200, deadline=None)
def test_every_variant_comes_back(variant):
    """Scalars, arrays, matrices and variants in variants come back as they were sent."""
    cursor = Cursor(variant_to_binary(variant))
    found = read_variant(cursor)
    assert (found.VariantType, found.Value, found.is_array) == (
        variant.VariantType, variant.Value, variant.is_array,
    )  # fmt: skip
    assert cursor.pos == cursor.end


@given(opaque)
def test_structures_of_others_stay_bytes(sent):
    """A structure the standard does not have is handed on unread."""
    object.__setattr__(sent, "Encoding", 1)
    found = read_variant(
        Cursor(variant_to_binary(ua.Variant(sent, ua.VariantType.ExtensionObject)))
    )
    assert (found.Value.TypeId, found.Value.Body) == (sent.TypeId, sent.Body)


def mutated(data, edits, cut):
    """Change bytes of a message, and cut it short."""
    torn = bytearray(data)
    for place, byte in edits:
        torn[place % len(torn)] = byte
    return bytes(torn[: len(torn) - cut % len(torn)])


edits = st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 255)), max_size=4)


def spent_s(answer, data):
    began = time.thread_time()
    with suppress(DecodeError):
        decode(type(answer), data)
    return time.thread_time() - began


def decode_torn(answer, changes, cut):
    """Decode a changed message: it has another content or raises DecodeError, in bounded time."""
    data = mutated(struct_to_binary(answer), changes, cut)
    if spent_s(answer, data) >= LIMIT_S:  # a collection of garbage may have fallen into it
        assert min(spent_s(answer, data) for _ in range(3)) < LIMIT_S


@given(answers, edits, st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_torn_answers_are_errors_of_ours(answer, changes, cut):
    """Changed bytes give another content or a DecodeError, and never anything else."""
    decode_torn(answer, changes, cut)


@pytest.mark.long
@pytest.mark.timeout(900)
@given(answers, edits, st.integers(0, 40))
@settings(max_examples=30_000, deadline=None)
def test_torn_answers_are_errors_of_ours_for_long(answer, changes, cut):
    """The same, for minutes."""
    decode_torn(answer, changes, cut)


@given(st.binary(max_size=400), st.sampled_from([ua.ReadResponse, ua.BrowseResponse]))
@settings(max_examples=300, deadline=None)
def test_noise_is_an_error_of_ours(noise, kind):
    """Random bytes behind a good header give a DecodeError, or by chance an answer."""
    head = struct_to_binary(kind())[:28]
    with suppress(DecodeError):
        decode(kind, head + noise)


def reading(variant, *, mask=b"\x01"):
    """Encode the answer to a Read of one value, given as bytes, or as mask and bytes."""
    head = struct_to_binary(ua.ReadResponse())[:-8]
    return head + struct.pack("<i", 1) + mask + variant + struct.pack("<i", -1)


def sized(kind, count, content=b""):
    return bytes([0x80 | kind]) + struct.pack("<i", count) + content


HOSTILE = {
    "array of nothing": sized(0, 50_000_000),
    "array longer than the message": sized(6, 2**31 - 1),
    "negative array": sized(6, -7),
    "negative text": b"\x0c" + struct.pack("<i", -2),
    "text longer than the message": b"\x0c" + struct.pack("<i", 2**31 - 1),
    "nested variants": sized(24, 1) * 100_000,
    "nested diagnostics": b"\x19" + b"\x40" * 100_000,
    "nested data values": (b"\x17\x01") * 100_000,
    "a hundred thousand dimensions": b"\xc6" + struct.pack("<i", 0)
    + struct.pack("<i", 100_000) + struct.pack("<i", 1) * 100_000,
    "a matrix of more than there is": b"\xc6" + struct.pack("<iiiii", 1, 7, 2, 2**31 - 1, 2**30),
    "a hollow matrix": b"\xc6" + struct.pack("<iiii", 0, 2, 2**31 - 1, 0),
    "a negative dimension": b"\xc6" + struct.pack("<iiiii", 1, 7, 2, -1, -1),
    "dimensions of a scalar": b"\x46" + bytes(8),
    "an unknown type": b"\x1a" + bytes(8),
    "a million texts": sized(12, 400_000, bytes(4 * 400_000)),
    "a million empty texts": sized(21, 1_900_000, bytes(1_900_000)),
    "a million variants": sized(24, 1_900_000, bytes(1_900_000)),
    "a million structures": sized(22, 600_000, bytes(3 * 600_000)),
    "a million numbers": sized(9, 240_000, bytes(8 * 240_000)),
    "a body beyond the message": b"\x16\x01\x00\x79\x03\x01" + struct.pack("<i", 2**30),
    "a structure that is a text": b"\x16\x01\x00\x79\x03\x01" + struct.pack("<i", 3) + b"abc",
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_values_cost_little(case):
    """What is built to cost much is refused, in little memory and time."""
    data = reading(HOSTILE[case])
    structure(ua.ReadResponse)  # compiled once in the life of the program
    tracemalloc.start()
    began = time.thread_time()
    with pytest.raises(DecodeError):
        decode(ua.ReadResponse, data)
    spent_s = time.thread_time() - began
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < ROOM_BYTES + len(data)
    assert spent_s < LIMIT_S * 4  # measuring memory makes everything slower


def test_what_is_only_too_much_is_told_apart():
    """An answer that is well formed and holds too much can be asked for in parts."""
    with pytest.raises(TooMuch):
        decode(ua.ReadResponse, reading(HOSTILE["a million numbers"]))


def test_depth_has_a_bound():
    """As deep as allowed is read, one deeper is not."""
    allowed = MAX_DEPTH - 2  # the message and the header count
    assert decode(ua.ReadResponse, reading(sized(24, 1) * allowed + b"\x00"))
    with pytest.raises(DecodeError, match="nested deeper"):
        decode(ua.ReadResponse, reading(sized(24, 1) * (allowed + 1) + b"\x00"))


def test_texts_in_gbk_are_read_and_node_ids_keep_their_bytes():
    """Text in GBK becomes what it says; a node id in GBK can be sent back byte by byte."""
    gbk = "主轴".encode("gbk")
    text = b"\x0c" + struct.pack("<i", len(gbk)) + gbk
    node = b"\x11\x03\x02\x00" + struct.pack("<i", len(gbk)) + gbk
    assert read_variant(Cursor(text)).Value == "主轴"
    found = read_variant(Cursor(node)).Value
    assert variant_to_binary(ua.Variant(found, ua.VariantType.NodeId)) == node


def test_picoseconds_stand_where_the_standard_puts_them():
    """Picoseconds of the source come before the server's time, whatever the library thinks."""
    value = b"\x01\x01" + struct.pack("<qHqH", 10**17, 7, 2 * 10**17, 9)
    found = decode(ua.ReadResponse, reading(value, mask=b"\x3d")).Results[0]
    assert (found.SourcePicoseconds, found.ServerPicoseconds) == (7, 9)
    assert found.ServerTimestamp == ua.win_epoch_to_datetime(2 * 10**17)


def test_diagnostics_nest():
    """Diagnostics in diagnostics are read as what they are."""
    inner = b"\x01" + struct.pack("<i", 5)
    found = read_variant(Cursor(b"\x19\x40" + inner)).Value
    assert found.InnerDiagnosticInfo.SymbolicId == 5


def test_a_node_id_that_is_null_is_an_empty_one():
    """A null text or byte string in a node id is allowed, and no reason to refuse the message."""
    for kind, empty in ((3, ""), (5, b"")):
        found = read_variant(Cursor(b"\x11" + bytes([kind]) + b"\1\0" + b"\xff" * 4))
        assert (found.Value.Identifier, found.Value.NamespaceIndex) == (empty, 1)


def test_an_array_without_elements_in_dimensions_is_an_error_of_ours():
    """What asyncua refuses to hold is told as bytes that cannot be read, nothing else."""
    for number in (20, 24):
        with suppress(DecodeError):
            read_variant(Cursor(bytes([number | 0xC0]) + b"\xff" * 8))
