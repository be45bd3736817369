"""Reading a whole configuration: what becomes of a good one, what is told of a bad one."""

from pathlib import Path

import pytest

from agent.config.load import examine, load
from agent.config.model import Mode
from agent.config.problems import ConfigError

METER = """\
devices:
  - id: m1
    driver: modbus
    host: 10.0.0.1
    groups: {slow: {interval_s: 60}}
    tags:
      - {name: c, address: "ir:2", type: uint16, group: slow}
      - {name: b, address: "ir:1", type: uint16}
      - {name: a, address: "ir:0", type: uint16}
"""


def test_a_good_file_becomes_plans(look):
    """Every group with tags is planned, in the order of the driver's plan, its mode decided."""
    loaded = look(METER).loaded
    (device,) = loaded.devices
    assert device.id == "m1"
    assert str(device.link) == "modbus://10.0.0.1:502"
    assert {group.name for group in device.groups} == {"default", "slow"}
    for group in device.groups:
        assert [tag.name for tag in group.tags] == [tag.name for tag in group.plan.tags]
        assert group.settings.mode is Mode.POLL
    assert [tag.name for tag in loaded.config.devices[0].tags] == ["c", "b", "a"]


def test_a_disabled_device_is_kept_and_not_planned(look):
    """`enabled: false` leaves a device in the file and out of what runs, even half configured."""
    examined = look("""\
        devices:
          - {id: m1, driver: not-installed, enabled: false, anything: 1}
          - {id: m3, driver: scripted, enabled: no}
          - {id: m2, driver: scripted, tags: [{name: a, address: a}]}
        """)
    assert [one.id for one in examined.loaded.config.devices] == ["m1", "m3", "m2"]
    assert [one.id for one in examined.loaded.devices] == ["m2"]


def test_paths_are_relative_to_the_file(look, tmp_path):
    """A configuration can be copied with its folder: no path depends on where it is run."""
    loaded = look(
        """\
        store: {path: data/out.db}
        clock: {synchronised_file: time-ok}
        """,
        files={"ca.pem": "x"},
    ).loaded
    assert loaded.config.store.path == tmp_path / "data/out.db"
    assert loaded.config.clock.synchronised_file == tmp_path / "time-ok"
    assert loaded.path == tmp_path / "agent.yaml"


def test_an_unquoted_number_is_text_where_text_is_wanted(look):
    """`region: 420111` and a serial number with leading zeros are taken as written."""
    examined = look(
        """\
        gateway: {id: gw-1}
        enterprise: {id: 0007, region: 420111}
        publish: [{url: "mqtts://broker:8883"}]
        equipment: [{id: e1, control_type: CNC, serial: 000123}]
        """,
        head=False,
    )
    assert examined.loaded.config.enterprise.id == "0007"
    assert examined.loaded.config.enterprise.region == "420111"
    assert examined.loaded.config.equipment[0].serial == "000123"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate: {methd: mean}", ("E1102", 1)),
        ("http: {port: eighty}", ("E1103", 1)),
        ("http: {port: }", ("E1103", 1)),
        ("http: {port: true}", ("E1103", 1)),
        ("http: {enabled: 2}", ("E1103", 1)),
        ("http: {port: -1}", ("E1104", 1)),
        ("store: {max_mb: .nan}", ("E1103", 1)),
        ("store:\n  max_mb: .inf", ("E1103", 2)),
        ("rate: {method: average}", ("E1105", 1)),
        ("processes:\n  - {id: 车削}", ("E1106", 2)),
        ("processes:\n  - {name: x}", ("E1101", 2)),
        ("processes:\n  - {id: p, valid_from: soon}", ("E1103", 2)),
        ("processes: {id: p}", ("E1103", 1)),
        ("processes:\n  - {id: a}\n  - {id: a}", ("E1201", 3)),
        ("equipment:\n  - {id: a, control_type: CNC, processes: [x]}", ("E1204", 2)),
        ("equipment:\n  - {id: a, control_type: CNC, device: x}", ("E1205", 2)),
        (
            "processes:\n  - {id: a, valid_from: 2026-02-01, valid_to: 2026-01-01}",
            ("E1209", 2),
        ),
        ("devices: 5", ("E1103", 1)),
        ("devices:\n  - 5", ("E1103", 2)),
        ("devices:\n  - {id: a}", ("E1101", 2)),
        ("devices:\n  - {id: a, driver: s7}", ("E1301", 2)),
        ("devices:\n  - {id: a, driver: modbus}", ("E1108", 2)),
        ("devices:\n  - {id: a, driver: modbus, host: h, unit: 256}", ("E1104", 2)),
        ("devices:\n  - {id: a, driver: modbus, host: h, prot: 1}", ("E1102", 2)),
        ("devices:\n  - {id: a, driver: scripted, tags: 5}", ("E1103", 2)),
        ("devices:\n  - {id: a, driver: scripted, tags: [5]}", ("E1103", 2)),
        ("devices:\n  - {id: a, driver: scripted, groups: {a b: {}}}", ("E1106", 2)),
        ("devices:\n  - {id: a, driver: scripted, template: ../x}", ("E1402", 2)),
        ("devices:\n  - {id: a, driver: scripted, template: none}", ("E1401", 2)),
        ("devices:\n  - {id: a, driver: scripted, points: none.csv}", ("E1411", 2)),
    ],
)
def test_each_mistake_has_its_code_and_line(look, codes, text, expected):
    """A mistake is told at its own line under its stable code, and makes the file unusable."""
    examined = look(text)
    assert examined.loaded is None
    assert expected in codes(examined)


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("{name: Spindle, address: a}", "E1106"),
        ("{name: a}", "E1101"),
        ("{name: a, address: ''}", "E1107"),
        ("{name: a, address: a, min: 5, max: 5}", "E1108"),
        ("{name: a, address: a, scale: 0}", "E1108"),
        ("{name: a, address: a, states: {'0': busy}}", "E1105"),
        ("{name: a, address: a, type: real}", "E1105"),
        ("{name: a, address: a, group: fast}", "E1203"),
        ("{name: ok, address: a}", "E1202"),
        ("{name: a, address: 'a b'}", "E1305"),
    ],
)
def test_a_bad_tag_is_told_and_the_others_checked(look, codes, tag, code):
    """One bad tag hides no other: the good ones around it are still looked at."""
    examined = look(f"""\
        devices:
          - id: d
            driver: scripted
            tags:
              - {{name: ok, address: a}}
              - {tag}
              - {{name: last, address: "not this"}}
        """)
    assert (code, 6) in codes(examined)
    assert ("E1305", 7) in codes(examined)


