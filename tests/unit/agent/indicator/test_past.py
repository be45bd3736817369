"""Rates of past days: by the ledger of their day, with what moved and why, gathered by period."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from unit.agent.indicator.conftest import LAST, machine, worked

from agent.config.ledger import Process
from agent.indicator.changes import MOST, changes
from agent.indicator.dayrate import DayRate
from agent.indicator.past import Past, declared_then
from agent.indicator.periods import Span, periods
from agent.ledger.entry import Source, chained, checked
from agent.ledger.history import History
from agent.ledger.journal import differences
from agent.ledger.records import Declared

ONE = timedelta(days=1)


def journal(*edits):
    """Give the history of a ledger that was edited: (day, who, configuration)."""
    entries, state = (), checked(())
    for nr, (day, who, config) in enumerate(edits):
        found = differences(state.state, Declared.of(config).records())
        entries += chained(found, state, at_ms=nr, day=day, who=who, source=Source.PAGE)
        state = checked(one.line() for one in entries)
        assert state.bad is None
    return History.of(entries)


def test_a_machine_that_became_verified_is_named(config, judge):
    """The day on which a machine has enough days says so, with machine and reason."""
    past = Past(config, History(()), judge(worked("d1", 3)))
    before, after = past.day(LAST - ONE)[1], past.day(LAST)[1]
    assert (before.verified, after.verified) == ((0, 1), (1, 3))
    (one,) = [c for c in after.changes if c.id == "L1"]
    assert one.kind == "standing"
    assert "L1" in one.message.zh
    assert "待验证" in one.message.zh
    assert "已验证" in one.message.zh


def test_a_dropped_process_is_named_with_who_did_it(config, judge):
    """An edit that drops a key process shows as the edit, its author and the finding."""
    config = config.model_copy(update={"processes": (*config.processes, Process(id="grind"))})
    less = config.model_copy(update={"processes": config.processes[:1]})
    history = journal((LAST - 9 * ONE, "agent.yaml", config), (LAST, "王工", less))
    rate = Past(less, history, judge(worked("d1", 5))).day(LAST)[1]
    kinds = [one.kind for one in rate.changes]
    assert kinds[:2] == ["ledger", "key_process_removed"]
    assert "王工" in rate.changes[0].message.zh
    assert rate.changes[1].id == "grind"
    assert rate.declared == (2, 3)


def test_a_day_is_judged_by_the_ledger_of_its_day(config, judge):
    """A machine entered later does not count on the days before."""
    more = config.model_copy(update={"equipment": (*config.equipment, machine("L9"))})
    history = journal((LAST - 9 * ONE, "a", config), (LAST, "b", more))
    past = Past(more, history, judge([]))
    assert past.day(LAST - ONE)[1].declared == (2, 3)
    assert past.day(LAST)[1].declared == (3, 4)
    assert past.ledger(LAST - ONE) != past.ledger(LAST)
    assert declared_then(more, history, LAST - 99 * ONE).equipment == config.equipment


def test_a_jump_without_an_edit_is_told(config, judge):
    """A rate that moves by more than 20 points while nobody edited the ledger is a finding."""
    past = Past(config, History(()), judge(worked("d1", 3)))
    days = [past.day(LAST + n * ONE)[1] for n in range(5)]
    (fell,) = [one for one in days if one.changes[:1] and one.changes[0].kind == "rate_jump"]
    assert fell.verified == (0, 1), "the data end, and the machine with them"
    assert "33.33 % to 0.00 %" in fell.changes[0].message.en


def test_a_new_installation_is_no_jump(config, judge):
    """Machines whose days have just become enough raise the rate, each says why, and no more."""
    rate = Past(config, History(()), judge(worked("d1", 3))).day(LAST)[1]
    assert rate.verified == (1, 3)
    assert [(one.kind, one.id) for one in rate.changes] == [("standing", "L1")]


def test_a_rate_that_rises_for_another_reason_is_a_jump(config, judge):
    """A machine that had days enough and no control of its own, and has one overnight, is told."""
    observed = [replace(one, control_good=0) for one in worked("d1", 6)]
    judged = judge(observed)(config, LAST - ONE), judge(worked("d1", 6))(config, LAST)
    assert [one.kind for one in changes(*judged, History(()))] == ["rate_jump", "standing"]


def test_other_rules_and_settings_are_told(config, judge):
    """A rate under other rules or another formula says that first it is measured otherwise."""
    after = judge([])(config, LAST)
    before = replace(after, rules="2026.1", asked=replace(after.asked, first=LAST))
    assert [one.kind for one in changes(before, after, History(()))] == ["rules", "settings"]


def test_what_is_told_of_a_day_is_bounded(config, judge):
    """A ledger turned upside down tells the first changes and how many more there are."""
    machines = tuple(machine(f"M{n}") for n in range(90))
    many = config.model_copy(update={"equipment": machines})
    found = changes(judge([])(config, LAST - ONE), judge([])(many, LAST), History(()))
    assert len(found) == MOST + 1
    assert (found[-1].kind, "53" in found[-1].message.en) == ("more", True)


def test_a_day_survives_json(config, judge):
    """What is remembered is the same after a trip through JSON; anything else is refused."""
    rate = Past(config, History(()), judge(worked("d1", 3))).day(LAST)[1]
    assert DayRate.of_document(rate.document()) == rate
    with pytest.raises(ValueError, match="not the rate of a day"):
        DayRate.of_document(rate.document() | {"declared": [1, 0]})


def test_months_show_their_last_day_and_gather_changes(config, judge):
    """A month is as of its last day; a machine's changes in it are told once, the last."""
    past = Past(config, History(()), judge(worked("d1", 3)))
    days = [past.day(LAST + n * ONE)[1] for n in range(-2, 5)]
    july, august = periods(days, Span.MONTH)
    assert (july.name, july.rate.day, august.name) == ("2026-07", LAST, "2026-08")
    assert [c.id for c in july.changes if c.kind == "standing"] == ["L1"]
    assert "待验证" in next(c.message.zh for c in august.changes if c.id == "L1")
    assert [one.name for one in periods(days, Span.YEAR)] == ["2026"]
    assert len(periods(days, Span.DAY)) == 7
    assert july.document()["period"] == "2026-07"


def test_a_month_under_new_rules_says_so(config, judge):
    """Where two periods were judged by different rules the later one says it."""
    rate = Past(config, History(()), judge([])).day(LAST)[1]
    old = replace(rate, day=date(2026, 6, 30), rules="2026.1")
    assert [c.kind for c in periods([rate, old], Span.MONTH)[1].changes] == ["rules"]
