from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from unit.agent.telemetry.status_samples import (
    NOW_MS,
    SAMPLES,
    broker_away,
    empty,
    one_down,
    rate,
    store,
    two_destinations,
    well,
)

from agent.config.model import MachineState
from agent.telemetry.metrics import MACHINE_STATES, Metrics, exposition

DOCS = Path(__file__).parents[4] / "docs"


def samples(status):
    """Scrape once and give (name, labels as pairs) -> value."""
    text = exposition(Metrics(lambda: status), "")[0].decode()
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def families():
    """Give every family the collector can yield."""
    return list(Metrics(well).collect())


def exposed_name(family):
    """Give the name under which a family's samples are scraped."""
    return family.name + ("_total" if family.type == "counter" else "")


def test_a_scrape_is_one_snapshot():
    """All figures of one scrape belong to the same instant."""
    asked = []

    def status():
        asked.append(1)
        return well()

    exposition(Metrics(status), "")
    assert len(asked) == 1


def test_figures_are_those_of_the_snapshot():
    """Counters and gauges carry the agent's own numbers in base units."""
    got = samples(broker_away())
    assert got["chulian_store_stored_rows_total", ()] == 1_204_331
    assert got["chulian_store_acked_values_total", ()] == 16_500_000
    assert got["chulian_store_waiting_rows", ()] == 104_331
    assert got["chulian_store_oldest_age_seconds", ()] == 13 * 3600
    assert got["chulian_store_balanced", ()] == 1
    assert got["chulian_mqtt_connected", (("destination", "platform"),)] == 0
    assert got["chulian_mqtt_connects_total", (("destination", "platform"),)] == 2
    assert got["chulian_clock_state", (("state", "hold"),)] == 1
    assert got["chulian_clock_state", (("state", "sync"),)] == 0
    assert got["chulian_nc_rate_numerator", (("kind", "verified"),)] == 43
    assert got["chulian_nc_rate_denominator", (("kind", "verified"),)] == 90
    assert got["chulian_start_time_seconds", ()] == (NOW_MS - 3 * 86_400_000) / 1000


def test_a_device_that_is_down_is_down():
    """Only answering devices are up, and exactly one state holds for each device."""
    got = samples(one_down())
    assert got["chulian_device_up", (("device", "P1"),)] == 0
    assert got["chulian_device_up", (("device", "L2"),)] == 1
    assert got["chulian_device_last_data_age_seconds", (("device", "P1"),)] == 754
    assert got["chulian_device_missed_polls_total", (("device", "P1"),)] == 740
    assert got["chulian_device_tags_not_good", (("device", "P1"),)] == 2
    for name in ("chulian_device_link_state", "chulian_device_machine_state"):
        for device in one_down().devices:
            held = [v for (n, ls), v in got.items() if n == name and ("device", device.id) in ls]
            assert sum(held) == 1


def test_what_is_not_known_has_no_sample():
    """No data yet and no rate are absent, never 0; an empty backlog is 0 old."""
    fresh = replace(well().devices[0], last_data_ms=None)
    got = samples(replace(empty(), devices=(fresh,)))
    names = {name for name, _ in got}
    assert "chulian_device_last_data_age_seconds" not in names
    assert "chulian_nc_rate_numerator" not in names
    assert got["chulian_store_oldest_age_seconds", ()] == 0


def test_an_age_is_never_negative():
    """A clock that was set back gives an age of 0."""
    got = samples(replace(well(), store=store(oldest_ms=NOW_MS + 5000)))
    assert got["chulian_store_oldest_age_seconds", ()] == 0


def test_names_units_and_labels_follow_the_convention():
    """Every name is chulian_*, and no label can grow with the number of tags."""
    for family in families():
        assert re.fullmatch(r"chulian_[a-z0-9_]+", family.name)
        assert family.documentation.endswith(".")
        for sample in family.samples:
            assert set(sample.labels) <= {
                "device", "destination", "state", "kind", "version", "cause", "unit",
            }  # fmt: skip


def test_no_name_is_used_twice():
    """A registry accepts the collector: families do not collide."""
    registry = CollectorRegistry(auto_describe=True)
    registry.register(Metrics(well))
    names = [exposed_name(f) for f in families()]
    assert len(names) == len(set(names))


def test_states_are_those_of_the_vocabulary():
    """The machine states labelled here are the six of the configuration model."""
    assert list(MACHINE_STATES) == [str(s) for s in MachineState]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(
    "accept", ["", "application/openmetrics-text;version=1.0.0", "text/plain;version=1.0.0"]
)
def test_every_format_prometheus_asks_for_is_given(name, accept):
    """Any snapshot can be rendered in each format, whatever the texts in it."""
    body, content_type = exposition(Metrics(SAMPLES[name]), accept)
    assert b"chulian_store_balanced" in body
    assert content_type.partition(";")[0] in {"text/plain", "application/openmetrics-text"}


@pytest.mark.parametrize("page", ["metrics.md", "metrics.zh-CN.md"])
def test_every_metric_is_documented(page):
    """The pages list each metric once, and none that does not exist."""
    listed = re.findall(r"^\| `(chulian_\w+)`", (DOCS / page).read_text("utf-8"), re.MULTILINE)
    names = [exposed_name(f) for f in families()]
    assert sorted(listed) == sorted(names)


def test_rate_without_adjusted_figure_keeps_the_others():
    """Each kind stands for itself."""
    got = samples(replace(well(), rate=rate(adjusted=None)))
    kinds = {ls[0][1] for (n, ls) in got if n == "chulian_nc_rate_numerator"}
    assert kinds == {"declared", "verified", "coverage"}


def test_each_destination_has_its_own_rows():
    """Where there are several each bears its own counts; where there is one, the store's."""
    got = samples(two_destinations())
    for name, field, value in (
        ("province", "waiting_rows", 49),
        ("province", "unconfirmed_rows", 37),
        ("province", "balanced", 1),
        ("cloud", "waiting_rows", 40_000),
        ("cloud", "dropped_rows_total", 60_000),
        ("cloud", "unconfirmed_rows", 0),
        ("cloud", "connected", 0),
    ):
        assert got[f"chulian_mqtt_{field}", (("destination", name),)] == value
    alone = samples(broker_away())
    assert alone["chulian_mqtt_waiting_rows", (("destination", "platform"),)] == 104_331
