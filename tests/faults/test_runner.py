"""The runner itself: its rows name tests that exist, and its report says what became of them."""

from __future__ import annotations

import json
import re

import pytest
from faults.__main__ import main, parse, run_row
from faults.matrix import ROOT, Row, rows
from faults.report import figures_of, read, result_text, table, write
from faults.words import ZH

MATRIX = rows()
PASSING = {"tests": {"t": {"outcome": "passed", "took_s": 1, "figures": {"cuts": 3, "seed": 7}}},
           "share": 1.0, "took_s": 1.0, "date": "2026-11-23 12:00", "commit": "abc"}  # fmt: skip
FAILING = PASSING | {"tests": {"t": {"outcome": "failed", "why": "a | b\nc", "took_s": 1}}}


@pytest.mark.parametrize("row", MATRIX.values(), ids=MATRIX)
def test_every_test_of_a_row_exists(row):
    """A row names files that are there and functions that are in them, or says why it has none."""
    for test in row.tests:
        path, _, name = test.partition("::")
        name = name.partition("[")[0]
        assert not name or f"def {name}(" in (ROOT / path).read_text("utf-8"), test
        assert (ROOT / path).exists(), test
    assert row.tests or row.untested


def test_every_figure_has_a_chinese_name():
    """What a test puts into the report can be read in both languages."""
    sources = (p.read_text("utf-8") for p in (ROOT / "tests").rglob("test_*.py"))
    names = {name for text in sources for name in re.findall(r'\bfigure\("([^"]+)"', text)}
    assert names - ZH.keys() == set()


def test_both_tables_are_of_one_form():
    """A row that passed, one that failed and one that never ran stand in both languages alike."""
    some = {row.id: row for row in list(MATRIX.values())[:3]}
    runs = {"S1": PASSING, "S2": FAILING}
    en, zh = (table(some, runs, lang).splitlines() for lang in ("en", "zh"))
    assert len(en) == len(zh) == 5
    assert {line.count(" | ") for line in en[2:] + zh[2:]} == {5}
    assert "FAILED" in en[3]
    assert "a / b c" in en[3]
    assert "never run" in en[4]
    assert "断电次数：3" in zh[2]


def test_figures_are_joined_by_what_they_are():
    """What is slow counts worst, numbers of things are added up, shares count least."""
    one = {"slowest opening, s": 1.0, "cuts": 3, "drained, share": 0.5}
    other = {"slowest opening, s": 2.0, "cuts": 4, "drained, share": 0.9}
    joined = figures_of({"a": {"figures": one}, "b": {"figures": other}})
    assert joined == {"slowest opening, s": 2.0, "cuts": 7, "drained, share": 0.5}


def test_the_record_is_kept_from_run_to_run(tmp_path):
    """A later run of some rows leaves what is known of the others."""
    for name in ("faults.md", "faults.zh-CN.md"):
        (tmp_path / name).write_text((ROOT / "docs" / name).read_text("utf-8"), "utf-8")
    write(tmp_path, MATRIX, {"S1": PASSING})
    write(tmp_path, MATRIX, read(tmp_path) | {"S2": FAILING})
    assert set(json.loads((tmp_path / "faults.json").read_text("utf-8"))) == {"S1", "S2"}
    page = (tmp_path / "faults.md").read_text("utf-8")
    assert page.count("| S1 |") == page.count("| S2 |") == 1


def test_a_row_is_run_in_a_process_of_its_own():
    """What its tests put down comes back with when and of what it was."""
    row = Row("S", "x", "x", "x", "x", 1, ("tests/unit/agent/store/test_ranges.py",))
    run = run_row(row, share=0.001, seed=1)
    assert [test["outcome"] for test in run["tests"].values()] == ["passed"]
    assert run["share"] == 0.001
    assert result_text(row, run, "en") == "holds, 1 passed"


def test_a_row_whose_tests_are_gone_does_not_hold():
    """No test is no proof."""
    row = Row("S", "x", "x", "x", "x", 1, ("tests/nothing.py",))
    assert "FAILED" in result_text(row, run_row(row, share=1.0, seed=1), "en")


def test_a_run_of_all_rows_takes_no_day():
    """A soak of a day is had by name only; every other row is run whole either way."""
    every, named = parse(["--scale", "0.5"], MATRIX), parse(["R5"], MATRIX)
    assert named.shares["R5"] == 1.0
    assert every.shares["R5"] * 24 * 60 == pytest.approx(5, abs=0.1)
    assert {share for name, share in every.shares.items() if name != "R5"} == {0.5}


def test_wrong_arguments_are_told(capsys):
    """An unknown row is named, with all there are."""
    with pytest.raises(SystemExit) as left:
        main(["S99"])
    assert left.value.code == 2
    assert "S99" in capsys.readouterr().err
