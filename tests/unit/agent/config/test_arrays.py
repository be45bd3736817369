"""Arrays become plain points; lines that disagree or carry too much are told."""

from dataclasses import dataclass, replace

import pytest

from agent.config.load import examine
from agent.registry import Registry
from drivers.api import AddressError, AddressProblem, PlannedRequest
from drivers.testing.scripted import PollingSession, ScriptedDriver, ScriptedLink, ScriptedPlan


class Arrays(ScriptedDriver):
    """Takes `name_3` for three values from `name_0` on."""

    def expand(self, tag):
        """Take an address apart."""
        base, _, count = tag.address.rpartition("_")
        if not base:
            return [tag]
        if count == "99":
            problem = AddressProblem(tag.name, tag.address, "too many", "fewer", "太多", "减少")
            raise AddressError([problem])
        return [
            replace(tag, name=f"{tag.name}.{at}", address=f"{base}{at}")
            for at in range(int(count))
        ]  # fmt: skip


def look(tmp_path, driver, body):
    """Examine a file with one driver under the name scripted."""
    path = tmp_path / "agent.yaml"
    head = 'gateway: {id: g}\nenterprise: {id: e}\npublish: [{url: "mqtts://b"}]\n'
    path.write_text(head + body)
    return examine(path, registry=Registry(extra={"scripted": driver}))


def device(*tags, id_="d", more=""):
    """Write one device."""
    lines = "".join(f"      - {{{tag}}}\n" for tag in tags)
    return f"  - id: {id_}\n    driver: scripted\n{more}    tags:\n{lines}"


def test_an_array_becomes_its_elements(tmp_path):
    """Each value is a point of its own, named after the array, with the array's settings."""
    body = "devices:\n" + device(
        "name: before, address: a",
        "name: phase, address: p_3, unit: V, scale: 0.1, description: 相电压",
        "name: after, address: b",
    )
    examined = look(tmp_path, Arrays(), body)
    assert examined.problems == ()
    (group,) = examined.loaded.devices[0].groups
    assert [t.name for t in group.tags] == ["before", "phase.0", "phase.1", "phase.2", "after"]
    assert [t.address for t in group.plan.tags] == ["a", "p0", "p1", "p2", "b"]
    assert {(t.unit, t.scale, t.description) for t in group.tags[1:4]} == {("V", 0.1, "相电压")}
    assert [t.name for t in examined.loaded.config.devices[0].tags][1] == "phase.0"


@pytest.mark.parametrize(
    ("tag", "other", "zh"),
    [
        ("name: phase, address: p_3", "name: phase.1, address: x", "已被其他点位使用"),
        ("name: a.b.c.d.e.f.g, address: p_3", "name: x, address: x", "最多七级"),
    ],
)
@pytest.mark.parametrize("first", [0, 1])
def test_an_element_has_a_name_of_its_own(tmp_path, tag, other, zh, first):
    """A name that is taken, or is none, is told at the array, whichever stands first."""
    tags = [tag, other] if first == 0 else [other, tag]
    examined = look(tmp_path, Arrays(), "devices:\n" + device(*tags))
    assert [(one.code, one.line) for one in examined.problems] == [("E1310", 8 + first)]
    assert zh in examined.problems[0].message.zh
    assert examined.loaded is None


def test_an_array_that_cannot_be_taken_apart_is_told(tmp_path):
    """The driver's own words arrive at the address, beside the problems of others."""
    body = "devices:\n" + device("name: a, address: p_99", "name: b, address: 'q r'")
    examined = look(tmp_path, Arrays(), body)
    assert [(one.code, one.line) for one in examined.problems] == [("E1305", 8), ("E1305", 9)]
    assert "太多" in examined.problems[0].message.zh


@dataclass(frozen=True)
class Speeds:
    """How a line is spoken to."""

    baud: int
    parity: str = "none"


@dataclass(frozen=True)
class Serial(ScriptedLink):
    """A line with its settings."""

    speeds: Speeds = Speeds(9600)


class OneLine(ScriptedDriver):
    """All devices on one line; one named `odd` is spoken to faster."""

    def link(self, config):
        """Give the line."""
        return Serial("line", speeds=Speeds(19200 if config.wire == "odd" else 9600))


def test_devices_of_one_line_must_agree(tmp_path):
    """Two devices that name one line and speak differently are told with what differs."""
    body = "devices:\n" + "".join(
        device(f"name: x, address: {id_}", id_=id_, more=f"    wire: {wire}\n")
        for id_, wire in (("a", "even"), ("b", "odd"), ("c", "even"))
    )
    examined = look(tmp_path, OneLine(), body)
    (problem,) = [one for one in examined.problems if one.is_error]
    assert (problem.code, problem.where) == ("E1309", "devices[b]")
    assert "speeds.baud 9600 / 19200" in problem.message.en
    assert "parity" not in problem.message.en
    assert examined.loaded is None


class Slow(ScriptedDriver):
    """Every request takes 0.8 s of its line; a device named `fog` cannot tell."""

    def plan(self, config, tags, *, device, group):
        """Give a plan that knows its cost."""
        plain = super().plan(config, tags, device=device, group=group)
        duration_s = None if device == "fog" else 0.8

        class Costly(ScriptedPlan):
            def explain(self):
                return (PlannedRequest("all", tuple(t.name for t in tags), 0, duration_s),)

        return Costly(plain.device, plain.group, plain.tags)


@pytest.mark.parametrize(
    ("ids", "told"), [(["a"], False), (["a", "b"], True), (["a", "b", "fog"], False)]
)
def test_a_line_that_cannot_carry_its_load_is_told(tmp_path, ids, told):
    """More than a second asked of every second is a warning with figures; no guess, no warning."""
    body = "devices:\n" + "".join(device(f"name: x, address: {id_}", id_=id_) for id_ in ids)
    examined = look(tmp_path, Slow(session=PollingSession), body)
    codes = [one.code for one in examined.problems]
    assert codes == (["W1611"] if told else [])
    assert examined.loaded is not None
    if told:
        assert "needs 1.6 s for what is asked every 1 s (load 160%)" in (
            examined.problems[0].message.en
        )
