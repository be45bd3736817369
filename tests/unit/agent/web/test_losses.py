"""The panel of what is missing, and the lines of the store that go with it."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from unit.agent.telemetry.status_samples import NOW_MS, store, well

from agent.cli.losses_view import loss_lines, spans_of
from agent.losses.causes import CAUSES
from agent.losses.spans import LossSpan
from agent.telemetry.metrics import Metrics
from agent.telemetry.status import Count, Message
from agent.web.api import status_json
from agent.web.page import content

SPANS = (
    LossSpan("device_down", "M0", NOW_MS - 90_000, NOW_MS - 30_000, 1, 62),
    LossSpan("gap_link", "<b>L1</b>", NOW_MS - 9_000_000, NOW_MS - 8_000_000, 3),
    LossSpan("late", "P1", 0, 1000, 1, 4, dated=False),
)


def status(**fields):
    """Give a snapshot with a store of these fields."""
    return replace(well(), store=store(**fields))


def page(snapshot, language="en"):
    """Render the page."""
    return content(snapshot, language=language, open_devices=frozenset())


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("62 polls", "3 time(s)", "date unknown", "device did not answer")),
     ("zh", ("62 次轮询", "3 次", "时间不详", "设备无应答"))],
)  # fmt: skip
def test_each_cause_is_shown_with_its_sum_and_remedy(language, words):
    """A person reads how much is missing, why, and what to do; foreign text is only text."""
    shown = page(status(losses=SPANS), language)
    assert [word for word in words if word not in shown] == []
    assert CAUSES["device_down"].todo.text(language) in shown
    assert "<b>L1</b>" not in shown


def test_nothing_missing_is_said():
    """Without a loss the panel says so."""
    assert "nothing is known to be missing" in page(status())


def test_what_became_of_the_file_is_shown():
    """A notice of the store stands at the top and at the store, and turns the page amber."""
    shown = page(status(notice=Message("set aside", "已隔离")))
    assert shown.count("set aside") == 2
    assert "tone-warn" in shown


def test_drops_are_shown_by_cause():
    """The account says why rows were dropped."""
    fields = {
        "stored": Count(10, 20), "acked": Count(4, 8), "dropped": Count(6, 12),
        "waiting": Count(), "causes": {"age": Count(6, 12)},
    }  # fmt: skip
    assert "too old: 6 rows" in page(status(**fields))


def test_an_account_that_misses_a_value_on_its_way_is_red():
    """What was produced is a part of the account that the page judges."""
    whole = {"produced_values": 18_064_965 + 7, "intake_values": 7}
    assert "tone-bad" not in page(status(**whole))
    assert "does not add up" in page(status(**whole | {"intake_values": 6}))


def test_a_program_reads_every_span():
    """The JSON of the status holds the spans, and the command line takes them from there."""
    document = orjson.loads(status_json(status(losses=SPANS)))
    assert spans_of(document["store"]) == SPANS
    lines = "\n".join(loss_lines(SPANS, lang="en"))
    assert "device did not answer: 62 polls" in lines
    assert "date unknown  P1  4 polls" in lines


def test_metrics_give_losses_by_cause():
    """How often and how much, by cause; no amount where nobody can know."""
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in Metrics(lambda: status(losses=SPANS)).collect()
        for sample in family.samples
    }
    assert found["chulian_losses_total", "gap_link"] == 3
    assert found["chulian_lost_total", "device_down", "polls"] == 62
    assert ("chulian_lost_total", "gap_link", "spans") not in found
