"""Who is behind a server: the machine it speaks for, never another, and the server before it."""

from __future__ import annotations

import pytest
from unit.drivers.opcua.live.machines import SHOP, Shop
from unit.drivers.opcua.opcua_server import OpcuaPeer

from drivers.api import Tag
from drivers.opcua import DRIVER, identity


@pytest.fixture(scope="module")
def shop():
    """One server for all tests of this file: building one takes seconds."""
    with Shop() as found:
        yield found


@pytest.mark.parametrize("machine", ["V1", f"{SHOP}V1"], ids=["by name", "by node"])
async def test_the_named_machine_says_who_it_is(shop, machine):
    """Of two machines behind one server the configured one is identified, in its own words."""
    config = shop.config(machine=machine)
    async with DRIVER.open(DRIVER.link(config)) as session:
        found = await session.identify(shop.plan(config))
    assert (found.maker, found.model, found.serial) == ("楚联仿真机床", "VMC850", "SIM-V1-0001")
    assert found.firmware == "1.0.0"
    assert found.uri == "urn:chulian:simulator:VMC850:V1"
    raw = dict(found.raw)
    assert raw["Machine.YearOfConstruction"].isdigit()
    assert raw["ManufacturerName"] == "Chulian simulator"  # the server, kept apart


@pytest.mark.parametrize("machine", ["", "X9", f"{SHOP}X9"], ids=["unnamed", "wrong", "no node"])
async def test_another_machine_is_never_taken(shop, caplog, machine):
    """Without a name, or with a wrong one, only the server is identified and people are told."""
    config = shop.config(machine=machine)
    async with DRIVER.open(DRIVER.link(config)) as session:
        found = await session.identify(shop.plan(config))
    assert (found.maker, found.model, found.serial) == (
        "Chulian simulator", "Chulian simulated device", "",
    )  # fmt: skip
    assert ("L1, V1" in caplog.text) == ("=" not in machine)


async def test_the_only_machine_needs_no_name():
    """A machine that is alone behind its server is taken without being named."""
    with Shop(machines=1) as shop:
        config = shop.config()
        async with DRIVER.open(DRIVER.link(config)) as session:
            found = await session.identify(shop.plan(config))
    assert found.model == "CK6150"


async def test_a_server_without_companions_is_identified_itself(peer):
    """Where nothing of a machine is shown the server's own words are all there is."""
    assert isinstance(peer, OpcuaPeer)
    config = DRIVER.config(driver="opcua", url=peer.url)
    plan = DRIVER.plan(config, [Tag("x", "i=2258")], device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        found = await session.identify(plan)
    assert found.serial == ""
    assert dict(found.raw)["ApplicationUri"] == found.uri


async def test_names_of_machines_are_fit_for_a_log(shop, caplog):
    """A machine's name is its server's word: it adds no line of its own to the log."""
    config = shop.config()
    plan = shop.plan(config)
    machines = [identity.Child(f"M{n}\nFAKE \x1b[2J", None, None) for n in range(2)]
    identity._tell_choice(plan, machines)
    (record,) = caplog.records
    assert record.getMessage().isprintable()
