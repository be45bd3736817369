"""U7 and U8: servers whose clock is years off, renewals under load, certificates nobody likes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from matrix.opcua.hosting import Host, machine, running
from system.waiting import until
from unit.drivers.opcua.security.certificates import key, make, pem

from drivers.api import AccessError, ClockSource, Tag
from drivers.opcua import DRIVER
from simulators.opcua.access import Access
from simulators.opcua.certificates import server_pair
from simulators.opcua.clock import DeviceClock
from simulators.opcua.device import APPLICATION_URI, Device
from simulators.opcua.plain import Plain
from simulators.opcua.space import MACHINES_NAMESPACE

STRONGEST = "Aes256_Sha256_RsaPss"
HELD = (-(2**31),)
"""What Still.Int32 holds."""
FAST_RENEWALS = 100
LONG_RENEWALS = 2_000


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Give a folder with the servers' certificates and with ours: keys take long to make."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "own.pem").write_bytes(pem(make("agent", uri="urn:agent")))
    (folder / "own.key").write_bytes(pem(key()))
    return folder


@pytest.fixture
def access(made_once):
    """Give a protected server's settings, by the kind of its certificate."""
    return lambda kind="good": Access(
        policies=(STRONGEST,), pki=made_once / "server", certificate=kind
    )


@pytest.fixture
def visitor(made_once, tmp_path):
    """Give the agent's settings: its own certificate, and a folder in which it trusts nobody."""
    own = {"certificate": made_once / "own.pem", "key": made_once / "own.key"}
    return {"security": STRONGEST, "pki": tmp_path / "agent"} | own


async def changed(device):
    """Wait until every counting variable was written anew."""
    goal = len(device.historian.past("V0")) + 2
    await until(
        lambda: len(device.historian.past("V0")) >= goal, within_s=10, what="the machine lives"
    )


async def test_u7_a_clock_that_is_years_off(report):
    """U7: no change is lost, and none bears a time that its server made up."""
    lines = []
    async with machine() as device:
        for setting in ("true", "+1y", "-1y", "2000-01-01"):
            device.clock.set(setting)
            began_ns = time.time_ns()
            await changed(device)  # nothing is left that bears the clock of before
            host = Host(device)
            async with running(host.listen()):
                await host.hears(changes=30)
            steps = host.steps
            lines.append(f"clock {setting}: {len(steps)} steps, {steps.count(1)} of one change")
            assert set(steps) == {1}
            times = sorted(at for heard in host.heard.values() for at in heard)
            assert times[-1] <= time.time_ns()
            # only what the variables held before the host came may be older
            assert times[len(host.names)] >= began_ns - 10**9
            stamped_by = ClockSource.DEVICE if setting == "true" else ClockSource.AGENT
            assert host.clocks == {stamped_by}
    report("; ".join(lines))


async def _renewals(access, visitor, report, *, count):
    async with machine(access=access(), clock=DeviceClock("-1y")) as device:
        host = Host(device, server_certificate=certificate_of(device), **visitor)
        async with running(host.listen()):
            await host.hears()
            for number in range(count):
                if number % 10 == 0:
                    await host.hears(changes=1)
                await host.session._services.renew_channel()
                # asyncua's server never comes back from two renewals with nothing said between
                await host.session.read(host.plan)
            await host.hears()
    steps = host.steps
    report(f"{count} renewals, {len(steps)} changes, {len(steps) - steps.count(1)} drops")
    assert host.sessions == 1
    assert set(steps) == {1}
    assert len(steps) >= len(host.names) * count // 10


async def test_u7_a_hundred_renewals_under_load(access, visitor, report):
    """U7: over 100 renewals of an encrypted channel, with values flowing, no change is lost."""
    await _renewals(access, visitor, report, count=FAST_RENEWALS)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_u7_thousands_of_renewals_under_load(access, visitor, report):
    """U7: nor over thousands."""
    await _renewals(access, visitor, report, count=LONG_RENEWALS)


def certificate_of(device):
    """Give the file of a server's certificate."""
    pair = server_pair(
        device.access.pki, kind=device.access.certificate, uri=APPLICATION_URI, host=device.host
    )
    return pair.certificate


async def read(device, visitor, **settings):
    """Read one value of a protected server."""
    config = DRIVER.config(driver="opcua", url=device.url, **visitor, **settings)
    tags = [Tag("v", f"nsu={MACHINES_NAMESPACE};s=Still.Int32")]
    plan = DRIVER.plan(config, tags, device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        return (await session.read(plan)).values


FLAWS = {
    "good": None,
    "expired": "expired",
    "other-uri": "application",
    "chain": None,
    "not-yet": "not valid yet",
    "other-host": None,
}
"""Kind of certificate -> the word for what trust does not bear."""
LONG = pytest.mark.long


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=() if at < 2 else LONG) for at, kind in enumerate(FLAWS)],
)
async def test_u8_the_pin_rule(kind, access, visitor, report):
    """U8: unseen, nothing is accepted; trust bears no flaw; a pin bears it, and no other server."""
    flaw = FLAWS[kind]
    async with Device(Plain(1), access=access(kind)) as device:
        with pytest.raises(AccessError, match=flaw or "not trusted yet"):
            await read(device, visitor)
        rejected, trusted = visitor["pki"] / "rejected", visitor["pki"] / "trusted"
        (shown,) = (rejected / "certs").glob("*.der")
        assert shown.read_bytes() == certificate_of(device).read_bytes()
        shutil.copytree(rejected / "certs", trusted / "certs", dirs_exist_ok=True)
        if flaw is None:
            assert await read(device, visitor) == HELD
        else:
            with pytest.raises(AccessError, match=flaw):
                await read(device, visitor)
        assert await read(device, visitor, server_certificate=certificate_of(device)) == HELD
        with pytest.raises(AccessError, match="certificate"):
            await read(device, visitor, server_certificate=Path("0" * 64))
    report(f"unseen refused, trusted {'refused' if flaw else 'read'}, pinned read")


@pytest.mark.long
async def test_u8_a_weak_key_is_never_accepted(access, visitor):
    """U8: a key that can be broken proves nothing, pinned or not."""
    async with Device(Plain(1), access=access("old")) as device:
        for pin in ({}, {"server_certificate": certificate_of(device)}):
            with pytest.raises(AccessError, match="no RSA key of 2048"):
                await read(device, visitor, **pin)
