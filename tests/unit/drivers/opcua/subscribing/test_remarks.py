"""What people are told of how their points are served."""

from __future__ import annotations

import pytest

from drivers.api import Tag
from drivers.opcua import DRIVER
from drivers.opcua.calls import Limits
from drivers.opcua.subscribing.remarks import remarks_of
from drivers.opcua.subscribing.served import Made, Served, needed


@pytest.fixture
def served():
    """Give four points, served as configured: sampled at 0.1 s, sent every 0.5 s."""
    config = DRIVER.config(driver="opcua", url="opc.tcp://plc")
    plan = DRIVER.plan(config, [Tag(f"t{n}", f"i={n}") for n in range(4)], device="d", group="g")
    made = Served(plan, sampling_s=0.1, publishing_s=0.5, asked_publishing_s=0.5, subscriptions=1)
    for tag in range(4):
        made.note(tag, Made(0, 0.1, 10))
    return made


def told(served, *, limits=None, overflows=0):
    found = remarks_of(served, limits or Limits(), overflows=overflows)
    assert all(one.text and one.zh and one.text != one.zh for one in found)
    assert not any(one.text.endswith(".") or one.zh.endswith("。") for one in found)
    return {one.code: one for one in found}


def test_nothing_is_told_where_all_is_as_configured(served):
    """Revised to what was asked for: no remark."""
    assert told(served) == {}


def test_points_read_instead_are_named(served):
    """The reason, the interval and the names of the points, in both languages."""
    served.polled = {1: "BadTooManyMonitoredItems", 3: "BadTooManyMonitoredItems"}
    remark = told(served)["polled_instead"]
    assert remark.degraded
    assert remark.tags == ("t1", "t3")
    assert remark.text.startswith("2 of 4 points are read every 0.1 s")
    assert remark.zh.startswith("2 个点改为轮询，每 0.1 秒读一次")


def test_each_reason_is_a_remark_of_its_own(served):
    """Points refused for different reasons are not lumped together."""
    served.polled = {0: "BadNotSupported", 1: "BadTooManyMonitoredItems"}
    polled = remarks_of(served, Limits(), overflows=0)
    assert sorted(one.tags for one in polled) == [("t0",), ("t1",)]


@pytest.mark.parametrize(
    ("sampling_s", "publishing_s", "samples"),
    [(0.1, 0.5, 5), (0.1, 1.0, 10), (0.3, 0.5, 2), (1.0, 0.5, 1), (0.0, 1.0, 1), (0.5, 0.5, 1)],
)
def test_samples_between_two_messages(sampling_s, publishing_s, samples):
    """As many as fit, at least one; a server that tells every change needs no sum."""
    assert needed(sampling_s, publishing_s) == samples


def test_short_queues_and_slow_sampling_are_told(served):
    """What the server revised for the worse is degraded; slower sending alone is not."""
    served.monitored = {(0.5, 1): [0, 1], (0.1, 3): [2], (0.1, 20): [3]}
    served.publishing_s = 1.0
    found = remarks_of(served, Limits(), overflows=0)
    short = [one.tags for one in found if one.code == "queue_short"]
    assert sorted(short) == [("t0", "t1"), ("t2",)]
    slower = next(one for one in found if one.code == "sampled_slower")
    assert (slower.degraded, slower.tags) == (True, ("t0", "t1"))
    published = next(one for one in found if one.code == "published_slower")
    assert not published.degraded


def test_overflow_and_missed_rounds_are_counted(served):
    """Losses have their number."""
    served.missed_rounds = 3
    found = told(served, overflows=7)
    assert "7 times" in found["server_overflow"].text
    assert "溢出 7 次" in found["server_overflow"].zh
    assert found["rounds_missed"].text.startswith("3 rounds")


def test_more_samples_than_the_controller_has_time_for(served):
    """A load above the maker's figure is told, with what to do; it is not degraded yet."""
    served.monitored = {(0.001, 10): [0, 1, 2, 3]}
    remark = told(served, limits=Limits(profile="sinumerik-840d"))["too_many_samples"]
    assert "4000 samples a second" in remark.text
    assert not remark.degraded
    assert told(served, limits=Limits(profile="s7-1500")).keys().isdisjoint({"too_many_samples"})


def test_parts_are_told(served):
    """Several requests or subscriptions are no fault, and worth knowing."""
    served.subscriptions = 2
    limits = Limits(monitor=3, items_per_subscription=2, profile="fanuc")
    found = told(served, limits=limits)
    assert found.keys() == {"several_subscriptions", "several_requests"}
    assert not any(one.degraded for one in found.values())
