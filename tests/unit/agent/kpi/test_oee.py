"""The figures of effectiveness, digit by digit, and why one is missing."""

from fractions import Fraction

import pytest

from agent.cli.oee_text import DENOMINATORS, REASONS, SHOWN, percent, span
from agent.kpi.oee import Inputs, Missing, effectiveness

MIN = 60_000


def inputs(**keys):
    return Inputs(
        **{
            "planned_ms": 480 * MIN, "calendar_ms": 1440 * MIN, "running_ms": 300 * MIN,
            "setup_ms": 45 * MIN, "alarm_ms": 35 * MIN, "part_ms": Fraction(2 * MIN),
            "parts": 132, "good": 129,
        } | keys
    )  # fmt: skip


def test_the_worked_example_digit_by_digit():
    """PBT 480, AUBT 380, AUPT 345, APT 300, ADET 35, PRI 2, PQ 132, GQ 129 (minutes)."""
    found = effectiveness(inputs())
    assert {
        name: percent(getattr(found, name))
        for name in ("availability", "performance", "quality", "oee", "net", "utilization",
                     "setup", "technical")
    } == {
        "availability": "62.50", "performance": "88.00", "quality": "97.73", "oee": "53.75",
        "net": "61.81", "utilization": "78.95", "setup": "13.04", "technical": "89.55",
    }  # fmt: skip
    assert found.oee == Fraction(2 * 129, 480)


def test_the_terms_of_the_shop_digit_by_digit():
    """Planned 480, power 460, running 380, spindle 300, cutting 255, calendar 1440 (minutes)."""
    found = effectiveness(
        inputs(running_ms=380 * MIN, power_ms=460 * MIN, spindle_ms=300 * MIN, cutting_ms=255 * MIN)
    )
    names = ("operating", "calendar", "spindle", "cutting")
    assert [percent(getattr(found, name)) for name in names] == [
        "79.17", "26.39", "65.22", "85.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "name", "why"),
    [
        ({"planned_ms": 0}, "availability", Missing.NOTHING_PLANNED),
        ({"planned_ms": None}, "oee", Missing.NO_SHIFT),
        ({"running_ms": None}, "availability", Missing.NO_STATE),
        ({"running_ms": 0}, "performance", Missing.NOT_RUN),
        ({"parts": 0, "good": 0}, "quality", Missing.NO_PARTS),
        ({"parts": None, "good": None}, "oee", Missing.NO_COUNTER),
        ({"good": None}, "quality", Missing.NO_QUALITY_COUNTER),
        ({"good": None}, "oee", Missing.NO_QUALITY_COUNTER),
        ({"good": 133}, "quality", Missing.CONTRADICTION),
        ({"part_ms": None}, "oee", Missing.NO_CYCLE),
        ({}, "spindle", Missing.NO_SIGNAL),
        ({"spindle_ms": 0, "cutting_ms": 0}, "cutting", Missing.NOT_RUN),
    ],
)
def test_what_cannot_be_given_has_a_reason(keys, name, why):
    """No counter, no shift, no division by zero: null with its reason, never 0 and never 100 %."""
    assert getattr(effectiveness(inputs(**keys)), name) is why


def test_without_a_part_counter_availability_remains():
    """The figures that need no parts are given; quality is never taken to be 100 %."""
    found = effectiveness(inputs(parts=None, good=None))
    assert percent(found.availability) == "62.50"
    assert found.net is Missing.NO_COUNTER


def test_every_reason_and_figure_has_its_words():
    """Each reason and each figure shown speaks both languages."""
    assert set(REASONS) == set(Missing)
    assert set(DENOMINATORS) == set(SHOWN)
    assert all(m.en and m.zh for m in (*REASONS.values(), *DENOMINATORS.values()))
    assert span(3_723_999) == "1:02:03"
    assert percent(Fraction(1, 16)) == "6.25"
    assert percent(Fraction(5, 8000)) == "0.06"
    assert percent(Fraction(1, 3200)) == "0.03"
