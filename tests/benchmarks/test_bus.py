"""The arithmetic of the serial line, and what counts as a wrong read."""

from __future__ import annotations

import pytest

from simulators.modbus.patterns import expected
from tests.benchmarks import bus_report
from tests.benchmarks.bus import BUSES, BusMeasured, wrong_reads

R1 = BUSES["R1"]


def held(unit: int, generation: int) -> tuple[int, ...]:
    """Give what a unit holds, as the agent should deliver it."""
    cells = (expected(unit, "hr", at, generation) for at in range(R1.values))
    return tuple(cell - 0x1_0000 if cell >= 0x8000 else cell for cell in cells)


def test_the_least_round_is_what_the_line_needs() -> None:
    """27 units, 8 + 37 characters of 10 bits at 9,600 bit/s, two rests of 3.5, 5 ms to think."""
    character_s = 10 / 9600
    assert R1.round_s == pytest.approx(27 * ((8 + 37 + 7) * character_s + 0.005))
    assert R1.probe_s == pytest.approx((8 + 3.5) * character_s + 1.0)


def test_a_read_of_another_unit_an_old_or_a_mixed_one_is_wrong() -> None:
    """Only whole generations of the unit itself count, and never an older one after a newer."""
    good = [(1.0, held(3, 5)), (2.0, held(3, 5)), (3.0, held(3, 7))]
    assert wrong_reads(R1, 3, good) == 0
    assert wrong_reads(R1, 3, [*good, (4.0, held(4, 8))]) == 1
    assert wrong_reads(R1, 3, [*good, (4.0, held(3, 6))]) == 1
    assert wrong_reads(R1, 3, [*good, (4.0, held(3, 8)[:8] + held(3, 9)[8:])]) == 1


def test_repeats_become_one_line_and_the_worst_counts() -> None:
    """The stalest value of any repeat is told, and wrong reads are never averaged away."""
    runs = [
        BusMeasured("R1", 1.6, 1.0, round_s, stalest_s, 100, wrong, 30, 0.3, 30.0, 60.0)
        for round_s, stalest_s, wrong in ((1.7, 2.0, 0), (1.8, 2.9, 1), (1.75, 2.6, 0))
    ]
    (line,) = bus_report.summarize(runs)
    assert (line.measured_s, line.staleness_s, line.wrong, line.reads) == (1.75, 2.9, 1, 300)
    assert "| 1.12 × | 1 / 300 | 1.0 | 1.0% |" in bus_report.markdown([line], lang="zh")
