"""Leave to write: given to one point by one person, or not at all."""

import re
from pathlib import Path

import pytest

from agent.config.load import examine
from agent.config.model import TagEntry
from agent.config.plan import tag_of
from agent.registry import Registry
from drivers.api import Access, DataType
from drivers.testing.scripted import ScriptedDriver

DOCS = Path(__file__).resolve().parents[4] / "docs"
HEAD = """\
gateway: {id: gw-1}
enterprise: {id: ent-1}
publish: [{url: "mqtts://broker:8883"}]
"""
LIMITS = {"min": 0, "max": 9}


def modbus(tag, **more):
    return f"devices: [{{id: d, driver: modbus, host: h, tags: [{tag}]}}]\n"


def test_only_leave_makes_a_tag_writable():
    """Whatever else a point states, its driver may write it only with the key `write`."""
    for type_ in DataType:
        tag = TagEntry(name="t", address="a", type=type_, min=0, max=9, unit="V")
        assert tag_of(tag).access is Access.READ
    tag = TagEntry(name="t", address="a", type="int16", write=LIMITS)
    assert tag_of(tag).access is Access.READ_WRITE


@pytest.mark.parametrize("write", ["", "null", "~"])
def test_an_empty_key_gives_no_leave(look, write):
    """A key without a value is no leave, and no mistake."""
    examined = look(modbus(f"{{name: t, address: 'co:1', type: bool, write: {write}}}"))
    assert examined.problems == ()
    (group,) = examined.loaded.devices[0].groups
    assert [tag.access for tag in group.plan.tags] == [Access.READ]


def test_the_plan_knows_what_may_be_written(look):
    """The driver gets the access of each tag, and the tags are planned together."""
    examined = look(
        modbus(
            "{name: a, address: 'hr:0', type: int16, write: {min: 0, max: 9}},"
            "{name: b, address: 'hr:1', type: int16}"
        )
    )
    (group,) = examined.loaded.devices[0].groups
    assert [tag.access for tag in group.plan.tags] == [Access.READ_WRITE, Access.READ]
    assert group.plan.requests == 1


@pytest.mark.parametrize(
    ("tag", "code", "where"),
    [
        ("name: t, address: 'ir:1', type: int16, write: {min: 0, max: 9}", "E1308", "write"),
        ("name: t, address: 'hr:1.3', type: bit, write: {}", "E1308", "write"),
        ("name: t, address: 'hr:1', type: bool, write: {}", "E1308", "write"),
        ("name: t, address: 'hr:1[3]', type: int16, write: {min: 0, max: 9}", "E1308", "write"),
        ("name: t, address: 'xx:1', type: int16, write: {min: 0, max: 9}", "E1305", "address"),
        ("name: t, address: 'hr:1', type: int16, write: {}", "E1108", "t]"),
    ],
)
def test_what_cannot_be_written_is_told_at_its_key(look, tag, code, where):
    """An address that can be read and not written is told as such, at the key `write`."""
    (problem,) = look(modbus(f"{{{tag}}}")).problems
    assert problem.code == code
    assert problem.where.endswith(where)
    assert problem.message.zh


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("type: int16, write: {}", "E1108"),
        ("type: int16, write: {min: 5, max: 1}", "E1108"),
        ("type: int16, write: {min: 0}", "E1108"),
        ("type: int16, write: {max: 9, step: 1}", "E1108"),
        ("type: int16, write: {min: 0, max: 9, stepp: 1}", "E1102"),
        ("type: int16, write: {min: 0, max: 9, step: 0}", "E1104"),
        ("type: int16, write: {min: 0, max: 9, min_interval_s: -1}", "E1104"),
        ("type: int16, write: {min: 0, max: 9, confirm: maybe}", "E1105"),
        ("type: int16, write: {min: low, max: 9}", "E1103"),
        ("type: int16, write: true", "E1103"),
        ("type: int16, states: {'0': idle}, write: {min: 0, max: 9}", "E1108"),
        ("type: string, write: {}", "E1108"),
        ("type: datetime, write: {}", "E1108"),
        ("write: {min: 0, max: 9}", "E1108"),
        ("type: bool, write: {min: 0, max: 1}", "E1108"),
        ("type: bool, scale: 2, write: {}", "E1108"),
    ],
)
def test_mistakes_in_leave_are_told_with_their_code(look, tag, code):
    """Limits that are missing, mistyped or of no use are refused before anything runs."""
    examined = look(modbus(f"{{name: t, address: 'hr:1', {tag}}}"))
    (problem,) = examined.problems
    assert problem.code == code
    assert problem.message.zh
    assert examined.loaded is None


class Reader:
    """A session that reads, and does nothing else."""

    async def read(self, plan):
        raise NotImplementedError


def test_a_driver_that_only_reads_is_told(tmp_path):
    """Leave for a point of a driver whose sessions cannot write is a mistake."""
    path = tmp_path / "agent.yaml"
    path.write_text(
        HEAD + "devices:\n  - id: d\n    driver: scripted\n    tags:\n"
        "      - {name: t, address: t, type: int16, write: {min: 0, max: 9}}\n"
    )
    registry = Registry(extra={"scripted": ScriptedDriver(session=Reader)})
    (problem,) = examine(path, registry=registry, environ={}).problems
    assert (problem.code, problem.line) == ("E1307", 8)


def test_a_template_gives_no_leave(look):
    """What many devices share may not enable any of them."""
    template = "driver: modbus\ntags:\n  - {name: t, address: 'co:1', type: bool, write: {}}\n"
    text = "devices: [{id: d, host: h, template: maker-x}]\n"
    examined = look(text, files={"templates/maker-x.yaml": template})
    assert [one.code for one in examined.problems] == ["E1403"]
    assert examined.loaded is None


def test_a_device_enables_what_its_template_lists(look):
    """Leave is laid over the template's tag, by the device or by its point table."""
    template = "driver: modbus\ntags:\n  - {name: t, address: 'hr:1', type: int16, scale: 0.1}\n"
    files = {
        "templates/maker-x.yaml": template,
        "t.csv": "名称,地址,允许写\nt,hr:1,下限=0;上限=9\n",
    }
    for own in ("points: t.csv", "tags: [{name: t, write: {min: 0, max: 9}}]"):
        text = f"devices: [{{id: d, host: h, template: maker-x, {own}}}]\n"
        examined = look(text, files=files)
        assert examined.problems == ()
        (tag,) = examined.loaded.devices[0].entry.tags
        assert (tag.scale, tag.write.max) == (0.1, 9)


def test_a_table_can_take_leave_back(look):
    """`no` in the column is not the same as blank: nothing below it can enable the point."""
    examined = look(
        "devices: [{id: d, driver: modbus, host: h, points: t.csv}]\n",
        files={"t.csv": "名称,地址,类型,允许写\na,co:1,bool,否\nb,co:2,bool,是\n"},
    )
    tags = examined.loaded.devices[0].entry.tags
    assert [tag.write is None for tag in tags] == [True, False]


@pytest.mark.parametrize("page", ["writing.md", "writing.zh-CN.md"])
def test_the_sample_of_the_page_is_usable(page, look):
    """The configuration shown passes without a problem and enables what it says."""
    samples = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    enabled = []
    for sample in samples:
        examined = look(sample)
        assert examined.problems == ()
        enabled += [tag.name for tag in examined.loaded.devices[0].entry.tags if tag.write]
    assert enabled == ["temp.setpoint", "fan.on", "temp.setpoint"]
