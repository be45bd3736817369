"""Point tables from what was found: names, units, states, and nothing that could do harm."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.browse.mapping import match, models
from agent.browse.naming import level
from agent.browse.propose import propose
from agent.config.columns import parse_states
from agent.config.model import MachineState, TagEntry
from agent.config.points import read_points
from agent.config.tables import write_csv
from drivers.api import DataType, FoundPoint

CNC = "http://opcfoundation.org/UA/CNC"
MACHINERY = "http://opcfoundation.org/UA/Machinery/"
PACKML = "http://opcfoundation.org/UA/PackML/"
LEGAL = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+){0,6}")


def point(path, *, role="", model="", address=None, data_type=DataType.FLOAT64, **more):
    name = path.rpartition("/")[2]
    return FoundPoint(address or f"nsu=urn:m;s={path}", name, data_type, path, model=model,
                      role=role, **more)  # fmt: skip


def spindle(machine, name, leaf="ActSpeed", **more):
    below = f"CncSpindleList/{name}/{leaf}"
    return point(f"{machine}/Cnc/{below}", role=f"CncInterfaceType/{below}", model=CNC, **more)


def tags(*points):
    return {row.point.path: row.tag for row in propose(points).rows}


def test_every_mapping_is_usable():
    """Every rule of every model gives a legal metric, and states that are states."""
    assert {MACHINERY, CNC, PACKML, "http://opcfoundation.org/UA/MachineTool/"} == models().keys()
    for model in models().values():
        for rule in model.rules:
            metric = re.sub(r"\{[0-9]\}", "x", rule.metric)
            stars = rule.at.count("*")
            assert LEGAL.fullmatch(metric), rule
            assert all(int(n) <= stars for n in re.findall(r"\{([0-9])\}", rule.metric))
            TagEntry(name=metric, address="i=1", scale=rule.scale, unit=rule.unit,
                     states=rule.states or {})  # fmt: skip


def test_a_recognised_point_gets_its_metric_and_unit():
    """The metric is canonical; the unit is the server's, in which the value is."""
    one = spindle("L1", "S1", unit="{rev}/min", low=0.0, high=9000.0)
    tag = tags(one)[one.path]
    assert (tag.name, tag.unit, tag.type) == ("spindle.speed", "{rev}/min", DataType.FLOAT64)
    assert (tag.min, tag.max) == (None, None)


def test_the_second_spindle_is_another_metric():
    """Two points of one kind never share a name, and keep their order."""
    first, second = spindle("L1", "S1"), spindle("L1", "S2")
    found = tags(first, second)
    assert [found[one.path].name for one in (first, second)] == ["spindle.speed", "spindle2.speed"]


def test_two_machines_are_told_apart():
    """With several machines each name begins with its machine."""
    one, two = spindle("Machines/L1", "S1"), spindle("Machines/V1", "S1")
    found = propose([one, two])
    assert [row.tag.name for row in found.rows] == ["l1.spindle.speed", "v1.spindle.speed"]
    assert set(found.machines) == {"Machines/L1", "Machines/V1"}
    alike = propose([spindle("Hall1/主轴", "S1"), spindle("Hall2/主轴", "S1")])
    assert [row.tag.name for row in alike.rows] == ["hall1.spindle.speed", "hall2.spindle.speed"]


def test_states_come_from_the_names_of_numbers():
    """An enumeration's state map is by the server's numbers, told by the names of the model."""
    leaf = "CncChannelList/C1/ActProgramStatus"
    one = point(f"M/{leaf}", role=f"CncInterfaceType/{leaf}", model=CNC, data_type=DataType.INT32,
                states=((10, "Stopped"), (11, "Running"), (12, "Waiting")))  # fmt: skip
    tag = tags(one)[one.path]
    assert tag.name == "machine.state"
    assert tag.states == {
        "10": MachineState.IDLE, "11": MachineState.RUNNING, "12": MachineState.IDLE,
    }  # fmt: skip
    assert match(replace(one, states=())) is None  # numbers nobody names mean nothing


