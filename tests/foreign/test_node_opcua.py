"""The driver against a server nobody here wrote: node-opcua, in JavaScript (tests/peers)."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from foreign.node_server import NODES, TURN, URI, held
from pydantic import SecretStr

from drivers.api import AccessError, ClockSource, Quality, Tag
from drivers.opcua import DRIVER
from drivers.testing.frames import assert_frame_valid, tag_positions

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(240)]

COUNT = 240
STILL = {
    "Boolean": True,
    "SByte": -128,
    "Byte": 255,
    "Int16": -32768,
    "UInt16": 65535,
    "Int32": -(2**31),
    "UInt32": 2**32 - 1,
    "Int64": -2,
    "UInt64": 2**64 - 1,
    "Float": 0.5,
    "Double": -1.0e300,
    "String": "主轴转速",
    "DateTime": "2024-02-29T12:34:56.789000Z",
    "Guid": "72962b91-fa75-4ae6-8d28-b404dc7daf63",
    "ByteString": "0001feff",
    "LocalizedText": "车间",
    "QualifiedName": "Name",
}


@pytest.fixture(scope="module")
def url(node_opcua):
    with node_opcua(
        "--variables", str(COUNT), "--interval-ms", "50", "--user", "op:geheim",
        "--max-read", "50", "--max-monitored", "40",
    ) as found:  # fmt: skip
        yield found


def planned(url, names, **settings):
    config = DRIVER.config(driver="opcua", url=url, **({"security": "none"} | settings))
    tags = [Tag(name, f"{NODES}{name}") for name in names]
    plan = DRIVER.plan(config, tags, device="peer", group="all")
    return DRIVER.link(config), plan


async def read(link, plan):
    async with DRIVER.open(link) as session:
        frame = await session.read(plan)
    assert_frame_valid(frame, plan, complete=True)
    return frame


async def test_every_scalar_type_is_read(url):
    """Every scalar type arrives with its value and its Python type."""
    frame = await read(*planned(url, [f"Still.{kind}" for kind in STILL]))
    assert frame.values == tuple(STILL.values())
    assert [type(value) for value in frame.values] == [type(value) for value in STILL.values()]
    assert frame.good
    assert frame.clock is ClockSource.DEVICE


async def test_statuses_arrive_by_name(url):
    """Bad values are no values, uncertain ones are kept, an array is refused by name."""
    names = ["Status.BadNoCommunication", "Status.UncertainLastUsableValue", "Array", "Missing"]
    frame = await read(*planned(url, names))
    assert frame.values == (None, 7, None, None)
    assert frame.qualities == bytes([Quality.BAD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD])
    assert frame.reasons == {
        0: "BadNoCommunication",
        1: "UncertainLastUsableValue",
        2: "BadTypeMismatch",
        3: "BadNodeIdUnknown",
    }


async def test_changes_of_every_variable_arrive_once_and_in_order(url):
    """Over many messages all variables go through the same generations, each once, in order.

    The server may miss a generation when it is late, but then for all variables alike; what the
    driver lost would be missing from some.
    """
    numbers = [n for n in range(COUNT) if TURN[n % len(TURN)] != "Boolean"]
    link, plan = planned(url, [f"V{n}" for n in numbers], publish_interval_s=0.5, queue_size=50)
    found = [[] for _ in numbers]
    overflow = 0
    async with DRIVER.open(link) as session, asyncio.timeout(30):
        stream = session.subscribe(plan, interval_s=0.01)
        async for frame in stream:
            assert_frame_valid(frame, plan)
            overflow += frame.overflow
            for position, at in enumerate(tag_positions(frame)):
                found[at].append(generation_of(numbers[at], frame.values[position]))
            if min(map(len, found)) > 40:
                break
        await stream.aclose()
    assert overflow == 0
    steps = [(later - earlier) % 120 for run in found for earlier, later in pairwise(run)]
    assert all(0 < step < 20 for step in steps)
    assert steps.count(1) > 0.5 * len(steps)
    base = found[0][0]
    start = max((run[0] for run in found), key=lambda first: (first - base + 60) % 120)
    runs = {tuple(run[run.index(start) :][:35]) for run in found}
    assert len(runs) == 1


def generation_of(n, value):
    """Tell in which generation, of 120, variable n holds a value."""
    h = float(value) * 4 if TURN[n % len(TURN)] in {"Float", "Double"} else int(value)
    return int(h - n) % 120


async def test_values_of_one_moment_belong_together(url):
    """Every value of a read is what its variable held in one generation, or the next."""
    names = ["Generation", *(f"V{n}" for n in range(30))]
    frame = await read(*planned(url, names))
    generation = frame.values[0]
    for n, value in enumerate(frame.values[1:]):
        assert value in {held(n, generation), held(n, generation + 1)}


async def test_password_goes_encrypted(url):
    """Where a plain connection is allowed, the server's certificate still hides the password."""
    login = {"username": "op", "password": SecretStr("geheim"), "allow_plain_password": True}
    link, plan = planned(url, ["Still.Int32"], **login)
    assert (await read(link, plan)).values == (-(2**31),)
    link, plan = planned(url, ["Still.Int32"], **login | {"password": SecretStr("falsch")})
    with pytest.raises(AccessError):
        await read(link, plan)


async def test_server_says_who_it_is(url):
    """The server's own words fill the identity."""
    link, plan = planned(url, ["Still.Int32"])
    async with DRIVER.open(link) as session:
        found = await session.identify(plan)
    assert (found.maker, found.model, found.firmware) == ("Sterfive", "Peer", "1.0.0")
    assert found.uri == f"{URI}:server"


async def test_login_is_asked_for(node_opcua):
    """A server without anonymous access is an AccessError that says what to set."""
    with node_opcua("--variables", "1", "--anonymous", "no", "--user", "op:geheim") as url:
        link, plan = planned(url, ["Still.Int32"])
        with pytest.raises(AccessError, match="no anonymous") as caught:
            await read(link, plan)
    assert "username" in caught.value.hint
