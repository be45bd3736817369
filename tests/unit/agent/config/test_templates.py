"""Templates, point tables and a device's own keys: who wins, and what is refused."""

import pytest

TEMPLATE = """\
driver: scripted
timeout_s: 7
groups:
  default: {interval_s: 5}
  slow: {interval_s: 60}
tags:
  - {name: a, address: "dev.{id}.A", unit: V, scale: 0.1}
  - {name: b, address: b, group: slow}
"""
TABLE = "名称,地址,单位\nb,b2,\nc,c1,A\n"


def device_of(examined):
    assert examined.loaded is not None, [one.as_dict() for one in examined.problems]
    return examined.loaded.devices[0]


def test_a_device_states_only_what_differs(look):
    """Template, below point table, below the device's own keys; each merged key by key."""
    device = device_of(
        look(
            """\
            devices:
              - id: d1
                template: maker-x
                points: t.csv
                groups: {slow: {report: change}}
                tags: [{name: a, unit: kV}, {name: d, address: d}]
            """,
            files={"templates/maker-x.yaml": TEMPLATE, "t.csv": TABLE},
        )
    )
    tags = {tag.name: tag for tag in device.entry.tags}
    assert list(tags) == ["a", "b", "c", "d"]
    assert (tags["a"].address, tags["a"].unit, tags["a"].scale) == ("dev.d1.A", "kV", 0.1)
    assert (tags["b"].address, tags["b"].group) == ("b2", "slow")
    slow = device.entry.groups["slow"]
    assert (slow.interval_s, slow.report) == (60, "change")
    assert device.entry.groups["default"].interval_s == 5
    assert device.config.timeout_s == 7


def test_one_template_serves_many_devices(look):
    """A template is read once and changed by no device that uses it."""
    examined = look(
        """\
        devices:
          - {id: d1, template: maker-x, tags: [{name: a, unit: kV}]}
          - {id: d2, template: maker-x}
        """,
        files={"templates/maker-x.yaml": TEMPLATE},
    )
    first, second = examined.loaded.devices
    assert [tag.unit for tag in first.entry.tags] == ["kV", ""]
    assert [tag.unit for tag in second.entry.tags] == ["V", ""]
    assert second.entry.tags[0].address == "dev.d2.A"


def test_a_mistake_in_a_template_is_told_in_the_template(look):
    """The place of a problem is where its text stands, not where the template is used."""
    examined = look(
        "devices: [{id: d1, template: maker-x}]\n",
        files={"templates/maker-x.yaml": TEMPLATE.replace("scale: 0.1", "scale: x")},
    )
    (problem,) = examined.problems
    assert problem.code == "E1103"
    assert problem.file.endswith("templates/maker-x.yaml")
    assert problem.line == 7
    assert problem.where == "devices[d1].tags[a].scale"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("id: x\ndriver: scripted\n", ["E1403", "W1603"]),
        ("points: x.csv\ndriver: scripted\n", ["E1403", "W1603"]),
        ("- a\n", ["E1009"]),
        ("a: [\n", ["E1004"]),
        ("driver: scripted\ntags: 5\n", ["E1103", "W1603"]),
        ("driver: scripted\ngroups: [a]\n", ["E1103", "E1103", "W1603"]),
        (
            "driver: scripted\ntags: [{name: a, address: a}, {name: a, address: b}]\n",
            ["E1202"],
        ),
    ],
)
def test_a_bad_template_is_refused(look, text, codes):
    """What makes one device may not stand in a template, nor what is no mapping."""
    examined = look("devices: [{id: d1, template: t}]\n", files={"templates/t.yaml": text})
    assert sorted(one.code for one in examined.problems) == codes


def test_an_unknown_template_names_the_known(look):
    """The hint holds the nearest name; templates of the program are known too."""
    (problem,) = look("devices: [{id: d1, template: opcua-cmc}]\n").problems
    assert problem.code == "E1401"
    assert "opcua-cnc" in problem.hint.en
    assert "eastron-sdm630" in problem.message.zh
