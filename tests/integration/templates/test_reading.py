"""Every template reads, through the real driver, what a simulated device of its map holds."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.config.load import examine
from agent.normalize.normalizer import Normalizer
from drivers.api import Quality
from simulators.modbus.bus import Bus
from simulators.modbus.images import MapImage
from simulators.modbus.mapfile import load_map
from simulators.modbus.streams import StreamServer
from simulators.modbus.units import Unit

TEMPLATES = Path(__file__).resolve().parents[3] / "configs" / "templates"
MODBUS = sorted(p.stem for p in TEMPLATES.glob("*.yaml") if p.stem != "opcua-cnc")
UNITS = (1, 2, 3)
"""Units of one map; each holds other values."""
SHARED_BITS = {"abb-acs580": {"machine.state": "alarm", "alarm.active": True}}
"""Values of points that share bits and so cannot be drawn one by one."""


def engineering(template, unit):
    """Make the image of a unit from a template, by the simulator's own reading of it."""
    points = load_map(TEMPLATES / f"{template}.yaml")
    return MapImage(unit, points, values=SHARED_BITS.get(template))


def loaded(folder, template, **settings):
    """Give the planned device of a template as `agent.yaml` makes it, without a finding."""
    path = folder / "agent.yaml"
    device = json.dumps({"id": "d1", "template": template, **settings})
    path.write_text(
        "gateway: {id: g}\nenterprise: {id: e}\npublish: [{url: 'mqtts://b'}]\n"
        f"devices: [{device}]\n"
    )
    examined = examine(path)
    assert [one.as_dict() for one in examined.problems] == []
    return examined.loaded.devices[0]


@asynccontextmanager
async def serving(template, **settings):
    """Serve three units of a template's map; give the port."""
    units = {unit: Unit(engineering(template, unit), **settings) for unit in UNITS}
    async with StreamServer(Bus(units)) as server:
        yield server.port


async def read(device):
    """Read all groups of a device once; give value, quality and reason by metric."""
    found = {}
    async with device.driver.open(device.link) as session:
        for group in device.groups:
            frame = Normalizer(group.tags).apply(await session.read(group.plan))
            marks = frame.qualities or bytes([Quality.GOOD]) * len(frame.values)
            reasons = frame.reasons or {}
            found |= {
                tag.name: (frame.values[at], Quality(marks[at]), reasons.get(at, ""))
                for at, tag in enumerate(group.tags)
            }
    return found


def good(values):
    """Give what a flawless read of these values is."""
    return {name: (approximately(value), Quality.GOOD, "") for name, value in values.items()}


def approximately(value):
    """Allow a number the rounding of one multiplication; anything else must be equal."""
    plain = isinstance(value, (bool, str))
    return value if plain else pytest.approx(value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("template", MODBUS)
async def test_every_tag_comes_back_good(template, unit, tmp_path):
    """A device that fills its reserved addresses gives each tag its engineering value, good."""
    async with serving(template, absent="zero") as port:
        device = loaded(tmp_path, template, host="127.0.0.1", port=port, unit=unit)
        assert await read(device) == good(engineering(template, unit).engineering())


@pytest.mark.parametrize("template", MODBUS)
async def test_a_strict_device_loses_no_tag(template, tmp_path):
    """A device that refuses every address outside the map still gives each tag, good."""
    async with serving(template, absent="2") as port:
        device = loaded(tmp_path, template, host="127.0.0.1", port=port, unit=2)
        assert await read(device) == good(engineering(template, 2).engineering())


@pytest.mark.parametrize("template", MODBUS)
async def test_no_request_is_longer_than_the_device_takes(template, tmp_path):
    """A device that refuses more than the template's max_registers refuses nothing."""
    device = loaded(tmp_path, template, host="127.0.0.1")
    limit = device.config.max_registers
    async with serving(template, absent="zero", max_registers=limit) as port:
        device = loaded(tmp_path, template, host="127.0.0.1", port=port, unit=1)
        assert await read(device) == good(engineering(template, 1).engineering())


async def test_a_broken_sensor_is_no_temperature(tmp_path):
    """The code a Delta DTB gives instead of a temperature (8003H) is doubtful, not -3276.5."""
    points = load_map(TEMPLATES / "delta-dtb.yaml")
    image = MapImage(1, points, values={"temperature.process": -3276.5})
    async with StreamServer(Bus({1: Unit(image)})) as server:
        device = loaded(tmp_path, "delta-dtb", host="127.0.0.1", port=server.port)
        _, quality, reason = (await read(device))["temperature.process"]
    assert (quality, reason) == (Quality.UNCERTAIN, "UncertainEngineeringUnitsExceeded")


@pytest.mark.parametrize("template", ["eastron-sdm630", "chint-dtsu666", "siemens-pac3200"])
async def test_the_wrong_byte_order_is_seen(template, tmp_path):
    """Read with the other word order, the frequency of a meter is never taken for good."""
    fixed = {"grid.frequency": 50.02}
    image = MapImage(1, load_map(TEMPLATES / f"{template}.yaml"), values=fixed)
    async with StreamServer(Bus({1: Unit(image, absent="zero")})) as server:
        place = {"host": "127.0.0.1", "port": server.port}
        right = await read(loaded(tmp_path, template, **place))
        wrong = await read(loaded(tmp_path, template, **place, word_order="little"))
    assert right["grid.frequency"][:2] == (pytest.approx(50.02, rel=1e-6), Quality.GOOD)
    assert wrong["grid.frequency"][1] is not Quality.GOOD


async def test_another_sunspec_model_is_seen(tmp_path):
    """An inverter with the integer model 103 where 113 is expected has a doubtful model number."""
    points = load_map(TEMPLATES / "sunspec-inverter-float.yaml")
    image = MapImage(1, points, values={"sunspec.model": 103})
    async with StreamServer(Bus({1: Unit(image, absent="zero")})) as server:
        place = {"host": "127.0.0.1", "port": server.port}
        found = await read(loaded(tmp_path, "sunspec-inverter-float", **place))
    assert found["sunspec.model"][:2] == (103, Quality.UNCERTAIN)
