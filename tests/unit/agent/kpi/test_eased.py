"""Settings that ask for less evidence than the rules are told wherever the rate is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import orjson
import pytest
from unit.agent.telemetry.status_samples import rate as shown_rate
from unit.agent.telemetry.status_samples import well

from agent.cli.rate_text import print_view
from agent.cli.rate_view import Origin, View, document
from agent.config.destination import Destination
from agent.config.ledger import Enterprise, Rate
from agent.config.model import AgentConfig, Gateway
from agent.config.shifts import Shifts, Weekday
from agent.indicator.message import indicator_parts
from agent.kpi.eased import Eased, eased_sentence
from agent.kpi.report import from_json, rate_status, to_json
from agent.kpi.result import compute
from agent.web.page import content

AS_OF = date(2026, 7, 31)
EASED = {"period_days": 10, "min_days": 1, "min_day_share": 0.1}
WEEK = Shifts(weekdays=[Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI])


def config(shifts=None, **rate):
    return AgentConfig(
        gateway=Gateway(id="gw"),
        enterprise=Enterprise(id="ent1"),
        publish=(Destination(url="mqtt://127.0.0.1:1883"),),
        rate=Rate(**rate),
        shifts=shifts or Shifts(),
    )


def result(shifts=None, **rate):
    return compute(config(shifts, **rate), [], now_ms=0, as_of=AS_OF)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"period_days": 30, "min_days": 5, "min_day_share": 0.5, "scheduled_days": 30}, []),
        ({"period_days": 366, "min_days": 20, "min_day_share": 1}, []),
        ({"min_days": 4}, [("min_days", 4, 5)]),
        ({"min_day_share": 0}, [("min_day_share", 0, 0.5)]),
        ({"scheduled_days": 29}, [("scheduled_days", 29, 30)]),
        (EASED, [("period_days", 10, 30), ("min_days", 1, 5), ("min_day_share", 0.1, 0.5)]),
    ],
)
def test_what_asks_for_less_is_eased(settings, expected):
    """Only values below the rules' own count; more is never told."""
    assert [(one.setting, one.is_, one.rule) for one in result(**settings).eased] == expected


def test_scheduled_days_are_held_against_the_calendar():
    """Of 30 days with 22 working days, 22 scheduled days ease nothing and 21 do."""
    assert result(WEEK, scheduled_days=22).eased == ()
    assert result(WEEK, scheduled_days=21).eased == (Eased("scheduled_days", 21, 22),)


def test_it_is_said_in_both_languages_and_survives_the_trip_through_json():
    """What `/api/rate` serves says it as well as the page."""
    status = rate_status(result(**EASED))
    assert "min_days 1 (rules: 5)" in status.eased.en
    assert "min_days 为 1（规则：5）" in status.eased.zh
    assert from_json(orjson.loads(orjson.dumps(to_json(status)))) == status
    assert rate_status(result()).eased is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_and_command_say_it(language, capsys):
    """Both show the sentence, and only where something is eased."""
    said = eased_sentence(result(**EASED).eased)
    for settings, shown in ((EASED, True), ({}, False)):
        view = View(Origin.STORE, config(**settings), AS_OF, (), frozenset(),
                    result(**settings).headline_set.rates, ())  # fmt: skip
        print_view(view, lang=language)
        printed = "".join(capsys.readouterr().out.split())
        assert ("".join(said.text(language).split()) in printed) is shown
        assert bool(document(view)["eased"]) is shown
        status = replace(well(), rate=shown_rate(eased=said if shown else None))
        page = content(status, language=language, open_devices=frozenset())
        assert (said.text(language) in page) is shown


def test_the_indicator_says_it():
    """The platform is told both values; nothing where nothing is eased."""
    (told,) = indicator_parts(result(**EASED), ledger="a" * 64, journal="")
    assert told["sum"]["eased"] == {
        "period_days": [10, 30], "min_days": [1, 5], "min_day_share": [0.1, 0.5],
    }  # fmt: skip
    (bare,) = indicator_parts(result(), ledger="a" * 64, journal="")
    assert "eased" not in bare["sum"]
