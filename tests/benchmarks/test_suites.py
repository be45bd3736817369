"""The suites' own arithmetic: what counts as lost, as twice, as flat, and what limits are set."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from types import SimpleNamespace

import orjson
import pytest

from agent.config.model import Store
from agent.store.sqlite import Outbox
from tests.benchmarks import drain, growth, limited, suite
from tests.benchmarks.plot import Series, svg
from tests.benchmarks.receiver import Receiver


def message(*, rows=(), events=(), level="data"):
    """Make what arrives: rows as (number, own time in ms), events by number."""
    body = {
        "b": [{"n": n, "d": "device-00", "t0": t, "t": [0], "s": {"x": [1]}} for n, t in rows]
    } if rows else {"e": [{"n": n, "t": 0, "type": "start"} for n in events]}  # fmt: skip
    return SimpleNamespace(topic=f"hb/v1/e/g/{level}", payload=orjson.dumps(body))


def test_a_number_that_never_came_is_missing_and_one_that_came_again_is_twice():
    """Events have numbers, too, and no row is counted twice as a value."""
    receiver = Receiver(1)
    receiver._take(None, None, message(rows=[(4, 1000), (5, 2000)]))
    receiver._take(None, None, message(events=[6], level="event"))
    receiver._take(None, None, message(rows=[(5, 2000), (9, 3000)], level="hist"))
    assert (receiver.missing, receiver.twice, receiver.values) == (2, 1, 3)
    assert [count for _, count in receiver.within(1.0, 2.5)] == [1, 1]


def test_a_store_is_filled_with_exactly_so_many_rows(tmp_path):
    """Every row waits, in order of its time, with its values."""
    path = tmp_path / "filled.db"
    drain.fill(path, 1200)
    outbox = Outbox.open(Store(path=path))
    try:
        rows = outbox.read(1, 2**62, max_bytes=2**40)
    finally:
        outbox.close(clean=True)
    assert len(rows) == 1200
    assert {row.values for row in rows} == {drain.VALUES_PER_ROW}
    assert [row.t_ms for row in rows] == sorted(row.t_ms for row in rows)


@pytest.mark.parametrize(("power", "told"), [(0, 0.0), (1, 1.0), (-0.5, -0.5)])
def test_the_slope_is_the_exponent_of_the_cost(power, told):
    """A cost that does not depend on the size has slope 0, a proportional one 1."""
    sizes = (100, 1000, 10_000)
    assert growth.slope([(x, 3 * x**power) for x in sizes]) == pytest.approx(told, abs=1e-9)


def test_tags_and_devices_grow_at_one_rate():
    """All points of both lines offer the same 10,000 values a second, and are of that size."""
    for name in ("tags", "devices"):
        for size, half in growth.LOADS[name].items():
            assert half.workload.offered_per_s * half.units == pytest.approx(10_000)
            assert size == (half.tags if name == "tags" else half.devices)


def test_a_plot_holds_every_point_and_is_valid():
    """Equal factors are equal distances."""
    root = ET.fromstring(
        svg([Series("a & b", ((10, 1), (100, 1), (1000, 10)))], across="x", up="y")
    )
    circles = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter() if "circle" in c.tag]
    (x1, y1), (x2, y2), (x3, y3) = circles
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y1 == y2 > y3


@pytest.mark.parametrize(
    ("own", "root"),
    [
        ("3:cpu:/\n0::/\n", "cpu"),
        ("3:cpu,cpuacct:/somebody/else\n0::/\n", None),
        ("0::/user.slice\n", None),
    ],
)
def test_a_group_is_made_under_the_root_group_only(own, root):
    """What runs in a group that somebody else keeps leaves it as it is."""
    assert limited._root_of("cpu", own) == (None if root is None else limited.ROOT / root)


def test_a_quarter_of_a_core_is_told_to_both_kinds_of_groups():
    """25 ms of every 100 ms, in the words of either version."""
    assert limited._cpu(limited.Limits(0.25, 128)) == {
        "cpu.max": "25000 100000",
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "25000",
    }


@dataclass(frozen=True)
class Figure:
    cost: float


def test_figures_are_written_to_both_pages_and_leave_other_suites_alone(tmp_path):
    """Only what stands between the marks of the suite changes."""
    each = suite.Suite(
        "T", "", {"en": ("cost",), "zh": ("开销",)}, lambda *_: (), lambda one: (f"{one.cost}",)
    )
    for name in suite.PAGES.values():
        text = "a\n<!-- bench T: begin -->\nold\n<!-- bench T: end -->\nb\n"
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / suite.FIGURES).write_text('{"other": 1}', "utf-8")
    facts = {"date": "2026-01-02", "commit": "abc", "machine": "box"}
    suite.write(each, [Figure(1.5)], tmp_path, facts)
    page = (tmp_path / suite.PAGES["zh"]).read_text("utf-8")
    assert page.startswith("a\n<!-- bench T: begin -->\n| 开销 |\n| --- |\n| 1.5 |\n\n")
    assert page.endswith("日期 2026-01-02, 提交 abc, 机器 box\n<!-- bench T: end -->\nb\n")
    kept = json.loads((tmp_path / suite.FIGURES).read_text("utf-8"))
    assert kept == {"other": 1, "T": {"machine": facts, "figures": [{"cost": 1.5}]}}
