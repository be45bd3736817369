"""Computed tags and states in a file: what becomes of them, and every way they can be wrong."""

import pytest

from agent.config.load import examine
from drivers.api import DataType

HEAD = """
gateway: {id: gw-01}
enterprise: {id: hb-demo-0001}
publish: [{url: "mqtt://127.0.0.1:1883"}]
devices:
  - id: d1
    driver: modbus
    host: 127.0.0.1
    unit: 1
    groups: {slow: {interval_s: 10}}
    tags:
      - {name: status.word, address: "hr:0", type: uint16}
      - {name: run, address: "co:1", type: bool}
      - {name: power.active, address: "hr:2", type: float32, unit: kW}
      - {name: energy.total, address: "hr:20", type: uint32, group: slow}
"""


def look(tmp_path, rest):
    path = tmp_path / "agent.yaml"
    path.write_text(HEAD + rest)
    return examine(path)


LINE = len(HEAD.splitlines()) + 1
"""Where the text of a test begins."""


def test_computed_columns_follow_what_is_read(tmp_path):
    """They stand after the group's points, each after what it needs, with the kind it gives."""
    found = look(
        tmp_path,
        """    computed:
      - {name: b.late, value: "a.first and run"}
      - {name: a.first, value: "bit(status.word, 3)"}
      - {name: day.energy, value: "energy.total / 1000", unit: kW.h}
    states: {preset: plc-bits, tags: {running: run, alarm: a.first}}
""",
    )
    assert found.problems == ()
    default, slow = found.loaded.devices[0].groups
    names = [tag.name for tag in default.tags]
    assert sorted(names[:3]) == ["power.active", "run", "status.word"]
    assert names[3:] == ["a.first", "b.late", "machine.state"] or names[3:] == [
        "a.first", "machine.state", "b.late",
    ]  # fmt: skip
    assert [one.name for one in default.derived] == names[3:]
    assert default.tags[3].type is DataType.BOOL
    assert slow.tags[-1].type is DataType.FLOAT64
    assert slow.tags[-1].address == "= energy.total / 1000"


WRONG = {
    "an unknown point": ('computed: [{name: x, value: "powr.active > 1"}]', "E1252"),
    "no expression": ('computed: [{name: x, value: "power.active >"}]', "E1251"),
    "mixed kinds": ("computed: [{name: x, value: \"run == 'a'\"}]", "E1251"),
    "a circle": ('computed: [{name: x, value: "y + 1"}, {name: y, value: "x + 1"}]', "E1253"),
    "two groups": ('computed: [{name: x, value: "energy.total / power.active"}]', "E1254"),
    "a taken name": ('computed: [{name: run, value: "status.word > 1"}]', "E1202"),
    "an unknown preset": ("states: {preset: fanucc, tags: {run: run}}", "E1255"),
    "a missing input": ("states: {preset: fanuc, tags: {run: status.word}}", "E1256"),
    "a needless input": ("states: {preset: nc-link, tags: {status: run, door: run}}", "E1257"),
    "nothing chosen": ("states: {dwell_s: 5}", "E1258"),
    "a wrong rule": ('states: {rules: [{state: running, when: "run ="}]}', "E1251"),
    "a rule of no point": ('states: {rules: [{state: running, when: "rn"}]}', "E1252"),
    "an unknown state": ('states: {rules: [{state: runing, when: "run"}]}', "E1105"),
    "compressing nothing": ("compress: {power.activ: {deviation: 1}}", "E1259"),
    "compressing a truth": ("compress: {run: {deviation: 1}}", "E1259"),
    "compressing by nothing": ("compress: {power.active: {deviation: 0}}", "E1104"),
    "points of a preset": ("states: {preset: plc-bits, tags: {running: rum}}", "E1252"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_at_its_line(tmp_path, name):
    """Each mistake has its code, its line and both languages; nothing else is told."""
    text, code = WRONG[name]
    found = look(tmp_path, f"    {text}\n")
    assert {one.code for one in found.problems} == {code}
    assert all(one.line == LINE for one in found.problems)
    assert all(one.message.zh and one.message.en for one in found.problems)
    assert found.loaded is None


def test_a_mistyped_point_is_suggested(tmp_path):
    """The hint names the point that was meant."""
    found = look(tmp_path, '    computed: [{name: x, value: "powr.active > 1"}]\n')
    assert "power.active?" in found.problems[0].hint.en


def test_a_trend_is_compressed_where_every_value_is_read(tmp_path):
    """The column is known to the plan; a group that stores changes only is refused."""
    text = "    compress: {power.active: {deviation: 0.5}}\n"
    found = look(tmp_path, text)
    group = found.loaded.devices[0].groups[0]
    at = [tag.name for tag in group.tags].index("power.active")
    assert group.compress[at].deviation == 0.5
    (path := tmp_path / "agent.yaml").write_text(
        path.read_text().replace("groups: {", "groups: {default: {report: change}, ")
    )
    assert [one.code for one in examine(path).problems] == ["E1259"]
