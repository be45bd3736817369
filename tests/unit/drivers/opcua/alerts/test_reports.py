"""Event notifications: what the library encodes is read as meant, what is torn is refused."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as st

from drivers.opcua.alerts.reports import (
    MAX_CHARS,
    MOST_EVENTS,
    NodeKey,
    Report,
    count_events,
    read_events,
)
from drivers.opcua.alerts.requests import FIELDS
from drivers.opcua.decoding.binary import DecodeError

T = ua.VariantType
WHEN = datetime(2026, 11, 23, 8, 0, 0, 123000, tzinfo=UTC)
WHEN_NS = int((WHEN - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


def encoded(*events):
    """Encode events, each a list of variants, as a server does."""
    lists = [ua.EventFieldList(ClientHandle=n, EventFields=list(e)) for n, e in enumerate(events)]
    return struct_to_binary(ua.EventNotificationList(Events=lists))


def read(data):
    return list(read_events(data, 0, len(data)))


FULL = [
    ua.Variant(b"\x01\x02", T.ByteString),
    ua.Variant(ua.NodeId(10637, 0), T.NodeId),
    ua.Variant("L1", T.String),
    ua.Variant(WHEN, T.DateTime),
    ua.Variant(ua.LocalizedText("主轴过热", "zh"), T.LocalizedText),
    ua.Variant(700, T.UInt16),
    ua.Variant(True, T.Boolean),
    ua.Variant(False, T.Boolean),
    ua.Variant("Overheat", T.String),
    ua.Variant(ua.NodeId("L1.Overheat", 3), T.NodeId),
]


def test_every_field_arrives_under_its_own_name():
    """A full event is read as it was meant, field by field, in the order of the filter."""
    assert len(FULL) == len(FIELDS)
    (report,) = read(encoded(FULL))
    assert report == Report(
        event_id=b"\x01\x02",
        kind=NodeKey(0, 10637),
        source="L1",
        time_ns=WHEN_NS,
        message="主轴过热",
        severity=700,
        active=True,
        acked=False,
        condition_name="Overheat",
        condition=NodeKey(3, "L1.Overheat"),
    )


def test_a_plain_event_lacks_what_only_alarms_have():
    """The six fields of every event suffice; the others are absent, not false."""
    (report,) = read(encoded(FULL[:6]))
    assert (report.message, report.active, report.acked) == ("主轴过热", None, None)
    assert (report.condition, report.condition_name) == (None, "")


@pytest.mark.parametrize(
    "node",
    [
        ua.NodeId(7, 0),
        ua.NodeId(300, 2),
        ua.NodeId(70_000, 300),
        ua.NodeId("名字", 5),
        ua.NodeId(UUID("72962b91-fa75-4ae6-8d28-b404dc7daf63"), 1),
        ua.NodeId(b"\x00\xff", 1),
    ],
    ids=lambda node: node.NodeIdType.name,
)
def test_every_kind_of_node_id_is_read(node):
    """A condition is told by its NodeId, whatever kind of identifier it has."""
    event = [*FULL[:9], ua.Variant(node, T.NodeId)]
    (report,) = read(encoded(event))
    assert report.condition == NodeKey(node.NamespaceIndex, node.Identifier)


WRONG = (
    ua.Variant(None),
    ua.Variant([1, 2, 3], T.Int32),
    ua.Variant(1.5, T.Double),
    ua.Variant(ua.QualifiedName("x", 1), T.QualifiedName),
    ua.Variant([["a", "b"], ["c", "d"]], T.String),
)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: str(wrong.VariantType.name))
def test_a_field_of_another_type_is_absent_and_shifts_nothing(wrong):
    """Whatever stands in place of the source, all other fields are read as they are."""
    event = [*FULL[:2], wrong, *FULL[3:]]
    (report,) = read(encoded(event))
    assert report.source == ""
    assert (report.message, report.severity, report.active) == ("主轴过热", 700, True)


@pytest.mark.parametrize("severity", [0, 1001, 65_535])
def test_a_severity_out_of_range_is_none(severity):
    """The scale is 1 to 1000; what is not on it is 0, not a number nobody can compare."""
    (report,) = read(encoded([*FULL[:5], ua.Variant(severity, T.UInt16), *FULL[6:]]))
    assert report.severity == 0


def test_texts_are_cut_and_chinese_of_old_controllers_is_read():
    """A long message loses its end only; GBK bytes are the text they were meant to be."""
    head = encoded(FULL[:4])
    gbk = "急停".encode("gbk")
    long = ("长" * (MAX_CHARS + 50)).encode()
    for raw, text in ((gbk, "急停"), (long, "长" * MAX_CHARS)):
        body = b"\x15\x02" + struct.pack("<i", len(raw)) + raw
        data = head[:8] + struct.pack("<i", 5) + head[12:] + body
        (report,) = read(data)
        assert report.message == text


def test_an_endless_id_is_known_by_its_digest():
    """Megabytes in an id are not kept, and two such ids stay two."""
    ids = [b"x" * 100_000, b"x" * 99_999 + b"y"]
    reports = read(encoded(*([ua.Variant(one, T.ByteString), *FULL[1:]] for one in ids)))
    assert len({report.event_id for report in reports}) == 2
    assert all(len(report.event_id) == 64 for report in reports)
    named = [*FULL[:9], ua.Variant(ua.NodeId("n" * 5000, 2), T.NodeId)]
    (report,) = read(encoded(named))
    assert len(report.condition.identifier) == 64


@given(cut=st.integers(0, 200), flips=st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255))))
def test_torn_or_false_bytes_raise_one_error(cut, flips):
    """Bytes cut and changed anywhere give reports or a DecodeError, never anything else."""
    data = bytearray(encoded(FULL, FULL[:6]))
    for at, value in flips:
        if at < len(data):
            data[at] = value
    torn = bytes(data[: len(data) - cut % (len(data) + 1)])
    try:
        reports = read(torn)
    except DecodeError:
        return
    assert all(len(report.message) <= MAX_CHARS for report in reports)


def test_a_promise_of_many_events_costs_nothing():
    """A count beyond the bytes that are there is refused before anything is made."""
    with pytest.raises(DecodeError):
        read(struct.pack("<i", 2**31 - 1) + b"\x00" * 16)
    with pytest.raises(DecodeError, match="fields"):
        read(struct.pack("<iIi", 1, 0, 4000) + b"\x00" * 5000)


def test_no_message_holds_up_the_loop():
    """Of a flood the first thousand are read; fields that could take long are refused unread."""
    data = encoded(*[FULL[:6]] * (MOST_EVENTS + 500))
    assert count_events(data, 0) == MOST_EVENTS + 500
    assert len(read(data)) == MOST_EVENTS
    for slow in (
        b"\x8c" + struct.pack("<i", 100_000) + b"\xff" * 400_000,  # strings
        b"\x98" + struct.pack("<i", 10) + b"\x00" * 10,  # variants
        b"\x18" * 400,  # variants in variants
    ):
        with pytest.raises(DecodeError, match="an event field"):
            read(struct.pack("<iIi", 1, 0, 1) + slow)
