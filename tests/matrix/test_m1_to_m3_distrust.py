"""M1 to M3: late, misnumbered and malformed answers; no value is ever another's."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

import pytest
from matrix.collecting import MAX_WAIT_S, Collector, serving
from matrix.conftest import FAST_READS, LONG_READS

TIMEOUT_S = 0.03
LATE_S = 0.06
"""How late answers come: into the next request, or the next connection."""
OWED_S = 0.3
"""How long the driver reckons with a late answer."""
STRICT, UNIT, OFF = ({"transaction_ids": mode} for mode in ("strict", "unit", "off"))
UNRESTING = {"pause_alike_s": 0}
"""Thousands of reads on end, all alike: only where answers come twice the rest is needed."""


@dataclass(frozen=True)
class Case:
    """One personality, or several, on one transport."""

    row: str
    name: str
    transport: str
    moods: tuple[str, ...]
    settings: dict = field(default_factory=dict)
    units: tuple[int, ...] = (1, 2)
    share: float = 0.02
    """How many answers are spoilt."""
    useless: bool = False
    """Whether no answer at all can be taken."""
    lengths: tuple[int, ...] = (8,)

    @property
    def rests(self):
        """Whether the line rests between any two of these reads."""
        alike = self.settings.get("transaction_ids") != "strict"
        return self.transport == "rtu" or (alike and "pause_alike_s" not in self.settings)

    @property
    def id(self):
        return f"{self.row}-{self.name}-{self.transport}" + "".join(
            f"-{value}" for key, value in self.settings.items() if key == "transaction_ids"
        )


def late(row, name, transport, *moods, settings=STRICT, **more):
    """Make a case of late answers; what else is wrong with them is so all the time."""
    return Case(row, name, transport, moods, settings | UNRESTING, share=0.005, **more)


M1 = [
    late("M1", "late", "tcp", f"late:{LATE_S}@"),
    late("M1", "late-elsewhere", "tcp", f"late-other:{LATE_S}@"),
    late("M1", "late", "udp", f"late-other:{LATE_S}@"),
    late("M1", "just-in-time", "tcp", "late:0.01@"),
]
M2 = [
    late("M2", "id-zero", "tcp", f"late-other:{LATE_S}@", "id-zero", settings=UNIT),
    late("M2", "id-constant", "tcp", f"late-other:{LATE_S}@", "id-constant", settings=UNIT),
    late("M2", "id-plus-one", "tcp", f"late-other:{LATE_S}@", "id-plus-one", settings=UNIT),
    late("M2", "id-zero", "tcp", f"late-other:{LATE_S}@", "id-zero", settings=OFF, units=(1,)),
    late("M2", "id-zero", "tcp", f"late:{LATE_S}@", "id-zero", useless=True),
    late("M2", "id-constant", "tcp", f"late:{LATE_S}@", "id-constant:70000", useless=True),
    late("M2", "id-plus-one", "tcp", f"late:{LATE_S}@", "id-plus-one", useless=True),
    late("M2", "no-id", "rtu-tcp", f"late-other:{LATE_S}@", settings={}),
    late(
        "M2", "no-id-two-lengths", "rtu-tcp", f"late-other:{LATE_S}@", settings={}, lengths=(8, 9)
    ),
    late("M2", "no-id", "ascii-tcp", f"late-other:{LATE_S}@", settings={}),
    late("M2", "no-id", "rtu", f"late:{LATE_S}@", settings={}),
]
MALFORMED = (
    "wrong-unit", "wrong-function", "count-short", "count-long", "count-odd", "count-lying",
    "length", "short", "long", "garbage", "merged", "torn", "cut", "noise", "duplicate",
)  # fmt: skip
M3 = [
    Case("M3", name, transport, (f"{name}@",), settings | (
        {} if name == "duplicate" else UNRESTING
    ), units=units)
    for transport, settings, units in (
        ("tcp", STRICT, (1, 2)), ("tcp", UNIT, (1, 2)), ("tcp", OFF, (1,)), ("rtu-tcp", {}, (1, 2)),
        ("ascii-tcp", {}, (1, 2)), ("udp", STRICT, (1, 2)), ("rtu", {}, (1, 2)),
    )
    for name in MALFORMED
    # with `off` the unit of an answer is not looked at: that is what it means
    if not (settings is OFF and name == "wrong-unit")
]  # fmt: skip
OWN_NAME = [
    Case("M3", "own-name", "tcp", ("own-name",), STRICT, useless=True),
    Case("M3", "own-name", "tcp", ("own-name",), UNIT, useless=True),
    Case("M3", "own-name", "tcp", ("own-name",), OFF, units=(1,)),
    Case("M3", "dead", "rtu-tcp", ("dead@",)),
]
EVERYTHING = [
    Case("M3", "everything", transport, tuple(
        f"{name}@" for name in (
            *MALFORMED[:-1], f"late-other:{LATE_S}", "dead", "busy", "exception:2", "heartbeat",
            "close-each", "drip:0.001",
        )
    ), settings | UNRESTING, share=0.002)
    for transport, settings in (
        ("tcp", STRICT), ("tcp", UNIT), ("rtu-tcp", {}), ("ascii-tcp", {}), ("udp", STRICT),
        ("rtu", {}), ("dtu", {}),
    )
]  # fmt: skip
M3 += OWN_NAME + EVERYTHING
FAST_M3 = [
    case for case in M3
    if case not in OWN_NAME + EVERYTHING
    and (case.transport == "rtu-tcp"
    or (case.transport == "tcp" and case.settings.items() >= STRICT.items())
    or (case.transport in {"rtu", "udp"} and case.name in {"wrong-unit", "count-odd", "merged"})
    or case.name in {"garbage", "duplicate"})
]  # fmt: skip
SHARE_OF_LONG = 0.005
"""How many answers are spoilt where there are many reads: 500 of each kind."""
FEW = 0.1
"""Share of the reads where a line must rest between frames, or each read is a connection."""


def reads_of(case, reads):
    """Tell how many reads a case gets."""
    return int(reads * FEW) if case.rests or case.useless else reads


async def judged(case, reads):
    """Read so often, then sanely; gives the tally and how many sane reads brought nothing."""
    share = case.share if reads < LONG_READS else min(case.share, SHARE_OF_LONG)
    moods = [mood if mood[-1] != "@" else f"{mood}{share}" for mood in case.moods]
    settings = {"timeout_s": TIMEOUT_S, "late_s": OWED_S} | case.settings
    async with serving(case.transport, moods=moods, units=case.units) as (bus, found):
        async with Collector(bus, found | settings, lengths=case.lengths) as collector:
            tally = deepcopy(await collector.run(reads))
            bus.temper.set()
            in_vain = 0
            while not await collector.read(collector.plans[0]):
                in_vain += 1
                assert in_vain < 100, collector.tally.line
        assert bus.temper.acted.total() > 0
    assert collector.tally.wrong == []
    return tally, in_vain


def may_wait_for(case):
    """Tell how many sane reads may be in vain.

    One; more while earlier answers are still on their way; without ids, all until a doubt is over.
    """
    if case.settings.get("transaction_ids") != "strict":
        return int(OWED_S / MAX_WAIT_S) + 1
    return 4 if any("late" in mood for mood in case.moods) else 1


@pytest.mark.parametrize(
    "case", [*M1, *M2, *FAST_M3, *OWN_NAME, *EVERYTHING], ids=lambda case: case.id
)
async def test_no_wrong_value(case, report):
    """Of thousands of reads none brings a wrong value, most bring the right ones, all go on."""
    tally, in_vain = await judged(
        case, reads_of(case, FAST_READS // (2 if case.row == "M3" else 1))
    )
    report(f"{tally.line} in_vain_afterwards={in_vain}")
    assert in_vain <= may_wait_for(case)
    assert (tally.good == 0) if case.useless else (tally.good > tally.reads * 8 * 0.8)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", [*M1, *M2, *M3], ids=lambda case: case.id)
async def test_no_wrong_value_in_a_hundred_thousand(case, report):
    """The same over 100,000 reads (10,000 on a line)."""
    tally, in_vain = await judged(case, reads_of(case, LONG_READS))
    report(f"{tally.line} in_vain_afterwards={in_vain}")
    assert in_vain <= may_wait_for(case)
