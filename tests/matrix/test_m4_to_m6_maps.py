"""M4 to M6: holes, limits, refusals and every type, read from the simulator by the real driver."""

from __future__ import annotations

import pytest
from matrix.collecting import Collector, serving

from drivers.api import DataType, Tag
from drivers.modbus import DRIVER, ModbusConfig
from simulators.modbus.images import MapImage, PatternImage
from simulators.modbus.mapfile import load_map

STILL = {"interval_s": 0}
"""Values that do not change: the blocks of one read may be of different moments."""
MAX_REQUESTS_PER_HOLE = 12


def collector(bus, found, *, length, **settings):
    """Read one plan of so many neighbouring registers, learning."""
    return Collector(
        bus, found | {"learn": True, "timeout_s": 0.1} | settings, starts=(0,), lengths=(length,)
    )


@pytest.mark.parametrize("answer", ["2", "3"])
@pytest.mark.parametrize("hole", [0, 1, 62, 63, 100, 124])
async def test_m4_a_hole_is_learned(hole, answer, report):
    """M4: one bad address of 125 is found in one read of at most 12 requests; the rest is read."""

    def image(unit):
        return PatternImage(unit, holes={("hr", hole)})

    async with serving("tcp", units=(1,), image=image, absent=answer, **STILL) as (bus, found):
        bus.units[1].image = _ReadableWithHoles(bus.units[1].image)
        async with collector(bus, found, length=125) as host:
            await host.read(host.plans[0])
            first = bus.asked[1]
            await host.read(host.plans[0])
            later = bus.asked[1] - first
    report(f"requests: {first} to learn, {later} from then on")
    assert first <= MAX_REQUESTS_PER_HOLE
    assert later == (1 if hole in {0, 124} else 2)
    assert host.tally.wrong == []
    assert host.tally.good == 2 * 124
    assert host.tally.errors == {}
    assert host.tally.reasons.total() == 2


LIMITS = [1, 2, 25, 40, 64, 100, 124]
IN_A_ROW = 10
"""Whole reads after which nothing is searched for any more."""


async def settle(host, *, within_reads):
    """Read until so many reads in a row were whole; gives how many it took."""
    in_a_row, reads = 0, 0
    while in_a_row < IN_A_ROW:
        reads += 1
        in_a_row = in_a_row + 1 if await host.read(host.plans[0]) else 0
        assert reads <= within_reads
    return reads - IN_A_ROW


