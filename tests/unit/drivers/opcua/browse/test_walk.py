"""The walk on servers without end, in circles, and with names made to do harm."""

from __future__ import annotations

import logging

import pytest
from asyncua import ua

from drivers.api import AddressError
from drivers.opcua.browse import walk as walking
from drivers.opcua.browse.asking import browse
from drivers.opcua.browse.walk import walk
from drivers.opcua.calls import Limits, TooMany
from drivers.opcua.decoding.items import Columns
from drivers.opcua.structures.layout import Layouts

URI = "urn:rogue"
OBJECTS = (0, 85)


class Rogue:
    """A server of which only the answers exist; `children` gives them by node key."""

    def __init__(self, children, *, limit=10_000):
        self.children = children
        self.limits = Limits()
        self.layouts = Layouts()
        self.limit = limit
        self.points = {}
        self.released = []
        self.browsed = 0

    def node_ids(self, addresses, namespaces):
        return [
            ua.NodeId(one.identifier, namespaces.index(one.uri) if one.uri else one.index)
            for one in addresses
        ]

    async def read(self, nodes):
        return Columns((), [7] * len(nodes))

    async def ask(self, request, _answer, *, what):
        return getattr(self, f"_{what.lower()}")(request.Parameters)

    def _read(self, parameters):
        if len(parameters.NodesToRead) > self.limit:
            raise TooMany("too many", wait_s=1)
        answers = {
            ua.AttributeIds.BrowseName: ua.QualifiedName("x", 1),
            ua.AttributeIds.NodeClass: ua.NodeClass.Object,
            ua.AttributeIds.DataType: ua.NodeId(ua.ObjectIds.Int32),
        }
        result = ua.ReadResponse()
        result.Results = [
            ua.DataValue(_Held(answers.get(one.AttributeId))) for one in parameters.NodesToRead
        ]
        return result

    def _browse(self, parameters):
        if len(parameters.NodesToBrowse) > self.limit:
            raise TooMany("too many", wait_s=1)
        self.browsed += len(parameters.NodesToBrowse)
        result = ua.BrowseResponse()
        result.Results = [self._one(description) for description in parameters.NodesToBrowse]
        return result

    def _one(self, description):
        node = description.NodeId
        if description.ReferenceTypeId.Identifier != 33:
            return ua.BrowseResult(References=[])
        return self._portion(list(self.children((node.NamespaceIndex, node.Identifier))))

    def _portion(self, references):
        point = None
        if len(references) > 10:
            point = str(len(self.points)).encode()
            self.points[point] = references[10:]
        return ua.BrowseResult(References=references[:10], ContinuationPoint=point)

    def _browsenext(self, parameters):
        result = ua.BrowseNextResponse()
        (point,) = parameters.ContinuationPoints
        left = self.points.pop(point, [])
        if parameters.ReleaseContinuationPoints:
            self.released.append(point)
            return result
        result.Parameters.Results = [self._portion(left)]
        return result


class _Held:
    """A variant that holds anything."""

    def __init__(self, value):
        self.Value = value


def child(number, name="x", *, kind=ua.NodeClass.Object, space=1):
    return ua.ReferenceDescription(
        ReferenceTypeId=ua.NodeId(47), IsForward=True, NodeId=ua.NodeId(number, space),
        BrowseName=ua.QualifiedName(name, space), NodeClass=kind, TypeDefinition=ua.NodeId(58),
    )  # fmt: skip


def variable(number, name="v"):
    return child(number, name, kind=ua.NodeClass.Variable)


async def found(server, at=None):
    return [point async for point in walk(server, ["http://opcfoundation.org/UA/", URI], at=at)]


async def test_circles_end():
    """A node that is its own grandchild is met once."""
    tree = {OBJECTS: [child(1)], (1, 1): [child(2), variable(9)], (1, 2): [child(1), variable(9)]}
    points = await found(Rogue(lambda key: tree.get(key, ())))
    assert [point.path for point in points] == ["x/v"]


async def test_a_tree_without_end_is_left(monkeypatch, caplog):
    """A server that has always more children costs its bound of nodes, and says so."""
    monkeypatch.setattr(walking, "MOST_NODES", 300)
    fresh = iter(range(1, 10**9))
    server = Rogue(lambda _: [variable(next(fresh)), child(next(fresh)), child(next(fresh))])
    with caplog.at_level(logging.WARNING):
        points = await found(server)
    assert 90 <= len(points) <= 110
    assert server.browsed < 400
    assert "cut short" in caplog.text


