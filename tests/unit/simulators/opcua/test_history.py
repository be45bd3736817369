"""The history a server keeps, asked as HistoryRead asks it."""

from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua

from simulators.opcua.history import Historian

START = datetime(2026, 3, 1, tzinfo=UTC)
NO_TIME = datetime(1601, 1, 1, tzinfo=UTC)


def at(second):
    return START + timedelta(seconds=second)


@pytest.fixture
def historian():
    made = Historian(depth=50, portion=10)
    made.serve(lambda node_id: node_id.Identifier if node_id.NamespaceIndex == 2 else None)
    for name, offset in (("V1", 0), ("V0", 1_000)):
        for second in range(60):
            made.record(name, ua.DataValue(ua.Variant(offset + second), SourceTimestamp=at(second)))
    return made


async def ask(historian, start, end, *, most=0, point=None, node="V1", release=False):
    node_id = ua.NodeId(node, 2)
    params = ua.HistoryReadParameters(
        HistoryReadDetails=ua.ReadRawModifiedDetails(False, start, end, most, False),
        ReleaseContinuationPoints=release,
        NodesToRead=[ua.HistoryReadValueId(NodeId=node_id, ContinuationPoint=point)],
    )
    [found] = await historian.read_history(params)
    return found


def seconds(found):
    return [each.Value.Value for each in found.HistoryData.DataValues]


async def everything(historian, start, end, **more):
    found, point = [], None
    for _ in range(100):
        answer = await ask(historian, start, end, point=point, **more)
        found += seconds(answer)
        point = answer.ContinuationPoint
        if not point:
            break
    return found


async def test_a_span_comes_in_portions_without_hole_or_repeat(historian):
    """Start is included, end is not, and continuation points give the rest in order."""
    assert await everything(historian, at(20), at(55)) == list(range(20, 55))
    assert len(seconds(await ask(historian, at(20), at(55)))) == 10


async def test_the_ring_is_bounded(historian):
    """Only the newest values are kept."""
    assert await everything(historian, at(0), at(100)) == list(range(10, 60))


async def test_backwards_and_open_ends(historian):
    """A later start asks backwards; without an end or a start a number of values is given."""
    assert await everything(historian, at(30), at(25)) == [30, 29, 28, 27, 26]
    assert seconds(await ask(historian, at(50), NO_TIME, most=3)) == [50, 51, 52]
    assert seconds(await ask(historian, NO_TIME, at(50), most=3)) == [50, 49, 48]


async def test_the_clients_maximum_makes_portions_too(historian):
    """With a maximum per node the rest comes with a continuation point."""
    assert await everything(historian, at(20), at(30), most=3) == list(range(20, 30))


async def test_nothing_is_said_as_such(historian):
    """A span without values, an unknown node, a used point, both ends open."""
    codes = [
        (await ask(historian, at(900), at(901))).StatusCode.name,
        (await ask(historian, at(0), at(9), point=b"gone")).StatusCode.name,
        (await ask(historian, NO_TIME, NO_TIME)).StatusCode.name,
    ]
    assert codes == [
        "GoodNoData", "BadContinuationPointInvalid", "BadHistoryOperationInvalid",
    ]  # fmt: skip


async def test_released_points_are_gone(historian):
    """A released continuation point is invalid."""
    point = (await ask(historian, at(20), at(55))).ContinuationPoint
    await ask(historian, at(20), at(55), point=point, release=True)
    answer = await ask(historian, at(20), at(55), point=point)
    assert answer.StatusCode.name == "BadContinuationPointInvalid"


async def test_lies(historian):
    """Each mood answers wrongly in its own way."""
    truth = list(range(20, 25))

    async def in_mood(mood):
        historian.mood = mood
        return await ask(historian, at(20), at(25))

    assert seconds(await in_mood("reversed")) == truth[::-1]
    assert max(seconds(await in_mood("outside"))) < 20
    assert seconds(await in_mood("foreign")) == [1_000 + n for n in truth]
    stamped = (await in_mood("restamped")).HistoryData.DataValues
    assert all(each.SourceTimestamp > at(100) for each in stamped)
    assert (await in_mood("empty")).StatusCode.name == "GoodNoData"
    assert (await in_mood("refuse")).StatusCode.name == "BadHistoryOperationUnsupported"
    assert (await in_mood("denied")).StatusCode.name == "BadUserAccessDenied"
    historian.mood = "endless"
    assert len(await everything(historian, at(20), at(25))) == 500


async def test_without_depth_there_is_no_history():
    """A server without history refuses, and keeps nothing."""
    none = Historian()
    none.serve(lambda node_id: node_id.Identifier)
    none.record("V1", ua.DataValue(ua.Variant(1), SourceTimestamp=START))
    assert none.past("V1") == ()
    answer = await ask(none, at(0), at(9))
    assert answer.StatusCode.name == "BadHistoryOperationUnsupported"
