"""Evidence: the ladder, the standing of machines, and a reason for each."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from agent.config.ledger import ControlSet, ControlType, Equipment, IndustryKind, Process, Rate
from agent.kpi.evidence import (
    CONTROL_METRICS,
    DeviceDay,
    Level,
    Standing,
    demand,
    is_control_metric,
    summarize,
)
from agent.kpi.identity import DeviceFacts
from agent.kpi.judge import assess
from agent.kpi.ledger import Ledger
from agent.kpi.rates import NullReason
from agent.kpi.reason_texts import SENTENCES
from agent.kpi.reasons import CONTRADICTING, DOUBTFUL, Reason, null_sentence, sentence
from agent.kpi.result import compute

AS_OF = date(2026, 7, 31)


def days(count, *, device="d1", changed=True, control=10, back=0, good=100):
    return [
        DeviceDay(device, AS_OF - timedelta(days=back + n), good, changed, control, 0, 1)
        for n in range(count)
    ]


def judge(observations, *machines, control_set=ControlSet.STRICT, **settings):
    asked = demand(Rate(**settings), AS_OF)
    book = Ledger(IndustryKind.DISCRETE, (Process(id="p"),), machines)
    found = assess(book, summarize(observations, asked), asked, control_set=control_set)
    return {a.machine.id: (a.level, a.standing, a.reason) for a in found}


def cnc(id_="M", device="d1", **more):
    return Equipment(
        **{"id": id_, "control_type": ControlType.CNC, "processes": ("p",), "device": device} | more
    )


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("program.name", True),
        ("program.line", True),
        ("machine.mode", True),
        ("machine.mode_detail", False),
        ("machine.state", False),
        ("axis.x.position", True),
        ("axis", False),
        ("tool.number", True),
        ("spindle.speed_cmd", True),
        ("spindle.speed", False),
        ("feed.override", True),
        ("rapid.override", True),
        ("spindle.override", True),
        ("controller.model", True),
        ("energy.total", False),
        ("power.active", False),
        ("programme.name", False),
    ],
)
def test_control_metrics(name, control):
    """A metric is a controller's own if it equals an entry or lies below one that ends in a dot."""
    assert is_control_metric(name) is control


def test_control_metrics_are_what_is_published():
    """The published list holds no meter, no power and no machine state."""
    assert not any(entry.startswith(("energy", "power")) for entry in CONTROL_METRICS)
    assert "machine.state" not in CONTROL_METRICS
    assert len(set(CONTROL_METRICS)) == len(CONTROL_METRICS) == 9


@pytest.mark.parametrize(
    ("scheduled", "needed", "assessable"), [(22, 11, True), (6, 5, True), (4, 5, False)]
)
def test_days_needed(scheduled, needed, assessable):
    """Half the scheduled days, five at least; fewer than five scheduled allow no judgement."""
    asked = demand(Rate(scheduled_days=scheduled), AS_OF)
    assert (asked.needed_days, asked.assessable) == (needed, assessable)


def test_window_ends_with_the_day():
    """A window of 30 days holds the day itself and the 29 before it."""
    asked = demand(Rate(), AS_OF)
    assert (asked.first, asked.last, asked.period_days) == (date(2026, 7, 2), AS_OF, 30)
    assert asked.needed_days == 15


def test_share_is_the_decimal_written():
    """7 % of 100 days are 7, although the float 0.07 times 100 is a little more."""
    assert demand(Rate(period_days=100, min_day_share=0.07), AS_OF).needed_days == 7
    assert demand(Rate(period_days=100, min_day_share=0.071), AS_OF).needed_days == 8


@pytest.mark.parametrize(
    ("seen", "standing"),
    [(18, Standing.VERIFIED), (11, Standing.VERIFIED), (10, Standing.UNVERIFIED)],
)
def test_enough_days(seen, standing):
    """With 22 scheduled days, 11 days with data verify and 10 do not."""
    assert judge(days(seen), cnc(), scheduled_days=22)["M"][1] is standing


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        ([], (Level.DECLARED, Standing.UNVERIFIED, Reason.NO_DATA)),
        (days(1), (Level.REACHED, Standing.UNVERIFIED, Reason.TOO_FEW_DAYS)),
        (days(14), (Level.REACHED, Standing.UNVERIFIED, Reason.TOO_FEW_DAYS)),
        (days(15, changed=False), (Level.OBSERVED, Standing.UNVERIFIED, Reason.NO_CHANGE)),
        (days(15, control=0), (Level.LIVE, Standing.UNVERIFIED, Reason.NO_CONTROL_IDENTITY)),
        (days(15), (Level.LIVE, Standing.VERIFIED, Reason.VERIFIED)),
    ],
)
def test_ladder(observations, expected):
    """Each rung asks for one thing more, and the first that is missing is the reason."""
    assert judge(observations, cnc())["M"] == expected


