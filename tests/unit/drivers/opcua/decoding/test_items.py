"""The decoder of data values, beside the library's and against hostile bytes."""

from __future__ import annotations

import struct

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, variant_to_binary
from hypothesis import given
from hypothesis import strategies as st
from unit.drivers.opcua.opcua_wire import Sample, as_value, messages, notification, samples, scalars

from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.decoding.items import read_items, read_results, read_text_array
from drivers.opcua.decoding.shape import NotificationDecoder
from drivers.opcua.decoding.values import NO_DATA, TOO_LONG, TYPE_MISMATCH, Compound


def decoded(body):
    return NotificationDecoder(100).decode(body, 0, len(body))


@given(messages)
def test_columns_hold_what_was_sent(message):
    """Every scalar type under every mask comes back as it was sent."""
    columns = decoded(notification(message))
    assert columns.handles == tuple(handle for handle, _ in message)
    for position, (_, sample) in enumerate(message):
        expected = None if sample.variant is None else as_value(sample.variant)
        assert columns.values[position] == expected
        assert type(columns.values[position]) is type(expected)
        assert (columns.statuses or [0] * 12)[position] == (sample.status or 0)
        assert (columns.sources or [0] * 12)[position] == (sample.source or 0)
        assert (position in columns.unfit) == (sample.variant is None)


@given(messages)
def test_library_decodes_the_same(message):
    """Where the library reads the standard's order, it and we read the same."""
    message = [(handle, sample) for handle, sample in message if not sample.misread_by_library]
    body = notification(message)
    columns = decoded(body)
    theirs = struct_from_binary(ua.DataChangeNotification, Buffer(body)).MonitoredItems
    assert columns.handles == tuple(item.ClientHandle for item in theirs)
    for position, item in enumerate(theirs):
        sent = message[position][1]
        if sent.variant is not None:
            assert columns.values[position] == as_value(item.Value.Value)
        if sent.status is not None:
            assert (columns.statuses or [0] * 12)[position] == item.Value.StatusCode.value


def test_source_picoseconds_do_not_shift_the_server_time():
    """Picoseconds lie right behind their time, where the library does not look for them."""
    sample = Sample(ua.Variant(7, ua.VariantType.Int16), 0, 5, 1234, 9, 4321)
    columns = decoded(notification([(3, sample), (4, sample)]))
    assert (columns.handles, list(columns.values), columns.sources) == ((3, 4), [7, 7], [5, 5])


@given(messages.filter(bool), st.data())
def test_torn_bytes_are_a_declared_error(message, data):
    """A body cut anywhere is a DecodeError, never anything else and never a value less."""
    body = notification(message)
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    with pytest.raises(DecodeError):
        decoded(cut)


@given(st.binary(max_size=300))
def test_random_bytes_are_a_declared_error(body):
    """Nonsense decodes to something or is a DecodeError."""
    try:
        columns = decoded(body)
    except DecodeError:
        return
    assert len(columns.handles) == len(columns.values)


@given(messages.filter(bool), st.data())
def test_flipped_bytes_are_a_declared_error(message, data):
    """One wrong byte gives other values or a DecodeError, in columns of one length."""
    body = bytearray(notification(message))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        columns = decoded(bytes(body))
    except DecodeError:
        return
    assert len(columns.handles) == len(columns.values)
    assert columns.statuses is None or len(columns.statuses) == len(columns.values)


UNFIT = {
    "array": ua.Variant([1, 2, 3], ua.VariantType.Int32),
    "array of texts": ua.Variant(["a", "b"], ua.VariantType.String),
    "matrix": ua.Variant([[1, 2], [3, 4]], ua.VariantType.Double, Dimensions=[2, 2]),
    "node id": ua.Variant(ua.NodeId("x", 3), ua.VariantType.NodeId),
    "guid node id": ua.Variant([ua.NodeId(5, 3)], ua.VariantType.NodeId),
    "expanded": ua.Variant(
        ua.ExpandedNodeId("x", 0, NamespaceUri="urn:a", ServerIndex=2),
        ua.VariantType.ExpandedNodeId,
    ),
    "structure": ua.Variant(ua.Range(1.0, 2.0), ua.VariantType.ExtensionObject),
    "data value": ua.Variant(ua.DataValue(ua.Variant(1)), ua.VariantType.DataValue),
    "variants": ua.Variant([ua.Variant(1), ua.Variant("x")], ua.VariantType.Variant),
    "localized texts": ua.Variant([ua.LocalizedText("a", "b")], ua.VariantType.LocalizedText),
    "names": ua.Variant([ua.QualifiedName("a", 1)], ua.VariantType.QualifiedName),
}


