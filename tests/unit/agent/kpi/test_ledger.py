"""The ledger as of a day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agent.config.ledger import ControlSet, ControlType, Equipment, IndustryKind, Process
from agent.kpi.ledger import DISCRETE_NC, PROCESS_NC, Ledger, counted_types

FIRST, LAST = date(2026, 7, 2), date(2026, 7, 31)
DAY = timedelta(days=1)


def ledger(processes=(), equipment=(), kind=IndustryKind.DISCRETE):
    return Ledger(kind, tuple(processes), tuple(equipment))


@pytest.mark.parametrize(
    ("kind", "control_set", "types"),
    [
        (IndustryKind.DISCRETE, ControlSet.STRICT, DISCRETE_NC),
        (IndustryKind.PROCESS, ControlSet.STRICT, PROCESS_NC),
        (IndustryKind.MIXED, ControlSet.STRICT, DISCRETE_NC | PROCESS_NC),
        (IndustryKind.DISCRETE, ControlSet.BROAD, DISCRETE_NC | PROCESS_NC),
        (IndustryKind.PROCESS, ControlSet.BROAD, DISCRETE_NC | PROCESS_NC),
    ],
)
def test_counted_types(kind, control_set, types):
    """The strict set is the kind's own, the broad one and that of mixed plants are the union."""
    assert counted_types(kind, control_set) == types


def test_no_set_counts_manual_or_relay():
    """A manual or relay machine is never numerically controlled, whatever the set."""
    assert {ControlType.MANUAL, ControlType.RELAY}.isdisjoint(
        counted_types(IndustryKind.MIXED, ControlSet.BROAD)
    )


def test_key_processes_of_a_day():
    """P holds key processes done in the house and valid on the day, both ends included."""
    book = ledger(
        [
            Process(id="always"),
            Process(id="span", valid_from=FIRST, valid_to=LAST),
            Process(id="out", outsourced="elsewhere"),
            Process(id="minor", key=False),
        ]
    )
    names = {
        day: [p.id for p in book.key_processes(day)]
        for day in (FIRST - DAY, FIRST, LAST, LAST + DAY)
    }
    assert names == {
        FIRST - DAY: ["always"],
        FIRST: ["always", "span"],
        LAST: ["always", "span"],
        LAST + DAY: ["always"],
    }


def test_retired_machine_leaves_both_numerator_and_denominator():
    """A machine counts from its first to its last day in service."""
    machine = Equipment(id="M", control_type=ControlType.CNC, processes=("p",), in_service_to=LAST)
    book = ledger([Process(id="p")], [machine])
    (on,) = book.covered(LAST, ControlSet.STRICT)
    (off,) = book.covered(LAST + DAY, ControlSet.STRICT)
    assert (on.able, on.controlled) == ({"M"}, {"M"})
    assert (off.able, off.controlled) == (set(), set())


def test_dropped_key_process_is_found_on_any_day_of_the_window():
    """Also a process that began and ended inside the window is told; one that remains is not."""
    book = ledger(
        [
            Process(id="brief", valid_from=FIRST + DAY, valid_to=FIRST + 2 * DAY),
            Process(id="kept"),
            Process(id="long_gone", valid_to=FIRST - DAY),
            Process(id="new", valid_from=LAST),
        ]
    )
    assert [p.id for p in book.dropped_key_processes(FIRST, LAST)] == ["brief"]
