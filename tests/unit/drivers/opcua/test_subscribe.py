"""What a stream makes of message numbers and of bytes, without a server."""

from __future__ import annotations

import pytest
from asyncua import ua
from unit.drivers.opcua.opcua_wire import Sample, notification

from drivers.api import Tag
from drivers.opcua import DRIVER
from drivers.opcua.binary import DecodeError
from drivers.opcua.subscribe import Stream

LAST = 2**32 - 1


@pytest.fixture
def stream():
    config = DRIVER.config(driver="opcua", url="opc.tcp://plc")
    tags = [Tag(f"t{n}", f"i={n}") for n in range(3)]
    plan = DRIVER.plan(config, tags, device="d", group="g")
    return Stream(plan, services=None, on_restamped=lambda count: None)


def feed(stream, *handles):
    sample = Sample(ua.Variant(1, ua.VariantType.Int16))
    body = notification([(handle, sample) for handle in handles])
    stream.on_changes(body, 0, len(body), read_ns=1_750_000_000_000_000_000)


@pytest.mark.parametrize(
    ("messages", "gaps"),
    [
        ([(1, True), (2, True), (3, True)], 0),
        ([(1, False), (1, True), (2, False), (2, True)], 0),
        ([(5, True), (6, True)], 0),
        ([(1, True), (4, True)], 2),
        ([(1, True), (4, False), (4, True)], 2),
        ([(1, True), (1, False), (2, True), (0, False), (3, True)], 0),
        ([(LAST - 1, True), (LAST, True), (1, True)], 0),
        ([(LAST, True), (2, True)], 1),
        ([(5, True), (3, True), (4, True)], 0),
    ],
)
async def test_numbers_that_never_came_are_counted(stream, messages, gaps):
    """A jump in the numbers is told with the next frame; keep-alive messages use none up."""
    for sequence, has_data in messages:
        stream.on_message(sequence, has_data=has_data)
    feed(stream, 0, 1)
    assert stream.gaps == gaps
    assert (await stream.get()).overflow == gaps


async def test_frames_bear_the_tags_of_their_values(stream):
    """Client handles are the tags' places; a message of all of them needs no columns."""
    feed(stream, 2, 0, 2)
    feed(stream, 0, 1, 2)
    first, second = await stream.get(), await stream.get()
    assert (first.columns, first.values) == ((2, 0, 2), (1, 1, 1))
    assert (second.columns, second.values) == (None, (1, 1, 1))


def test_strange_points_are_an_error(stream):
    """A client handle that no tag has is an error, not a value."""
    with pytest.raises(DecodeError, match="client handle 3"):
        feed(stream, 0, 3)
