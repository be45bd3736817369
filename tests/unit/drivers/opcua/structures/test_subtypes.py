"""Structures that stand in the place of an abstract one: read by the type that the value names."""

from __future__ import annotations

import asyncio
import struct

import pytest
from asyncua import Server, ua

from drivers.api import Tag
from drivers.opcua import DRIVER

SPACE = "urn:chulian:subtypes"
BASE, PART, MILL, OTHER, HOLDER = range(100, 105)
DOUBLE, STRUCTURE = ua.NodeId(11), ua.NodeId(22)


def encoding(number, index):
    return ua.NodeId(number + 100, index)


def extension(number, index, body):
    return ua.ExtensionObject(encoding(number, index), body)


def wired(number, index, body):
    """Encode a structure that says itself what it is."""
    return struct.pack("<BBHBi", 1, index, number + 100, 1, len(body)) + body


async def define(server, index, number, *, parent, kind=0, fields=()):
    """Add a data type with its definition and the id of its encoding."""
    name = f"Type{number}"
    parent = server.get_node(parent)
    node = await parent.add_data_type(ua.NodeId(number, index), ua.QualifiedName(name, index))
    definition = ua.StructureDefinition(
        encoding(number, index), parent.nodeid, ua.StructureType(kind),
        [ua.StructureField(Name=n, DataType=t, ValueRank=-1, IsOptional=kind == 3)
         for n, t in fields],
    )  # fmt: skip
    await node.write_data_type_definition(definition)
    return node.nodeid


@pytest.fixture
async def url():
    """A server whose variables hold concrete structures where abstract ones are declared."""
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(SPACE)
    base = await define(server, index, BASE, parent=STRUCTURE)
    part = await define(server, index, PART, parent=base)
    await define(server, index, MILL, parent=part, fields=[("Feed", DOUBLE)])
    await define(server, index, OTHER, parent=STRUCTURE, fields=[("Load", DOUBLE)])
    fields = [("Job", base), ("Any", STRUCTURE), ("Last", DOUBLE)]
    holder = await define(server, index, HOLDER, parent=STRUCTURE, kind=3, fields=fields)
    held = b"".join((
        wired(MILL, index, struct.pack("<d", 12.5)),
        wired(OTHER, index, struct.pack("<d", 0.75)),
        b"\x0b" + struct.pack("<d", 3.25),  # what allows subtypes of Double is a variant
    ))  # fmt: skip
    for name, kind, value in (
        ("Abstract", base, extension(MILL, index, struct.pack("<d", 42.5))),
        ("Holder", holder, extension(HOLDER, index, held)),
    ):
        await server.nodes.objects.add_variable(
            ua.NodeId(name, index), name, ua.Variant(value, ua.VariantType.ExtensionObject),
            datatype=kind,
        )  # fmt: skip
    async with server:
        port = server.bserver._server.sockets[0].getsockname()[1]
        yield f"opc.tcp://127.0.0.1:{port}"


async def read(url, *addresses):
    config = DRIVER.config(driver="opcua", url=url, security="none")
    tags = [Tag(a, f"nsu={SPACE};s={a}") for a in addresses]
    plan = DRIVER.plan(config, tags, device="cnc", group="all")
    async with DRIVER.open(DRIVER.link(config)) as session, asyncio.timeout(60):
        return list((await session.read(plan)).values)


async def test_the_value_names_its_type(url):
    """A variable and a field of an abstract type give the fields of what stands there."""
    found = await read(url, "Abstract#Feed", "Holder#Job.Feed", "Holder#Any.Load", "Holder#Last")
    assert found == [42.5, 12.5, 0.75, 3.25]


async def test_a_field_that_the_concrete_type_lacks_has_no_value(url):
    """What another subtype has is not looked for in this one."""
    assert await read(url, "Abstract#Load") == [None]
