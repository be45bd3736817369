"""The registry: drivers by entry point, and what becomes of plug-ins that cannot be used."""

import sys
import textwrap
from importlib.metadata import entry_points

import pytest

from agent.config.load import examine
from agent.registry import GROUP, Fault, Registry, Unusable, capabilities
from drivers.testing.scripted import ScriptedDriver

PLUGIN = """\
from typing import Literal
from drivers.testing.scripted import ScriptedDriver
from drivers.api import DeviceConfig

class Config(DeviceConfig):
    driver: Literal["{name}"] = "{name}"
    {field}: str = "w"

class Driver(ScriptedDriver):
    name = "{says}"
    config = Config
    api_version = {version}

{more}
DRIVER = Driver()
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plug-in as a distribution with an entry point, for this test only."""

    def install_plugin(name, **changes):
        facts = {"name": name, "says": name, "field": "wire", "version": (1, 0), "more": ""}
        (tmp_path / f"plug_{name}.py").write_text(PLUGIN.format(**(facts | changes)))
        info = tmp_path / f"plug_{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plug-{name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = plug_{name}:DRIVER\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, f"plug_{name}", raising=False)

    return install_plugin


def test_the_built_in_drivers_come_by_entry_point():
    """Modbus and opcua are found as any stranger's driver would be."""
    assert {entry.name for entry in entry_points(group=GROUP)} >= {"modbus", "opcua"}
    registry = Registry()
    assert capabilities(registry.get("modbus")) == ("poll", "identify", "write")
    assert {"subscribe", "browse"} & set(capabilities(registry.get("opcua")))


def test_a_stranger_is_found_and_described(install):
    """Name, version of its distribution and capabilities of an installed plug-in are told."""
    install("acme")
    info = Registry().info("acme")
    assert (info.name, info.version, info.problem) == ("acme", "1.2", "")
    assert "poll" in info.capabilities


def test_naming_the_drivers_imports_none(install):
    """Listing what is installed runs no plug-in's code."""
    install("loud", more="raise SystemError('imported')")
    assert "loud" in Registry().names()
    assert "plug_loud" not in sys.modules


@pytest.mark.parametrize(
    ("changes", "fault", "why"),
    [
        ({"more": "raise RuntimeError('no licence')"}, Fault.BROKEN, "no licence"),
        ({"more": "import not_there"}, Fault.BROKEN, "not_there"),
        ({"more": "Driver = object"}, Fault.BROKEN, "api_version"),
        ({"version": (2, 0)}, Fault.OTHER_API, "2.0"),
        ({"version": "'soon'"}, Fault.BROKEN, "ValueError"),
        ({"says": "other"}, Fault.BROKEN, "'other'"),
        ({"field": "points"}, Fault.BROKEN, "points"),
        ({"more": "Driver.config = dict"}, Fault.BROKEN, "DeviceConfig"),
        ({"more": "Driver.session = dict"}, Fault.BROKEN, "neither read nor subscribe"),
        ({"more": "Driver.plan = None"}, Fault.BROKEN, "plan is not callable"),
    ],
)
def test_a_plug_in_that_cannot_be_used_says_why(install, changes, fault, why):
    """Any way of being broken is an `Unusable` with its reason, at every call."""
    install("acme", **changes)
    registry = Registry()
    for _ in range(2):
        with pytest.raises(Unusable) as caught:
            registry.get("acme")
        assert caught.value.fault is fault
        assert why in caught.value.why
    assert why in registry.info("acme").problem


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"more": "1/0"}, "E1302"), ({"version": (2, 1)}, "E1303")],
)
def test_a_broken_plug_in_is_a_problem_of_the_file(install, tmp_path, changes, code):
    """The configuration that names it is refused at that line; nothing crashes."""
    install("acme", **changes)
    path = tmp_path / "agent.yaml"
    path.write_text(
        textwrap.dedent("""\
            gateway: {id: g}
            enterprise: {id: e}
            publish: [{url: "mqtts://b"}]
            devices:
              - {id: d, driver: acme}
              - {id: m, driver: modbus, host: h, port: 0}
            """)
    )
    problems = examine(path).problems
    assert [(one.code, one.line) for one in problems if one.is_error] == [(code, 5), ("E1104", 6)]


@pytest.mark.parametrize("error", [ValueError("odd"), KeyError("odd"), TypeError("odd")])
def test_a_driver_that_slips_while_planning_is_a_problem(tmp_path, error):
    """A stranger's plan that raises what it should not is told, not let through."""

    class Slips(ScriptedDriver):
        def plan(self, config, tags, *, device, group):
            raise error

    path = tmp_path / "agent.yaml"
    path.write_text(
        "gateway: {id: g}\nenterprise: {id: e}\npublish: [{url: 'mqtts://b'}]\n"
        "devices: [{id: d, driver: scripted, tags: [{name: a, address: a}]}]\n"
    )
    examined = examine(path, registry=Registry(extra={"scripted": Slips()}))
    assert [one.code for one in examined.problems] == ["E1306"]
    assert "odd" in examined.problems[0].message.en


def test_an_injected_driver_comes_first():
    """A test's driver takes the place of an installed one of the same name."""
    driver = ScriptedDriver()
    registry = Registry(extra={"modbus": driver})
    assert registry.get("modbus") is driver
    assert registry.info("modbus").problem == ""
    with pytest.raises(Unusable) as caught:
        registry.get("nobody")
    assert caught.value.fault is Fault.UNKNOWN