@pytest.mark.parametrize("refusal", ["2", "3"])
@pytest.mark.parametrize("limit", LIMITS)
async def test_m5_a_limit_is_learned(limit, refusal, report):
    """M5: a device that refuses more registers than it bears is read whole, with the fewest."""
    bearing = {"max_registers": limit, "too_long": refusal}
    async with (
        serving("tcp", units=(1,), **bearing, **STILL) as (bus, found),
        collector(bus, found, length=125) as host,
    ):
        reads = await settle(host, within_reads=IN_A_ROW + 4)
        requests = host.plans[0].requests
    report(f"{reads} reads to learn, {requests} requests from then on, {bus.asked[1]} in all")
    assert host.tally.wrong == []
    assert host.tally.errors == {}
    assert requests == -(-125 // limit)


@pytest.mark.parametrize("limit", LIMITS)
async def test_m5_a_limit_met_with_silence_is_learned(limit, report):
    """M5: a device that keeps silent to more than it bears is read whole after some reads."""
    bearing = {"max_registers": limit, "too_long": "silence"}
    async with (
        serving("tcp", units=(1,), **bearing, **STILL) as (bus, found),
        collector(bus, found, length=125, timeout_s=0.02) as host,
    ):
        reads = await settle(host, within_reads=60)
        requests = host.plans[0].requests
    report(f"{reads} reads to learn, {requests} requests from then on, {host.tally.line}")
    assert host.tally.wrong == []
    assert requests <= 2 * -(-125 // limit)


@pytest.mark.parametrize("code", range(1, 12))
async def test_m5_each_exception_is_told(code, report):
    """M5: each exception gives no value but a reason, or patience; afterwards values come again."""
    async with (
        serving("tcp", units=(1,), moods=[f"exception:{code}"], **STILL) as (bus, found),
        collector(bus, found, length=10, learn=False) as host,
    ):
        assert not await host.read(host.plans[0])
        bus.temper.set()
        assert await host.read(host.plans[0])
    report(host.tally.line)
    assert host.tally.wrong == []
    assert host.tally.good == 10
    assert host.tally.errors == ({"Busy": 1} if code in {5, 6} else {})


TYPES = {
    "": ["int16", "uint16", "bool", "float16", "bcd16"],
    ".3": ["bit"], ".4-7": ["uint16"], "&0x0FF0": ["uint16"], ".h": ["int8", "uint8"],
    ".l": ["int8", "uint8"], "@q8": ["int16", "uint16"], "@BADC": ["int16", "uint16", "float16"],
    "/8": ["string"], "/8@BADC": ["string"], "/8@gb18030": ["string"], "/8@utf-8": ["string"],
    "/8@latin-1": ["string"], "/8@BADC@gb18030": ["string"],
    **{f"@{order}": ["int32", "uint32", "float32", "bcd32", "int64", "uint64", "float64", "bcd64"]
       for order in ("ABCD", "CDAB", "BADC", "DCBA")},
    **{f"@{order}": ["int64", "uint64", "float64", "bcd64"]
       for order in ("ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA", "EFGHABCD", "CDABGHEF")},
    **{f"@{date}": ["datetime"] for date in (
        "unix32", "unix64", "unixms64", "y2000", "ymdhms", "ymd_hms_packed", "bcd", "iec870")},
    "@CDAB@unix32": ["datetime"], "&0x00FFFF00": ["uint32"], "@q8@CDAB": ["int32", "uint32"],
}  # fmt: skip
POINTS = [
    (f"p{at}", f"{'ir' if at % 2 else 'hr'}:{10 * at}{suffix}", data_type)
    for at, (suffix, data_type) in enumerate(
        (suffix, data_type) for suffix, types in TYPES.items() for data_type in types
    )
]


async def read_types(tmp_path, orders, generations):
    """Read every type for so many generations; gives (values compared, the ones that differ)."""
    rows = [",".join(point) for point in POINTS]
    table = tmp_path / "types.yaml"
    lines = [
        f"  - {{name: {name}, address: '{address}', type: {data_type}}}"
        for name, address, data_type in (row.split(",") for row in rows)
    ]
    settings = "".join(f"{key}: {value}\n" for key, value in orders.items())
    table.write_text(f"{settings}tags:\n" + "\n".join(lines), "utf-8")
    points = load_map(table)
    tags = [Tag(name, address, DataType(data_type)) for name, address, data_type in POINTS]
    compared, wrong = 0, []
    async with serving(
        "tcp", units=(1,), image=lambda unit: MapImage(unit, points), **STILL
    ) as (bus, found):  # fmt: skip
        config = ModbusConfig(driver="modbus", max_gap=0, **found, **orders)
        plan = DRIVER.plan(config, tags, device="d", group="g")
        unit = bus.units[1]
        async with DRIVER.open(DRIVER.link(config)) as session:
            for generation in range(generations):
                unit.interval_s, unit.generation = 0, generation
                unit._answers.clear()
                frame = await session.read(plan)
                for name, value in zip((p[0] for p in POINTS), frame.values, strict=True):
                    compared += 1
                    raw = unit.image.raw(name, generation)
                    if value != raw or type(value) is not type(raw):
                        wrong.append((POINTS[int(name[1:])], raw, value))
    return compared, wrong


ORDERS = [{}, {"word_order": "little"}, {"byte_order": "little"}]


@pytest.mark.parametrize("orders", ORDERS, ids=lambda o: "-".join(o) or "big")
async def test_m6_every_type_in_every_order(tmp_path, orders, report):
    """M6: what the simulator's own encoder holds is what the driver reads, type by type."""
    compared, wrong = await read_types(tmp_path, orders, 30)
    report(f"{compared} values of {len(POINTS)} kinds, {len(wrong)} wrong")
    assert wrong == []


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("orders", ORDERS, ids=lambda o: "-".join(o) or "big")
async def test_m6_every_type_a_hundred_thousand_times(tmp_path, orders, report):
    """M6: the same over 100,000 values."""
    compared, wrong = await read_types(tmp_path, orders, 100_000 // len(POINTS) + 1)
    report(f"{compared} values of {len(POINTS)} kinds, {len(wrong)} wrong")
    assert compared >= 100_000
    assert wrong == []


class _ReadableWithHoles:
    """An image whose holes can be asked for by the judge, though no device would answer there."""

    def __init__(self, image):
        self._image = image
        self._whole = PatternImage(image.unit)

    def cells(self, table, start, count, generation):
        """Give cells as the device does."""
        return self._image.cells(table, start, count, generation)

    def judged(self, table, start, count, generation):
        """Give cells as if there were no holes."""
        return self._whole.cells(table, start, count, generation)