def test_every_bad_address_is_told_at_its_tag(look, codes):
    """The driver's whole list of bad addresses arrives, each at its own line."""
    examined = look("""\
        devices:
          - id: d
            driver: modbus
            host: h
            tags:
              - {name: a, address: "hr:1", type: uint16}
              - {name: b, address: "xx:1", type: uint16}
              - {name: c, address: "hr:70000", type: uint16}
        """)
    assert codes(examined) == [("E1305", 7), ("E1305", 8)]
    assert examined.problems[0].where == "devices[d].tags[b].address"
    assert examined.problems[0].message.zh != examined.problems[0].message.en


def test_a_mode_the_driver_cannot_is_refused(look, codes):
    """Modbus cannot be subscribed to; the hint names what it can."""
    examined = look(METER.replace("interval_s: 60", "interval_s: 60, mode: subscribe"))
    assert codes(examined) == [("E1304", 5)]
    assert "mode: poll" in examined.problems[0].hint.en


def test_warnings_leave_a_configuration_usable(look, codes):
    """A device without tags, an unused group and a doubtful code are told, not refused."""
    examined = look(
        """\
        gateway: {id: gw-1}
        enterprise: {id: ent-1, uscc: 91420106MA4K00010H}
        publish: [{url: "mqtts://broker:8883"}]
        devices:
          - {id: a, driver: scripted}
          - {id: b, driver: scripted, groups: {idle: {}}, tags: [{name: x, address: y}]}
        """,
        head=False,
    )
    assert [one.code for one in examined.problems] == ["W1604", "W1603", "W1602"]
    assert examined.loaded is not None
    assert "G" in examined.problems[0].message.en


def test_two_devices_that_read_one_address_are_told(look, codes):
    """The same wire, settings and address twice is a copied block with a forgotten change."""
    second = METER.partition("\n")[2].replace("id: m1", "id: m2")
    assert codes(look(METER + second)) == [("W1601", 10)]
    assert codes(look(METER + second.replace("host:", "unit: 2\n    host:"))) == []


def test_no_device_is_a_warning(look, codes):
    """A gateway may be set up before its first machine."""
    examined = look("")
    assert [one.code for one in examined.problems] == ["W1605"]
    assert examined.loaded is not None


def test_load_raises_every_problem_at_once(tmp_path, registry):
    """`load` gives all problems in the exception, the file named in each."""
    path = tmp_path / "a.yaml"
    path.write_text("gateway: {id: 'x y'}\nenterprise: {}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, registry=registry)
    assert [(one.code, one.line) for one in caught.value.problems if one.is_error] == [
        ("E1101", 1),
        ("E1106", 1),
        ("E1101", 2),
    ]
    assert {one.file for one in caught.value.problems} == {str(path)}


@pytest.mark.parametrize("name", ["nothing.yaml", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_one_problem(tmp_path, registry, name):
    """A missing file, a folder and an impossible name are told like any other problem."""
    examined = examine(tmp_path / name, registry=registry)
    assert [one.code for one in examined.problems] == ["E1001"]


def test_only_drivers_the_file_names_are_asked_for(look):
    """A driver nobody uses is not imported: it may be broken or large."""

    class Refuses:
        def __getattr__(self, name):
            pytest.fail("a driver was touched that no device names")

    from agent.registry import Registry
    from drivers.testing.scripted import ScriptedDriver

    path = Path(look("devices: [{id: a, driver: scripted}]").loaded.path)
    registry = Registry(extra={"scripted": ScriptedDriver(), "other": Refuses()})
    assert examine(path, registry=registry).loaded is not None
