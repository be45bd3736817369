"""U2: notifications get lost, are refused a second time, are misnumbered; every gap is told."""

from __future__ import annotations

import random

import pytest
from matrix.opcua.hosting import Host, machine, running

FAST_FAULTS = 8
LONG_FAULTS = 250


async def lose(device, dice):
    """Lose some messages on their way; the server still has them."""
    device.faults.lose = dice.randint(1, 4)


async def lose_for_good(device, dice):
    """Lose some messages; the server does not have them any more."""
    device.faults.on.add("no-republish")
    device.faults.lose = dice.randint(1, 4)


async def misnumber(device, dice):
    """Give messages the number of the one before."""
    device.faults.on.add("repeat-sequence")


async def end_subscriptions(device, dice):
    """Forget every subscription."""
    await device.kill_subscriptions()


async def end_sessions(device, dice):
    """Forget every session."""
    await device.kill_sessions()


async def hang_up(device, dice):
    """Reset every connection."""
    device.drop_connections()


FAULTS = (lose, lose_for_good, misnumber, end_subscriptions, end_sessions, hang_up)


async def suffer(device, host, fault, dice):
    """Let one fault act until changes arrive again; then it is over."""
    await fault(device, dice)
    await host.goes_on()
    device.faults.recover()
    await host.goes_on()


async def test_u2_each_fault(report):
    """U2: whatever a fault cost lies in a gap that was told, and what follows it arrives."""
    lines = []
    async with machine() as device:
        for fault in FAULTS:
            host = Host(device)
            async with running(host.listen()):
                await host.goes_on()
                for _ in range(2):
                    await suffer(device, host, fault, random.Random(1))
            found = host.judge()
            lines.append(f"{fault.__name__}: {found.line}; {host.line}")
            report(" | ".join(lines))
            assert found.wrong == [], fault
            assert found.unannounced == [], (fault, host.gaps)


async def _any_order(seed, faults, report):
    dice = random.Random(seed)
    async with machine() as device:
        host = Host(device)
        async with running(host.listen()):
            await host.goes_on()
            for _ in range(faults):
                await suffer(device, host, dice.choice(FAULTS), dice)
    found = host.judge()
    report(f"seed {seed}: {faults} faults; {found.line}; {host.line}")
    assert found.changes > 10 * faults
    assert found.wrong == []
    assert found.unannounced == [], host.gaps


async def test_u2_faults_in_any_order(report):
    """U2: no order of these faults makes a gap that is not told."""
    await _any_order(1, FAST_FAULTS, report)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(10, 13))
async def test_u2_many_faults_in_any_order(seed, report):
    """U2: nor do hundreds of them."""
    await _any_order(seed, LONG_FAULTS, report)