def test_days_outside_the_window_do_not_count():
    """Fourteen days inside and any number before or after the window are fourteen."""
    observed = days(14) + days(40, back=30) + days(1, back=-1)
    assert judge(observed, cnc())["M"][2] is Reason.TOO_FEW_DAYS
    assert judge(days(40, back=30), cnc())["M"][2] is Reason.NO_DATA


def test_days_without_good_value_do_not_count():
    """A record without a good value is no observation."""
    assert judge(days(30, good=0), cnc())["M"][0] is Level.DECLARED


def test_no_device():
    """A declared machine that the ledger connects to nothing is unverified for that reason."""
    assert judge(days(30), cnc(device=None))["M"] == (
        Level.DECLARED, Standing.UNVERIFIED, Reason.NO_DEVICE,
    )  # fmt: skip


def test_meter_on_a_manual_lathe_is_live_and_not_claimed():
    """A manual machine whose meter delivers lively data reaches E4 and is still not NC."""
    lathe = cnc(control_type=ControlType.MANUAL)
    assert judge(days(30, control=0), lathe)["M"] == (
        Level.LIVE, Standing.NOT_CLAIMED, Reason.NOT_CLAIMED,
    )  # fmt: skip


def test_two_declared_machines_on_one_device_contradict_each_other():
    """Who claims the same device cannot both be right; both are contradicted, however lively."""
    found = judge(days(30), cnc("A"), cnc("B"), cnc("C", device="d2"))
    assert found["A"][1:] == found["B"][1:] == (Standing.CONTRADICTED, Reason.SAME_SOURCE)
    assert found["C"][1] is Standing.UNVERIFIED


def test_manual_machine_on_the_same_device_is_no_rival():
    """Only machines declared as controlled contradict each other."""
    found = judge(days(30), cnc("A"), cnc("B", control_type=ControlType.MANUAL))
    assert found["A"][1] is Standing.VERIFIED


def test_retired_machine_is_no_rival():
    """A successor may take over the device of a machine that left service."""
    old = cnc("A", in_service_to=AS_OF - timedelta(days=1))
    found = judge(days(30), old, cnc("B"))
    assert found["A"][1:] == (Standing.NOT_CLAIMED, Reason.NOT_IN_SERVICE)
    assert found["B"][1] is Standing.VERIFIED


def test_machine_without_key_process_is_not_claimed():
    """A CNC machine that runs no key process is not in the rate."""
    found = judge(days(30), cnc(processes=()))
    assert found["M"][1:] == (Standing.NOT_CLAIMED, Reason.NO_KEY_PROCESS)


def test_rival_by_the_broad_set_only():
    """A PLC machine on the same device is a rival exactly where PLC counts."""
    machines = cnc("A"), cnc("B", control_type=ControlType.PLC)
    assert judge(days(30), *machines)["A"][1] is Standing.VERIFIED
    broad = judge(days(30), *machines, control_set=ControlSet.BROAD)
    assert broad["A"][1] is broad["B"][1] is Standing.CONTRADICTED


def test_too_short_period_judges_nobody(make_config):
    """With four scheduled days nothing is verified, nothing failed, and the rate is null."""
    config = make_config({"p": {"M": "CNC"}}, devices={"M": "d1"}, scheduled_days=4)
    result = compute(config, days(30), now_ms=0, as_of=AS_OF)
    (only,) = result.headline_set.assessments
    assert (only.standing, only.reason) == (Standing.UNVERIFIED, Reason.TOO_FEW_SCHEDULED_DAYS)
    assert result.headline.declared == result.headline.adjusted == 1
    assert result.headline.verified is NullReason.TOO_FEW_SCHEDULED_DAYS
    assert result.headline.gap is NullReason.TOO_FEW_SCHEDULED_DAYS
    assert result.headline_set.coverage is NullReason.TOO_FEW_SCHEDULED_DAYS
    assert result.counted is None