@pytest.mark.parametrize("variant", UNFIT.values(), ids=UNFIT)
def test_what_is_no_scalar_is_stepped_over(variant):
    """Arrays and structures are no values, and do not disturb what follows."""
    after = Sample(ua.Variant(42, ua.VariantType.Int32))
    columns = decoded(notification([(0, Sample(variant, source=1)), (1, after)]))
    assert columns.values[0] is None or isinstance(columns.values[0], Compound)
    assert columns.values[1] == 42
    assert columns.unfit == {0: TYPE_MISMATCH}


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        (ua.Variant(None, ua.VariantType.Null), NO_DATA),
        (ua.Variant(None, ua.VariantType.String), NO_DATA),
        (ua.Variant("x" * 70_000, ua.VariantType.String), TOO_LONG),
        (ua.Variant(b"x" * 70_000, ua.VariantType.ByteString), TOO_LONG),
    ],
)
def test_empty_and_endless_are_no_values(variant, reason):
    """A null is no value, nor is a text that would fill the outbox."""
    columns = decoded(notification([(0, Sample(variant))]))
    assert (list(columns.values), columns.unfit) == ([None], {0: reason})


def test_gb18030_text_is_read():
    """Text that is not UTF-8 is read as Chinese controllers send it."""
    raw = "主轴过载".encode("gb18030")
    body = struct.pack("<iIBB", 1, 0, 1, 12) + struct.pack("<i", len(raw)) + raw + b"\xff" * 4
    assert list(decoded(body).values) == ["主轴过载"]


def test_xml_is_text():
    """An XmlElement, which the library cannot encode, is its text."""
    body = struct.pack("<iIBBi", 1, 0, 1, 16, 4) + b"<a/>" + b"\xff" * 4
    assert list(decoded(body).values) == ["<a/>"]


def test_undecodable_text_is_bad():
    """Text in neither encoding is no value."""
    body = struct.pack("<iIBBi", 1, 0, 1, 12, 2) + b"\xff\xff" + b"\xff" * 4
    assert decoded(body).unfit == {0: "BadDecodingError"}


HOSTILE = {
    "null array of 50 million": b"\x01\x80\x80\xf0\xfa\x02",
    "array without bytes": b"\x01\x86\xff\xff\xff\x7f",
    "negative length": b"\x01\x0c\xfb\xff\xff\xff",
    "deep variants": b"\x01" + b"\x98\x01\x00\x00\x00" * 5000 + b"\x00",
    "deep data values": b"\x01" + b"\x17\x01" * 5000 + b"\x00",
    "deep diagnostics": b"\x01\x19" + b"\x40" * 5000 + b"\x00",
    "dimensions": b"\x01\xc6\x01\x00\x00\x00\x07\x00\x00\x00\xff\xff\xff\x7f",
    "node id kind": b"\x01\x11\x3f\x00\x00",
}


@pytest.mark.timeout(5)
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_cost_nothing(value):
    """A value made to cost memory or time is stepped over or refused at once."""
    body = struct.pack("<iI", 1, 0) + value + b"\xff" * 4
    try:
        columns = decoded(body)
    except DecodeError:
        return
    assert columns.values[0] is None or isinstance(columns.values[0], Compound)
    assert columns.unfit == {0: TYPE_MISMATCH}


def test_strange_client_handles_are_refused():
    """A value for a point that is not ours is an error, not somebody's value."""
    with pytest.raises(DecodeError, match="client handle 100"):
        decoded(notification([(100, Sample(ua.Variant(1, ua.VariantType.Int16)))]))


@given(st.lists(samples, max_size=8))
def test_results_of_a_read_decode_alike(found):
    """The answer to a Read holds the same values as a notification would."""
    body = struct.pack("<i", len(found)) + b"".join(sample.encoded for sample in found)
    columns = read_results(body, 0, expected=len(found))
    told, _ = read_items(notification(list(enumerate(found))), 4, len(found))
    assert list(columns.values) == list(told.values)
    assert (columns.statuses, columns.sources, columns.unfit) == (
        told.statuses,
        told.sources,
        told.unfit,
    )


def test_read_of_another_length_is_refused():
    """An answer with more or fewer values than asked for belongs to no node."""
    body = struct.pack("<i", 1) + Sample(ua.Variant(1, ua.VariantType.Int16)).encoded
    with pytest.raises(DecodeError, match="1 values answer a Read of 2"):
        read_results(body, 0, expected=2)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=9)))
def test_text_arrays_are_read(texts):
    """The namespace array is read as the server has it."""
    body = struct.pack("<iB", 1, 1) + variant_to_binary(ua.Variant(texts, ua.VariantType.String))
    assert read_text_array(body, 0) == texts


@given(scalars)
def test_what_is_no_text_array_is_empty(variant):
    """Anything but an array of texts gives no namespaces."""
    body = struct.pack("<iB", 1, 1) + variant_to_binary(variant)
    assert read_text_array(body, 0) == []
