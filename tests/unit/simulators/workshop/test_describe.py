"""The shop as a configuration: valid, whole, and the shop of the worked example."""

import json
from collections import Counter
from fractions import Fraction

import pytest

from agent.config.ledger import Equipment, Process
from agent.config.model import DeviceEntry
from drivers.api import HOST_KEYS
from simulators.describe import Endpoints, describe
from simulators.layout import STATIONS, build_machines, source_of

ENDPOINTS = Endpoints("opc.tcp://10.0.0.5:4840/x", "10.0.0.6", 5020)
NUMERIC = {"NC", "CNC", "DNC", "FMC", "robot"}


@pytest.fixture(params=["zh", "en"])
def shop(request):
    return describe(ENDPOINTS, language=request.param)


def test_the_agent_takes_it(shop):
    """Every device, process and machine is accepted by the agent's own models."""
    devices = [
        DeviceEntry.model_validate({k: v for k, v in one.items() if k in HOST_KEYS | {"driver"}})
        for one in shop["devices"]
    ]
    processes = {Process.model_validate(one).id for one in shop["processes"]}
    assert [device.id for device in devices] == [station.id for station in STATIONS]
    for row in shop["equipment"]:
        machine = Equipment.model_validate(row)
        assert set(machine.processes) <= processes
        assert machine.device in {None, *(device.id for device in devices)}


def test_plain_data(shop):
    """It survives JSON unchanged, so any YAML writer can take it."""
    assert json.loads(json.dumps(shop)) == shop


def test_links_are_the_given_endpoints(shop):
    """A proxy's address given to it stands in every device."""
    for device in shop["devices"]:
        where = device.get("url") or (device["host"], device["port"])
        assert where in {"opc.tcp://10.0.0.5:4840/x", ("10.0.0.6", 5020)}
    units = [device["unit"] for device in shop["devices"] if "unit" in device]
    assert sorted(units) == [1, 2, 3]


def test_names_and_addresses_are_unique(shop):
    """No device has two tags of one name or one address, and every tag is described."""
    for device in shop["devices"]:
        for key in ("name", "address"):
            assert max(Counter(tag[key] for tag in device["tags"]).values()) == 1
        assert all(tag["description"] for tag in device["tags"])


def test_every_tag_has_a_value_of_its_type():
    """Each point finds its metric in the model, in a type that it can hold."""
    kinds = {"bool": bool, "bit": bool, "string": str, "float32": float, "float64": float}
    machines = build_machines(1)
    for station in STATIONS:
        values = machines[source_of(station.id)].values()
        assert set(values) == {point.metric for point in station.points}
        for point in station.points:
            assert type(point.raw(values[point.metric])) is kinds.get(point.type, int)


def test_languages_differ_only_in_words():
    """Chinese and English describe the same shop."""

    def bare(shop):
        words = {"name", "description", "workshop", "maker", "outsourced", "declared_by"}
        devices = [[tag["name"] for tag in device["tags"]] for device in shop["devices"]]
        rows = [
            {k: v for k, v in row.items() if k not in words}
            for row in (*shop["processes"], *shop["equipment"])
        ]
        return devices, rows

    assert bare(describe(ENDPOINTS, language="zh")) == bare(describe(ENDPOINTS, language="en"))


def test_rates_of_the_worked_example(shop):
    """Declared, the mean of coverage is 2/3; proven by devices with a controller, 3/8."""
    key = [p["id"] for p in shop["processes"] if p["key"] and not p.get("outsourced")]
    declared, proven = [], []
    for process in key:
        able = [m for m in shop["equipment"] if process in m["processes"]]
        numeric = [m for m in able if m["control_type"] in NUMERIC]
        declared.append(Fraction(len(numeric), len(able)))
        proven.append(Fraction(sum("device" in m for m in numeric), len(able)))
    assert len(key) == 4
    assert sum(declared) / 4 == Fraction(2, 3)
    assert sum(proven) / 4 == Fraction(3, 8)
