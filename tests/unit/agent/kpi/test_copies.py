"""Copied series are found, and no honest machine is taken for a copy."""

from __future__ import annotations

from unit.agent.kpi.shopdays import by_device, observer, play, series

from agent.kpi.copies import copies
from agent.kpi.deviceday import canonical
from agent.kpi.reasons import Reason


def test_a_series_replayed_as_another_machine_is_found():
    """Equal readings, hours later and at another phase, accuse the device that had them later."""
    into = observer("real", "fake")
    for day in range(3):
        readings = series(day)
        play(into, "real", day, readings)
        play(into, "fake", day + 3, readings[7:], offset_s=5000.4)
    found = copies(by_device(into))
    assert list(found) == ["fake"]
    assert found["fake"].reason is Reason.COPIED
    assert found["fake"].rivals == ("real",)
    assert (found["fake"].about["copied"], found["fake"].about["other"]) == ("3", "real")


def test_one_machine_shown_as_two_accuses_both():
    """On one and the same day nobody can tell which of two is the copy."""
    into = observer("a", "b")
    for day in range(3):
        play(into, "a", day, series(day))
        play(into, "b", day, series(day))
    assert {d: f.reason for d, f in copies(by_device(into)).items()} == {
        "a": Reason.COPIED, "b": Reason.COPIED,
    }  # fmt: skip


def test_last_week_once_more_is_found():
    """A device that repeats its own days is its own copy, and has no rival."""
    into = observer("a")
    for day in range(14):
        play(into, "a", day, series(day % 7, 600))
    found = copies(by_device(into))
    assert found["a"].reason is Reason.COPIED
    assert found["a"].rivals == ()
    assert found["a"].about["other"] == "a"


def test_two_copied_days_accuse_nobody():
    """Fewer days than three may be an accident, such as a point table mixed up for a while."""
    into = observer("a", "b")
    for day in range(2):
        play(into, "a", day, series(day))
        play(into, "b", day, series(day))
    assert copies(by_device(into)) == {}


def test_idle_machines_are_not_copies():
    """Machines at rest show the same values for days, and prove nothing by it."""
    into = observer("a", "b")
    for day in range(10):
        play(into, "a", day, series(1, 900, busy=False))
        play(into, "b", day, series(1, 900, busy=False))
    assert copies(by_device(into)) == {}


def test_equal_machines_that_make_equal_parts_are_not_copies():
    """Equal programs, counts and integer loads, but each its own power: nobody is accused."""
    into = observer("a", "b")
    for day in range(6):
        mine, theirs = series(day), series(day + 100)
        both = [(*m[:2], t[2], *m[3:]) for m, t in zip(mine, theirs, strict=True)]
        play(into, "a", day, mine)
        play(into, "b", day, both)
    found = copies(by_device(into))
    assert all(one.reason is Reason.ALIKE for one in found.values())


def test_coarse_values_prove_nothing():
    """Power in tenths of a kilowatt meets by chance."""
    into = observer("a", "b")
    for day in range(6):
        play(into, "a", day, series(day, digits=1))
        play(into, "b", day, series(day + 100, digits=1))
    assert copies(by_device(into)) == {}


def test_independent_machines_are_not_alike():
    """Ten machines over ten days: none looks like another, or like itself."""
    names = [f"m{n}" for n in range(6)]
    into = observer(*names)
    for at, name in enumerate(names):
        for day in range(6):
            play(into, name, day, series(at * 100 + day, 900))
    assert copies(by_device(into)) == {}


def test_a_full_day_is_some_hundred_bytes():
    """The record of a busy day is bounded, whatever the device sends."""
    into = observer("a")
    play(into, "a", 0, series(1))
    (day,) = into.days()
    assert day.values.offered > 500
    assert len(canonical(day.document()).encode()) <= 1300
