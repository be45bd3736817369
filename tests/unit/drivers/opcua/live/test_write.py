"""Writes to a real server: once, in the node's own type, exactly, and read back."""

from __future__ import annotations

import asyncio

import pytest
from asyncua import ua
from unit.drivers.opcua.opcua_server import NAMESPACE, OpcuaPeer

from drivers.api import Access, DataType, SessionLost, Tag
from drivers.opcua import DRIVER
from drivers.opcua import write as writing

T = ua.VariantType
HELD = {
    "Boolean": (T.Boolean, False), "SByte": (T.SByte, 0), "Byte": (T.Byte, 0),
    "Int16": (T.Int16, 0), "UInt16": (T.UInt16, 0), "Int32": (T.Int32, 0),
    "UInt32": (T.UInt32, 0), "Int64": (T.Int64, 0), "UInt64": (T.UInt64, 0),
    "Float": (T.Float, 0.0), "Double": (T.Double, 0.0), "Text": (T.String, "x"),
    "Array": (T.Int32, [1, 2]), "ReadOnly": (T.Int32, 5),
}  # fmt: skip
VARIABLES = {name: ua.Variant(value, kind) for name, (kind, value) in HELD.items()}


@pytest.fixture(scope="module")
def server():
    peer = OpcuaPeer(VARIABLES, writable=tuple(name for name in VARIABLES if name != "ReadOnly"))
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def tags():
    """One writable tag per variable."""
    return {
        name: Tag(name.lower(), f"nsu={NAMESPACE};s={name}", access=Access.READ_WRITE)
        for name in (*VARIABLES, "Missing")
    }


class Writing:
    """One session with a plan of all tags."""

    def __init__(self, session, plan):
        self.session = session
        self.plan = plan

    async def __call__(self, tag, value):
        (result,) = await self.session.write(self.plan, {tag: value})
        assert result.written == (not result.reason)
        return result.reason

    async def holds(self, tag):
        frame = await self.session.read(self.plan)
        return frame.values[self.plan.tags.index(tag)]


@pytest.fixture
async def write(server, tags):
    config = DRIVER.config(driver="opcua", url=server.url, timeout_s=3)
    plan = DRIVER.plan(config, list(tags.values()), device="d", group="write")
    async with DRIVER.open(DRIVER.link(config)) as session:
        yield Writing(session, plan)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Boolean", True), ("SByte", -128), ("Byte", 255), ("Int16", -32768), ("UInt16", 65535),
        ("Int32", -(2**31)), ("UInt32", 2**32 - 1), ("Int64", -(2**63)), ("UInt64", 2**64 - 1),
        ("Float", 0.5), ("Float", 16_777_216), ("Double", 0.1), ("Double", -7), ("Int32", 4.0),
    ],
)  # fmt: skip
async def test_a_value_the_type_holds_is_written_and_read_back(write, tags, name, value):
    """Every numeric type and Boolean takes its extremes, in its own type."""
    tag = tags[name]
    assert await write(tag, value) == ""
    assert await write.holds(tag) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Boolean", 1), ("Byte", 256), ("Byte", -1), ("Int16", 0.5), ("Int32", 2**31),
        ("UInt64", 2**64), ("Float", 0.1), ("Float", 16_777_217), ("Float", 1e39),
        ("Double", 2**53 + 1), ("Double", float("nan")), ("Double", float("inf")),
        ("Int32", True), ("Int32", "7"), ("Int32", None), ("Text", 5), ("Array", 5),
    ],
)  # fmt: skip
async def test_a_value_that_would_become_another_is_not_sent(write, tags, name, value, monkeypatch):
    """Nothing is rounded, cut or converted in silence: what does not fit exactly is not sent."""
    monkeypatch.setattr(writing._Writer, "_send", None)
    assert await write(tags[name], value) == "BadTypeMismatch"


async def test_what_may_not_be_written_is_not_sent(write, tags, monkeypatch):
    """A node that is only read, one that is not there, and a tag without leave are told apart."""
    monkeypatch.setattr(writing._Writer, "_send", None)
    assert await write(tags["ReadOnly"], 6) == "BadNotWritable"
    assert await write(tags["Missing"], 6) == "BadNodeIdUnknown"
    plain = Tag("int32", f"nsu={NAMESPACE};s=Int32")
    assert await write(plain, 6) == "BadNotWritable"
    assert write.session.alive


async def test_a_server_that_says_yes_and_holds_another_is_found_out(write, tags, server):
    """The server's yes is not believed: what it holds afterwards decides."""
    with server.ignoring_writes():
        assert await write(tags["Int32"], 77) == "BadReadBackDiffers"


async def test_a_server_that_shows_the_value_late_is_waited_for(write, tags, server):
    """A gateway shows a value after its next read of the machine: asked again, never sent again."""
    with server.ignoring_writes() as ignored:
        asked = asyncio.ensure_future(write(tags["Int32"], 78))
        async with asyncio.timeout(10):
            await asyncio.to_thread(ignored.first.wait)
        await asyncio.to_thread(server.write, "Int32", 78)
        assert await asked == ""
        assert ignored.count == 1


async def test_a_refusal_is_told_by_its_name(write, tags, server):
    """What the server answers to the write is the reason, and nothing is sent again."""
    with server.ignoring_writes(answer=ua.StatusCodes.BadOutOfRange) as ignored:
        assert await write(tags["Int32"], 5) == "BadOutOfRange"
        assert ignored.count == 1


async def test_without_an_answer_nobody_knows_and_nothing_is_sent_again(server, tags):
    """A write that meets silence is told as such; the session is over and says so."""
    config = DRIVER.config(driver="opcua", url=server.url, timeout_s=0.5)
    plan = DRIVER.plan(config, list(tags.values()), device="d", group="write")
    with server.ignoring_writes(hold_s=2.0) as ignored:
        async with DRIVER.open(DRIVER.link(config)) as session:
            (result,) = await session.write(plan, {tags["Int32"]: 9})
            assert result.reason == "BadTimeout"
            with pytest.raises(SessionLost):
                await session.read(plan)
        assert ignored.count == 1


async def test_writes_go_one_by_one_and_each_has_its_result(write, tags):
    """Of several values one that does not fit keeps none of the others from being written."""
    wanted = {tags["Int16"]: 12, tags["Byte"]: 300, tags["Double"]: 1.5}
    results = await write.session.write(write.plan, wanted)
    assert [(r.tag, r.reason) for r in results] == [
        (tags["Int16"], ""), (tags["Byte"], "BadTypeMismatch"), (tags["Double"], ""),
    ]  # fmt: skip


def test_a_part_of_a_value_cannot_be_planned_for_writing(server):
    """An element of an array would take its neighbours along: refused before anything is asked."""
    config = DRIVER.config(driver="opcua", url=server.url)
    part = Tag("a", f"nsu={NAMESPACE};s=Array#[1]", DataType.INT32, access=Access.READ_WRITE)
    with pytest.raises(Exception, match="cannot be written"):
        DRIVER.plan(config, [part], device="d", group="g")