def test_of_two_sources_of_a_state_the_better_is_taken():
    """The state machine's number comes before its text, which keeps a name of its own."""
    place = "MachineryItemState_StateMachineType/CurrentState"
    text = point("M/MachineryItemState/CurrentState", role=place, model=MACHINERY,
                 data_type=DataType.STRING)  # fmt: skip
    number = point("M/MachineryItemState/CurrentState/Number", role=f"{place}/Number",
                   model=MACHINERY, data_type=DataType.UINT32)  # fmt: skip
    found = tags(text, number)
    assert found[number.path].name == "machine.state"
    assert found[number.path].states["3"] is MachineState.RUNNING
    assert found[text.path].name == "machinery_item_state.current_state"
    assert tags(text)[text.path].states["Executing"] is MachineState.RUNNING


def test_durations_become_seconds():
    """A counter in milliseconds is scaled to the unit of its metric."""
    one = point("M/OC/PowerOnDuration", role="MachineryOperationCounterType/PowerOnDuration",
                model=MACHINERY)  # fmt: skip
    tag = tags(one)[one.path]
    assert (tag.name, tag.scale, tag.unit) == ("time.power_on", 0.001, "s")


def test_names_are_as_long_as_it_takes_to_tell_points_apart():
    """Two points whose paths end alike both get the level that differs."""
    one, two, other = point("A/X/Pos/Act"), point("A/Y/Pos/Act"), point("A/Z/Load")
    found = tags(one, two, other)
    assert [found[p.path].name for p in (one, two, other)] == ["x.pos.act", "y.pos.act", "z.load"]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("ActFeedrate", "act_feedrate"), ("CNCStatus", "cnc_status"), ("主轴", ""),
        ("a/../b", "a_b"), ("<script>", "script"), ("+/#", ""), ("\u202ex", "x"),
        ("Arr#[0].X", "arr_0_x"), ("x" * 999, "x" * 40),
    ],
)  # fmt: skip
def test_levels_are_legal(name, made):
    """Whatever a server calls a node, only lower case, digits and underscores come out."""
    assert level(name) == made


texts = st.text(max_size=30) | st.sampled_from(["<script>", "+/#", "=cmd|' /C calc'!A0", "主轴"])


@given(st.lists(
    st.builds(
        point, st.lists(texts, min_size=1, max_size=5).map("/".join), role=texts,
        model=st.sampled_from([*models(), "", "urn:x"]), unit=texts, description=texts,
        address=st.text(min_size=1, max_size=600),
    ), max_size=8,
))  # fmt: skip
def test_no_text_of_a_server_leaves_its_place(points):
    """Any names, units and texts give a table of legal, different names that reads back."""
    found = propose(points)
    assert len(found.rows) + found.unusable == len(points)
    names = [row.tag.name for row in found.rows]
    assert len(set(names)) == len(names)
    assert all(LEGAL.fullmatch(name) and len(name) <= 128 for name in names)
    for row in found.rows:
        assert not row.tag.description.startswith(("=", "+", "-", "@"))
        assert not row.tag.unit.startswith(("=", "+", "-", "@"))


def test_the_table_reads_back(tmp_path):
    """What is written as a point table is what a device reads from it."""
    leaf = "CncChannelList/C1/ActProgramStatus"
    found = propose([
        spindle("M", "S1", unit="{rev}/min"),
        point(f"M/{leaf}", role=f"CncInterfaceType/{leaf}", model=CNC, data_type=DataType.INT32,
              states=((0, "Stopped"), (1, "Running"))),
        point("M/主轴", address="nsu=urn:m;s=主轴#[1]", description="=1+1"),
    ])  # fmt: skip
    table = tmp_path / "points.csv"
    table.write_bytes(write_csv([row.tag for row in found.rows], lang="zh"))
    nodes, problems = read_points(table)
    assert problems == []
    assert [node.text("name") for node in nodes] == [row.tag.name for row in found.rows]
    states = next(node for node in nodes if node.text("name") == "machine.state")
    assert states.plain()["states"] == parse_states("0=idle;1=running")