async def test_names_cost_their_bound(monkeypatch):
    """Names of a megabyte are shortened before they are kept."""
    monkeypatch.setattr(walking, "MOST_BYTES", 100_000)
    fresh = iter(range(1, 10**9))
    points = await found(Rogue(lambda _: [variable(next(fresh), "n" * 1_000_000) for _ in "abc"]))
    assert 0 < len(points) < 1_000
    assert max(len(point.name) for point in points) == 128


async def test_depth_is_bounded():
    """A chain of objects ends at the deepest level that is looked at."""

    def below(key):
        number = int(key[1])
        return [child(number + 1), variable(10_000 + number)] if number < 10_000 else ()

    points = await found(Rogue(below))
    assert len(points) == walking.MOST_DEPTH


async def test_what_is_not_followed_is_given_back(monkeypatch):
    """A continuation point that is not followed to its end is released."""
    server = Rogue(lambda _: [child(n) for n in range(1_000)])
    asked = walking.below(ua.NodeId(85), reference=33)
    ((references, complete),) = await browse(server, [asked], most=50)
    assert (len(references), complete) == (50, False)
    assert len(server.released) == 1
    assert server.points == {}
    ((references, complete),) = await browse(server, [asked])
    assert (len(references), complete) == (1_000, True)


async def test_a_server_that_continues_with_nothing_is_left():
    """Continuation points without references do not go on for ever."""
    server = Rogue(lambda _: ())
    server._portion = lambda _: ua.BrowseResult(References=[], ContinuationPoint=b"again")
    server.points = {b"again": []}
    asked = walking.below(ua.NodeId(85), reference=33)
    ((references, _),) = await browse(server, [asked])
    assert references == []


async def test_a_server_with_one_continuation_point_loses_nothing():
    """Nodes for which the server has no continuation point left are asked again, alone."""
    tree = {OBJECTS: [child(n) for n in range(1, 6)]}
    tree |= {(1, n): [variable(100 * n + v, f"v{v}") for v in range(25)] for n in range(1, 6)}
    server = Rogue(lambda key: tree.get(key, ()))
    plain = server._portion

    def portion(references):
        if len(references) > 10 and server.points:
            return ua.BrowseResult(ua.StatusCode(ua.StatusCodes.BadNoContinuationPoints))
        return plain(references)

    server._portion = portion
    assert len(await found(server)) == 125


async def test_a_server_that_takes_little_is_asked_for_little():
    """What is refused as too much is halved, down to one, and nothing is lost."""
    tree = {OBJECTS: [variable(n, f"v{n}") for n in range(60)]}
    server = Rogue(lambda key: tree.get(key, ()), limit=7)
    points = await found(server)
    assert {point.name for point in points} == {f"v{n}" for n in range(60)}
    assert server.limits.read <= 7


HOSTILE = {
    "<script>alert(1)</script>": "<script>alert(1)<_script>",
    "a/../../etc": "a_.._.._etc",
    "+/#": "+_#",
    "a\x1b]0;owned\x07": "a]0;owned",
    "abc\u202egnp": "abcgnp",
    "\x00": "_",
}


async def test_names_made_to_do_harm_stay_names():
    """No name leaves its level of the path, and none can move a cursor."""
    tree = {OBJECTS: [variable(n, name) for n, name in enumerate(HOSTILE, start=1)]}
    points = await found(Rogue(lambda key: tree.get(key, ())))
    assert [point.path for point in points] == list(HOSTILE.values())


async def test_an_address_that_is_not_there_is_said():
    """A start that is no address, or none of the server's, is refused in both languages."""
    server = Rogue(lambda _: ())
    with pytest.raises(AddressError, match="not a NodeId"):
        await found(server, at="nonsense")
    server._read = lambda parameters: ua.ReadResponse(
        Results=[ua.DataValue(StatusCode=ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))]
        * len(parameters.NodesToRead)
    )
    with pytest.raises(AddressError) as caught:
        await found(server, at="nsu=urn:rogue;s=gone")
    assert "没有这个节点" in caught.value.problems[0].why_zh
