"""What an assessor will ask about an edit, and what was declared on a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from unit.agent.ledger.ledgers import DAY, machine, shop

from agent.config.ledger import DocumentKind, MachineDocument, Process
from agent.kpi.rates import NullReason
from agent.ledger.entry import Source
from agent.ledger.findings import FindingKind, declared_rate, edit_findings, findings, rate_jump
from agent.ledger.history import History
from agent.ledger.journal import Journal

PROCESSES = shop().processes
MACHINES = shop().equipment


def found(before, after, **options):
    return [(one.kind, one.id) for one in edit_findings(before, after, day=DAY, **options)]


@pytest.fixture
def edits(tmp_path):
    """Write ledgers down, one a day from `DAY` on, and give their history."""
    journal = Journal(tmp_path / "x.ledger.jsonl")

    def write(*ledgers):
        for number, one in enumerate(ledgers):
            day = DAY + timedelta(days=number)
            journal.record(one, at_ms=number, day=day, who="王工", source=Source.CONFIG)
        return History.of(journal.read().entries)

    return write


def test_example_i():
    """Grinding leaves the ledger: 2/3 becomes 8/9 without a new machine, and that is told."""
    after = shop(processes=tuple(one for one in PROCESSES if one.id != "grinding"))
    (one,) = edit_findings(shop(), after, day=DAY)
    assert (one.kind, one.id) == (FindingKind.KEY_PROCESS_REMOVED, "grinding")
    assert declared_rate(shop(), DAY) == Fraction(2, 3)
    assert declared_rate(after, DAY) == Fraction(8, 9)
    assert "66.67 % to 88.89 %, without a new machine" in one.message.en
    assert "66.67% 变为 88.89%，并未新增数控设备" in one.message.zh


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ({"key": False}, "改为非关键工序"),
        ({"outsourced": "外协"}, "改为外协"),
        ({"valid_to": DAY - timedelta(days=1)}, "2026-07-30 止"),
        ({"valid_to": DAY + timedelta(days=60)}, "2026-09-29 止"),
        ({"valid_from": DAY + timedelta(days=9)}, "改为自 2026-08-09 起"),
    ],
)
def test_every_way_out_of_the_key_processes_is_named(change, how):
    """Deleting is one way; not key, outsourced, ended now or later, begun later are others."""
    changed = tuple(
        Process.model_validate(one.model_dump() | change) if one.id == "grinding" else one
        for one in PROCESSES
    )
    (one,) = edit_findings(shop(), shop(processes=changed), day=DAY)
    assert one.kind is FindingKind.KEY_PROCESS_REMOVED
    assert how in one.message.zh
    assert "88.89%" in one.message.zh


def test_a_rate_raised_by_dropping_a_lathe():
    """Two manual lathes less raise the rate; they are named, no machine was added."""
    after = shop(equipment=tuple(one for one in MACHINES if one.id not in {"L5", "L6"}))
    (one,) = edit_findings(shop(), after, day=DAY)
    assert one.kind is FindingKind.RATE_RAISED_WITHOUT_MACHINE
    assert "L5, L6" in one.message.zh


def less(*gone, **changed):
    """Give the machines without some, and with others changed."""
    return tuple(
        one.model_copy(update=changed.get(one.id, {})) for one in MACHINES if one.id not in gone
    )


NEW = machine("G3", "CNC", "grinding")


def test_a_new_machine_does_not_hide_deleted_ones():
    """A grinder is added and two manual lathes go: the part without the grinder is told alone."""
    (one,) = edit_findings(shop(), shop(equipment=(*less("L5", "L6"), NEW)), day=DAY)
    assert one.kind is FindingKind.RATE_RAISED_WITHOUT_MACHINE
    assert "66.67 % to 83.33 %" in one.message.en
    assert "66.67 % to 75.00 %; no longer counted: L5, L6" in one.message.en
    assert "66.67% 变为 75.00%；不再计入：L5, L6" in one.message.zh


def test_a_process_taken_out_does_not_hide_deleted_machines():
    """Grinding and two manual lathes go in one edit: both are told, each by its own part."""
    processes = tuple(one for one in PROCESSES if one.id != "grinding")
    equipment = tuple(
        one.model_copy(update={"processes": tuple(p for p in one.processes if p != "grinding")})
        for one in less("L5", "L6")
    )
    removed, raised = edit_findings(shop(), shop(processes=processes, equipment=equipment), day=DAY)
    assert removed.kind is FindingKind.KEY_PROCESS_REMOVED
    assert raised.kind is FindingKind.RATE_RAISED_WITHOUT_MACHINE
    assert "66.67 % to 75.00 %; no longer counted: L5, L6" in raised.message.en


def test_a_manual_machine_replaced_by_a_controlled_one_is_told_in_its_parts():
    """What was scrapped and what was bought are two facts, and an assessor asks about the first."""
    assert found(shop(), shop(equipment=(*less("G2"), NEW))) == [], "of 0 nothing is raised"
    assert found(shop(), shop(equipment=(*less("L5"), machine("L7", "CNC", "turning")))) == [
        (FindingKind.RATE_RAISED_WITHOUT_MACHINE, "")
    ]


def test_machines_that_leave_on_a_later_day_are_told_today():
    """A retirement dated ahead raises the rate without an edit on its day: it is told now."""
    last = DAY + timedelta(days=9)
    after = shop(equipment=less(L5={"in_service_to": last}, L6={"in_service_to": last}))
    (one,) = edit_findings(shop(), after, day=DAY)
    assert one.message.en.startswith(f"from {last + timedelta(days=1)} on the declared rate went")
    assert found(shop(), shop(equipment=less(L1={"in_service_to": last}))) == []


def test_a_manual_machine_that_became_controlled_is_no_deletion():
    """What a converted machine does to the rate is its own; nothing was left out."""
    paper = MachineDocument(kind="nameplate", sha256="0" * 64)
    after = shop(equipment=less(L5={"control_type": "CNC", "documents": (paper,)}))
    assert found(shop(), after) == []


def test_a_new_machine_raises_no_question():
    """A rate that rises with a new controlled machine is what the whole thing is for."""
    after = shop(equipment=(*MACHINES, machine("G3", "CNC", "grinding")))
    assert found(shop(), after) == []
    assert found(shop(), shop()) == []


def test_control_that_became_numerical_on_paper():
    """A manual machine called CNC is asked for a document, unless one came with the change."""
    paper = MachineDocument(kind="nameplate", sha256="0" * 64)
    bare = tuple(one.model_copy(update={"control_type": "CNC"}) if one.id == "L5" else one
                 for one in MACHINES)  # fmt: skip
    with_paper = tuple(one.model_copy(update={"documents": (paper,)}) if one.id == "L5" else one
                       for one in bare)  # fmt: skip
    assert found(shop(), shop(equipment=bare)) == [(FindingKind.CONTROL_WITHOUT_DOCUMENT, "L5")]
    assert found(shop(), shop(equipment=with_paper)) == []


def test_a_machine_that_comes_back_under_another_number(edits):
    """Deleted in one edit, back in a later one: the nameplate tells, whatever its capitals."""
    old = machine("L9", "manual", "turning", maker="沈阳", model="CA6140", serial="a-77")
    new = machine("X9", "CNC", "turning", maker="沈阳", model="ca6140", serial="A-77")
    history = edits(shop(equipment=(*MACHINES, old)), shop(), shop(equipment=(*MACHINES, new)))
    kinds = [(one.kind, one.id, one.day) for one in findings(history)]
    assert (FindingKind.MACHINE_RENUMBERED, "X9", DAY + timedelta(days=2)) in kinds


def test_a_retired_machine_under_another_number():
    """Retired and added in one edit is the same thing."""
    old = machine("L9", "manual", "turning", serial="77")
    gone = old.model_copy(update={"in_service_to": DAY})
    new = machine("X9", "CNC", "turning", serial="77")
    before, after = shop(equipment=(*MACHINES, old)), shop(equipment=(*MACHINES, gone, new))
    assert (FindingKind.MACHINE_RENUMBERED, "X9") in found(before, after)


def test_a_rate_that_jumps_alone():
    """More than 20 points without an edit is told; 20 exactly, or with an edit, is not."""
    low, high = Fraction(30, 100), Fraction(50, 100)
    assert rate_jump(low, high, day=DAY, edited=False) is None
    jump = rate_jump(low, high + Fraction(1, 10**6), day=DAY, edited=False)
    assert jump is not None
    assert "30.00 % to 50.00 %" in jump.message.en
    assert rate_jump(low, Fraction(1), day=DAY, edited=True) is None
    assert rate_jump(NullReason.NO_KEY_PROCESS, Fraction(1), day=DAY, edited=False) is None


def test_what_was_declared_on_a_day(edits):
    """An edit counts from its own day on; before the history began nothing is known."""
    less = shop(processes=PROCESSES[:2])
    history = edits(shop(), less)
    known = [history.as_of(DAY + timedelta(days=n)) for n in (-1, 0, 1, 400)]
    assert known[0] is None
    assert [one.records() for one in known[1:]] == [
        shop().records(), less.records(), less.records(),
    ]  # fmt: skip
    assert history.first_day == DAY


def test_a_clock_that_was_wrong_once(edits):
    """An edit dated in the future counts with the next one that is dated rightly."""
    history = edits(shop(), shop(processes=PROCESSES[:2]), shop(processes=PROCESSES[:1]))
    entries = [entry for batch in history.batches for entry in batch.entries]
    wrong = [replace(one, day=date(2030, 1, 1)) if one.at_ms == 1 else one for one in entries]
    replayed = History.of(wrong)
    declared = replayed.as_of(DAY + timedelta(days=2))
    assert declared is not None
    assert len(declared.processes) == 1
    assert len(replayed.as_of(DAY + timedelta(days=1)).processes) == 4


def test_a_machine_deleted_and_entered_again_as_controlled_is_found():
    """Two edits instead of one do not hide that a manual machine became a CNC one on paper."""
    old = shop()
    without = shop(equipment=tuple(one for one in old.equipment if one.id != "L5"))
    again = shop(equipment=(*without.equipment, machine("L5", "CNC", "turning")))
    found = edit_findings(without, again, day=DAY, ever=old.equipment)
    assert FindingKind.CONTROL_WITHOUT_DOCUMENT in [one.kind for one in found]


def test_a_document_that_names_nothing_is_none():
    """An entry without number and hash does not take the finding away."""
    empty = MachineDocument(kind=DocumentKind.OTHER)
    others = tuple(one for one in shop().equipment if one.id != "L5")
    after = shop(equipment=(*others, machine("L5", "CNC", "turning", documents=(empty,))))
    found = edit_findings(shop(), after, day=DAY)
    assert FindingKind.CONTROL_WITHOUT_DOCUMENT in [one.kind for one in found]
