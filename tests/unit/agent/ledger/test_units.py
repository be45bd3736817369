"""What counts as one machine, and from when on."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from unit.agent.ledger.ledgers import DAY, machine, shop

from agent.config.ledger import ControlSet, Process, ProcessLink
from agent.kpi.rates import mean_rate
from agent.kpi.region import Doubt, EnterpriseRate, doubts

STRICT = ControlSet.STRICT


def test_a_cell_counts_as_one():
    """The whole counts and its parts do not, whatever they list."""
    declared = shop(
        processes=(Process(id="p"),),
        equipment=(
            machine("FMC1", "FMC", "p"),
            machine("R1", "robot", "p", part_of="FMC1"),
            machine("C1", "CNC", "p", part_of="FMC1"),
            machine("X1", "manual", "p"),
        ),
    )
    (found,) = declared.ledger().covered(DAY, STRICT)
    assert (found.able, found.controlled) == ({"FMC1", "X1"}, {"FMC1"})
    assert {one.id for one in declared.ledger().counted(DAY, STRICT)} == {"FMC1"}


def test_a_dated_link_counts_within_its_days():
    """A machine runs a process only between the days of the link, both included."""
    link = ProcessLink(process="p", valid_from=DAY, valid_to=DAY + timedelta(days=1))
    ledger = shop(processes=(Process(id="p"),), equipment=(machine("M", links=(link,)),)).ledger()
    able = [len(ledger.covered(DAY + timedelta(days=n), STRICT)[0].able) for n in (-1, 0, 1, 2)]
    assert able == [0, 1, 1, 0]


def test_example_a():
    """The shop of 30 people declares two thirds."""
    assert mean_rate(shop().ledger().covered(date(2026, 1, 1), STRICT)) == Fraction(2, 3)


def test_a_region_too_good_to_be_measured_is_doubted():
    """A mean above 90 %, and equal rates everywhere, are told; 90 % itself is not."""
    high = [EnterpriseRate(Fraction(95, 100), 4), EnterpriseRate(Fraction(91, 100), 4)]
    same = [EnterpriseRate(Fraction(1, 2), 4), EnterpriseRate(Fraction(1, 2), 9)]
    assert doubts(high) == (Doubt.MEAN_ABOVE_90,)
    assert doubts(same) == (Doubt.NO_SPREAD,)
    assert doubts([EnterpriseRate(Fraction(9, 10), 1), EnterpriseRate(None, 1)]) == ()
    assert doubts([]) == ()
