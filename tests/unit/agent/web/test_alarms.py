"""The alarms on a machine's card: the latest, in words, whatever the machine sends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.agent.telemetry.status_samples import NOW_MS, device

from agent.telemetry.alarms import AlarmsStatus, AlarmStatus
from agent.telemetry.status import Message
from agent.web.alarms import SHOWN, alarm_list
from agent.web.view import View

ALARM = AlarmStatus(
    time_ms=NOW_MS - 5000, at_ms=NOW_MS - 6000, severity=700, source="L1",
    kind="OffNormalAlarmType", message="报警 1007", active=True, acked=False,
)  # fmt: skip
ALARMS = AlarmsStatus(watched=True, told=12, repeats=3, lost=0, last=(ALARM,), problem=None)


def shown(alarms, language="zh"):
    found = alarm_list(replace(device("cnc-01", "车床"), alarms=alarms), View(language, NOW_MS))
    return "" if found is None else str(found)


def test_a_device_that_is_not_asked_has_no_list():
    """Without alarms in its configuration a card says nothing of them."""
    assert shown(None) == ""


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ("已记录 12 条", "合并重复 3 条", "报警中", "L1：报警 1007", "级别 700")),
        ("en", ("12 stored", "3 repeats joined", "active", "L1: 报警 1007", "severity 700")),
    ],
)
def test_the_latest_alarm_is_told_in_words(language, words):
    """Counts, state, source, words, severity and age of an alarm are there."""
    text = shown(ALARMS, language)
    assert all(word in text for word in words)


def test_states_are_told_apart():
    """An alarm that is over says so; an event without a state claims none."""
    over, plain = (
        shown(replace(ALARMS, last=(replace(ALARM, active=a),)), "en") for a in (False, None)
    )
    assert "over" in over
    assert "active" not in over + plain


def test_trouble_is_told():
    """That nobody listens, and why, stands on the card."""
    problem = Message("no events: BadServiceUnsupported", "设备不提供事件")
    text = shown(replace(ALARMS, watched=False, problem=problem))
    assert "当前未接收" in text
    assert "设备不提供事件" in text


def test_a_machine_cannot_write_into_the_page():
    """Markup and floods of text in a message are shown as text, cut."""
    hostile = replace(ALARM, message="<script>alert(1)</script>" + "长" * 2000, source='"><b>')
    text = shown(replace(ALARMS, last=(hostile,) * (SHOWN + 9)))
    assert "<script" not in text
    assert '"><b>' not in text
    assert text.count("<li") == SHOWN
    assert len(text) < 8000
