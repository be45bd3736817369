"""The envelope of responses, beside the library's encoder and against torn bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as st

from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.subscribing.publish import (
    DATA_CHANGE,
    PUBLISH_RESPONSE,
    SERVICE_FAULT,
    STATUS_CHANGE,
    read_answer,
    read_notification,
    read_status_change,
)

EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
u32 = st.integers(0, 2**32 - 1)
notifications = st.sampled_from(["change", "status", "events"])


def response(
    *,
    subscription=1,
    sequence=1,
    kinds=(),
    available=(),
    strings=(),
    status=0,
    more=False,
    sent_s=0,
):
    made = {
        "change": ua.DataChangeNotification(
            MonitoredItems=[ua.MonitoredItemNotification(3, ua.DataValue(ua.Variant(7)))]
        ),
        "status": ua.StatusChangeNotification(Status=ua.StatusCode(0x800A0000)),
        "events": ua.EventNotificationList(),
    }
    reply = ua.PublishResponse()
    reply.ResponseHeader.StringTable = list(strings)
    reply.ResponseHeader.ServiceResult = ua.StatusCode(status)
    reply.ResponseHeader.ServiceDiagnostics = ua.DiagnosticInfo()
    reply.Parameters.SubscriptionId = subscription
    reply.Parameters.AvailableSequenceNumbers = list(available)
    reply.Parameters.MoreNotifications = more
    reply.Parameters.NotificationMessage.SequenceNumber = sequence
    reply.Parameters.NotificationMessage.PublishTime = EPOCH + timedelta(seconds=sent_s)
    reply.Parameters.NotificationMessage.NotificationData = [made[kind] for kind in kinds]
    return struct_to_binary(reply)


@given(
    st.tuples(u32, u32, st.booleans()),
    st.lists(notifications, max_size=3),
    st.lists(u32),
    st.lists(st.text("ab")),
)
def test_envelope_is_what_the_library_wrote(head, kinds, available, strings):
    """Subscription, number and the place of every part are read from the library's bytes."""
    subscription, sequence, more = head
    data = response(
        subscription=subscription,
        sequence=sequence,
        kinds=kinds,
        available=available,
        strings=strings,
        more=more,
        sent_s=subscription,
    )
    answer = read_answer(data)
    assert (answer.type_id, answer.status) == (PUBLISH_RESPONSE, 0)
    found = read_notification(data, answer.body)
    assert (found.subscription_id, found.sequence, found.more) == (subscription, sequence, more)
    assert found.sent_ticks == subscription * 10_000_000
    ids = {"change": DATA_CHANGE, "status": STATUS_CHANGE, "events": 916}
    assert [part.type_id for part in found.parts] == [ids[kind] for kind in kinds]
    for part, kind in zip(found.parts, kinds, strict=True):
        if kind == "status":
            assert read_status_change(data, part) == 0x800A0000


def test_fault_tells_its_status():
    """A service fault is told by its type, with the service's status."""
    fault = ua.ServiceFault()
    fault.ResponseHeader.ServiceResult = ua.StatusCode(0x80790000)
    fault.ResponseHeader.ServiceDiagnostics = ua.DiagnosticInfo()
    answer = read_answer(struct_to_binary(fault))
    assert (answer.type_id, answer.status) == (SERVICE_FAULT, 0x80790000)


@given(st.data())
def test_torn_envelopes_are_a_declared_error(data):
    """A response cut before its last notification ends is a DecodeError."""
    whole = response(kinds=["change", "status"], available=[1, 2], strings=["a"])
    end = read_notification(whole, read_answer(whole).body).parts[-1].end
    cut = whole[: data.draw(st.integers(0, end - 1))]
    with pytest.raises(DecodeError):
        read_notification(cut, read_answer(cut).body)


@given(st.binary(max_size=200))
def test_random_envelopes_are_a_declared_error(body):
    """Nonsense is a DecodeError or names parts that lie within it."""
    try:
        found = read_notification(body, read_answer(body).body)
    except DecodeError:
        return
    assert all(0 <= part.start <= part.end <= len(body) for part in found.parts)
