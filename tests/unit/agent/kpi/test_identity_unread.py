"""Before a device was asked who it is, it proves nothing; afterwards it is judged by its answer."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from agent.kpi.deviceday import DeviceDay
from agent.kpi.identity import DeviceFacts, facts_kept
from agent.kpi.live import LiveRate
from agent.kpi.result import compute
from drivers.api import Identity

AS_OF = date(2026, 7, 31)


def days(device="d1"):
    return [
        DeviceDay(device, AS_OF - timedelta(days=n), 100, True, 10, 0, 1, transitions=9)
        for n in range(20)
    ]


@pytest.fixture
def config(make_config):
    return make_config({"p": {"M": "CNC"}}, devices={"M": "d1"})


def judged(config, facts):
    result = compute(config, days(), now_ms=0, as_of=AS_OF, facts=facts)
    return result.headline.verified, result.headline_set.assessments[0].reason.value


@pytest.mark.parametrize(
    ("facts", "verified", "reason"),
    [
        (DeviceFacts(unread=True), 0, "identity_unread"),
        (DeviceFacts(), 1, "verified"),
        (DeviceFacts(Identity(model="VMC850")), 1, "verified"),
        (DeviceFacts(Identity(uri="urn:simulator")), 0, "simulator"),
    ],
    ids=["not asked", "says nothing", "says who", "a simulator"],
)
def test_the_answer_decides(config, facts, verified, reason):
    """Only who was asked can be verified: the rate never shows what an answer takes back."""
    assert judged(config, {"d1": facts}) == (verified, reason)


def test_a_store_that_does_not_say(config):
    """Read from the store: no answer kept is not asked, an empty answer is an answer."""
    assert judged(config, facts_kept([], ["d1"])) == (0, "identity_unread")
    assert judged(config, facts_kept([("d1", None)], ["d1"])) == (0, "identity_unread")
    assert judged(config, facts_kept([("d1", Identity())], ["d1"])) == (1, "verified")


def test_the_running_agent_waits_for_the_answer(config, monkeypatch):
    """A young installation shows nothing verified until every device was asked, then all of it."""
    said = {"d1": None}
    plan = SimpleNamespace(id="d1", groups=[], entry=SimpleNamespace(driver="x"), link="l",
                           config=None)  # fmt: skip
    live = LiveRate(
        config,
        [plan],
        [day.row() for day in days()],
        around=lambda: ([SimpleNamespace(id="d1", identity=said["d1"])], ()),
    )
    noon_ms = 1_785_470_400_000
    monkeypatch.setattr("agent.kpi.live.time.time_ns", lambda: noon_ms * 1_000_000)
    monkeypatch.setattr("agent.kpi.live.FRESH_S", 0)
    shown = []
    for answer in (None, Identity(uri="simulator"), Identity()):
        said["d1"] = answer
        shown.append(live.result().headline.verified)
    assert shown == [0, 0, 1]


def test_facts_survive_json():
    """Whether a device was asked is in the proof; of one that was, nothing is added."""
    unread = DeviceFacts(unread=True)
    assert DeviceFacts.of_document(unread.document()) == unread
    assert "unread" not in DeviceFacts().document()