def test_contradicted_machines_leave_the_adjusted_rate(make_config):
    """Of three declared machines two share a device: adjusted 1/3, verified 1/3, declared 1."""
    config = make_config(
        {"p": dict.fromkeys(("A", "B", "C"), "CNC")}, devices={"A": "d1", "B": "d1", "C": "d2"}
    )
    observed = days(30) + days(30, device="d2")
    one = compute(config, observed, now_ms=0, as_of=AS_OF).headline
    assert (str(one.declared), str(one.adjusted), str(one.verified)) == ("1", "1/3", "1/3")


def test_row_round_trip():
    """A day survives the store, where a flag is 0 or 1."""
    day = DeviceDay("d1", AS_OF, 5, True, 2, 10, 20)
    assert DeviceDay.of(day.row()) == day
    assert DeviceDay.of(("d1", "2026-07-31", 5, 1, 2, 10, 20)) == day


PLAIN = [r for r in Reason if r is not Reason.WITNESSED and r not in {*CONTRADICTING, *DOUBTFUL}]
"""Reasons that need nothing but days; the others are in test_findings and below."""


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_said_in_both_languages(reason):
    """No code is without its two sentences, with the same blanks in both but for the order."""
    said = SENTENCES[reason.value]
    blanks = [set(re.findall(r"{(\w+)}", text)) for text in (said.en, said.zh)]
    assert blanks[0] ^ blanks[1] <= {"device"}
    assert re.search("[一-鿿]", said.zh)
    assert not re.search("[一-鿿]", said.en)


@pytest.mark.parametrize("reason", PLAIN)
def test_every_reason_has_a_sentence(reason):
    """Every reason is said in both languages, with all its numbers filled in."""
    cases = {
        Reason.VERIFIED: (days(30), [cnc()], {}),
        Reason.NOT_CLAIMED: ([], [cnc(control_type=ControlType.MANUAL)], {}),
        Reason.NOT_IN_SERVICE: ([], [cnc(in_service_to=date(2026, 1, 1))], {}),
        Reason.PART_OF: ([], [cnc(part_of="K1")], {}),
        Reason.NO_KEY_PROCESS: ([], [cnc(processes=())], {}),
        Reason.SAME_SOURCE: ([], [cnc(), cnc("N")], {}),
        Reason.NO_DEVICE: ([], [cnc(device=None)], {}),
        Reason.TOO_FEW_SCHEDULED_DAYS: ([], [cnc()], {"scheduled_days": 4}),
        Reason.NO_DATA: ([], [cnc()], {}),
        Reason.TOO_FEW_DAYS: (days(3), [cnc()], {}),
        Reason.NO_CHANGE: (days(30, changed=False), [cnc()], {}),
        Reason.IDENTITY_UNREAD: (days(30), [cnc()], {}),
        Reason.NO_CONTROL_IDENTITY: (days(30, control=0), [cnc()], {}),
    }
    observed, machines, settings = cases[reason]
    facts = {"d1": DeviceFacts(unread=reason is Reason.IDENTITY_UNREAD)}
    asked = demand(Rate(**settings), AS_OF)
    book = Ledger(IndustryKind.DISCRETE, (Process(id="p"),), tuple(machines))
    seen = summarize(observed, asked)
    first = assess(book, seen, asked, control_set=ControlSet.STRICT, facts=facts)[0]
    said = sentence(first, asked)
    assert first.reason is reason
    assert not re.search("[{}]", said.en + said.zh)
    assert re.search("[一-鿿]", said.zh)
    assert not re.search("[一-鿿]", said.en)


def test_sentence_names_numbers_and_rivals():
    """A person reads how many days were seen and needed, and which machine claims the same."""
    asked = demand(Rate(scheduled_days=22), AS_OF)
    book = Ledger(IndustryKind.DISCRETE, (Process(id="p"),), (cnc(), cnc("N"), cnc("O", "d2")))
    seen = summarize(days(10, device="d2"), asked)
    first, _, third = assess(book, seen, asked, control_set=ControlSet.STRICT)
    assert "N" in sentence(first, asked).zh
    assert "d1" in sentence(first, asked).en
    assert "仅 10 天" in sentence(third, asked).zh
    assert "11 needed" in sentence(third, asked).en


@pytest.mark.parametrize("reason", list(NullReason))
def test_every_null_has_a_sentence(reason):
    """Why a rate is missing is said in both languages."""
    assert null_sentence(reason).en
    assert null_sentence(reason).zh
