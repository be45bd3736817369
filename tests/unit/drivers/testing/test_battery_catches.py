"""The battery catches every flaw it claims to: one broken driver for each."""

import asyncio
import os

import pytest
from conformance import toy_driver
from conformance.test_toy import ToyCase
from unit.drivers.testing import flawed_drivers as flawed
from unit.drivers.testing.scripted_cases import COUNT, PollingCase, PushingCase, ScriptedCase

from drivers.api import SessionLost, Silent, Tag
from drivers.testing.conformance import SECRET, Conformance, Violation
from drivers.testing.script import Feed
from drivers.testing.scripted import (
    PollingSession,
    PushingSession,
    ScriptedDriver,
    ScriptedLink,
    ScriptedSession,
)

AXES = Tag("axes", "axes")


def judge(case, test):
    """Run one test of the battery on a case."""
    suite = type("Judged", (Conformance,), {"case": case})()
    getattr(suite, test)()


def polling(session):
    """Make a case whose sessions are of a flawed class."""
    attributes = {"driver": ScriptedDriver(session=session)}
    return type("Flawed", (PollingCase,), attributes)()


def pushing(session):
    attributes = {"driver": ScriptedDriver(session=session)}
    return type("Flawed", (PushingCase,), attributes)()


def driving(driver, **attributes):
    """Make a case of a flawed driver class."""
    return type("Flawed", (ScriptedCase,), {"driver": driver(), **attributes})()


def configured(model, **attributes):
    """Make a case of a driver with a flawed config model."""

    class Driver(ScriptedDriver):
        config = model

        def link(self, config):
            return ScriptedLink(config.wire, config.timeout_s)

    class Flawed(ScriptedCase):
        driver = Driver()
        secret_settings = attributes.get("secret_settings", {})

        async def start(self):
            plain = await super().start()
            return model(timeout_s=plain.timeout_s)

    return Flawed()


class Changeless(ScriptedCase):
    change = (COUNT, ScriptedCase.expected[COUNT])


FLAWS = [
    ("test_00_case_is_complete", Changeless),
    ("test_01_name_is_literal_and_entry_point", lambda: driving(flawed.Renamed)),
    ("test_01_name_is_literal_and_entry_point", lambda: driving(ScriptedDriver, installed=True)),
    ("test_01_reference_is_the_driver", lambda: driving(ScriptedDriver)),
    ("test_01_built_for_this_api", lambda: driving(flawed.FromTheFuture)),
    ("test_01_session_gives_data", lambda: driving(flawed.Dataless)),
    ("test_01_fields_are_described_and_free", lambda: configured(flawed.Bare)),
    ("test_01_fields_are_described_and_free", lambda: configured(flawed.HostKey)),
    ("test_01_extra_keys_are_refused", lambda: configured(flawed.Loose)),
    ("test_01_secrets_are_masked", lambda: configured(flawed.OpenPassword)),
    (
        "test_01_secrets_are_masked",
        lambda: configured(flawed.NestedPassword, secret_settings={"login": f"me:{SECRET}"}),
    ),
    ("test_02_plan_does_no_io", lambda: driving(flawed.Dialing)),
    ("test_02_plan_keeps_the_tags_in_order", lambda: driving(flawed.Sorting)),
    ("test_02_plan_is_deterministic", lambda: driving(flawed.Restless)),
    ("test_02_bad_addresses_are_reported_together", lambda: driving(flawed.FirstProblemOnly)),
    ("test_02_bad_addresses_are_reported_together", lambda: driving(flawed.EnglishOnly)),
    ("test_03_read_gives_every_tag", lambda: polling(flawed.Swapped)),
    ("test_03_read_is_fresh", lambda: polling(flawed.Cached)),
    ("test_03_read_is_fresh", lambda: polling(flawed.Rewriting)),
    ("test_03_read_is_stamped_when_made", lambda: polling(flawed.Antedating)),
    ("test_03_read_is_stamped_when_answered", lambda: polling(flawed.StampedBefore)),
    ("test_04_refused_address_spoils_no_other", lambda: polling(flawed.Zeroing)),
    ("test_05_no_server_is_a_connect_error", lambda: driving(flawed.LeaksOsError)),
    ("test_05_no_server_is_a_connect_error", lambda: driving(flawed.OpensNothing)),
    ("test_05_silent_server_is_noticed_on_opening", lambda: polling(flawed.Impatient)),
    ("test_06_cut_read_ends_the_session", lambda: polling(flawed.Undead)),
    ("test_06_cut_between_reads_ends_the_session", lambda: polling(flawed.Raw)),
    ("test_07_silence_ends_in_time", lambda: polling(flawed.Impatient)),
    ("test_07_late_answer_is_nobodys", lambda: polling(flawed.Undead)),
    ("test_08_hung_read_can_be_cancelled", lambda: polling(flawed.Stubborn)),
    ("test_08_cancelled_read_shifts_nothing", lambda: polling(flawed.OutOfStep)),
    ("test_09_sessions_leave_nothing", lambda: polling(flawed.TaskLeaker)),
    ("test_09_sessions_leave_nothing", lambda: polling(flawed.DescriptorLeaker)),
    ("test_10_sessions_share_nothing", lambda: driving(flawed.Exclusive)),
    ("test_10_one_session_serves_many_tasks", lambda: polling(flawed.Crossed)),
    ("test_12_subscriptions_run_side_by_side", lambda: pushing(flawed.Single)),
    ("test_11_loop_is_never_blocked", lambda: polling(flawed.Blocking)),
    ("test_12_subscription_starts_with_current_values", lambda: pushing(flawed.Headless)),
    ("test_12_subscription_starts_with_current_values", lambda: pushing(flawed.Endless)),
    ("test_12_changes_follow", lambda: pushing(flawed.Deaf)),
    ("test_12_cut_ends_the_subscription", lambda: pushing(flawed.Deaf)),
    ("test_12_silence_ends_the_subscription", lambda: pushing(flawed.Deaf)),
    ("test_14_alerts_begin_with_a_mark", lambda: polling(flawed.Abrupt)),
    (
        "test_16_driver_never_imports_the_agent",
        lambda: driving(ScriptedDriver, reference="unit.drivers.testing.imports_agent:DRIVER"),
    ),
    (
        "test_16_driver_never_imports_the_agent",
        lambda: driving(ScriptedDriver, light_without=("pydantic",)),
    ),
    ("test_17_driver_is_shipped_whole", lambda: driving(ScriptedDriver, shipped=True)),
    ("test_18_happy_path_is_quiet", lambda: polling(flawed.Loud)),
    (
        "test_20_explained_requests_serve_every_tag",
        lambda: driving(flawed.planned(flawed.Understated)),
    ),
    (
        "test_20_explained_requests_serve_every_tag",
        lambda: driving(flawed.planned(flawed.Forgetful)),
    ),
    ("test_21_nonsense_is_not_recalled", lambda: driving(flawed.planned(flawed.Fragile))),
    ("test_21_lessons_outlive_a_plan", lambda: driving(flawed.planned(flawed.Knowing))),
    ("test_21_lessons_outlive_a_plan", lambda: driving(flawed.planned(flawed.Amnesic))),
    ("test_22_expanded_tags_are_plain", lambda: driving(flawed.Splitting)),
    ("test_22_expanded_tags_are_plain", lambda: driving(flawed.Misnaming, array=(AXES, 3))),
    (
        "test_22_malformed_addresses_expand_to_no_others",
        lambda: driving(flawed.Splitting),
    ),
]


@pytest.fixture(autouse=True)
def _give_back():
    yield
    flawed.TaskLeaker.left.clear()
    while flawed.DescriptorLeaker.left:
        os.close(flawed.DescriptorLeaker.left.pop())


@pytest.mark.parametrize(("test", "make"), FLAWS)
def test_flaw_is_caught(test, make):
    """A driver with one flaw fails the point that is about it."""
    with pytest.raises((Violation, SessionLost)):
        judge(make(), test)


class Patient(PollingSession):
    """Tells silence as Silent and goes on; what was frozen is nobody's answer."""

    async def read(self, plan):
        """Read, or be silent for one time-out."""
        deadline = asyncio.get_running_loop().time() + self._link.timeout_s
        while self._wire.frozen and not self.ear.lost:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise Silent(f"{plan.device} is silent", device=plan.device)
            self.ear.wake.clear()
            await asyncio.wait({asyncio.ensure_future(self.ear.wake.wait())}, timeout=left)
        return await super().read(plan)


@pytest.mark.parametrize(
    "test",
    [
        "test_05_silent_server_is_noticed_on_opening",
        "test_07_silence_ends_in_time",
        "test_07_late_answer_is_nobodys",
        "test_08_cancelled_read_shifts_nothing",
    ],
)
def test_silence_in_a_session_that_goes_on_is_accepted(test):
    """A driver may tell one device's silence and keep its session."""
    judge(polling(Patient), test)


def test_masked_secret_is_accepted():
    """A SecretStr keeps the password out of everything printed."""
    judge(
        configured(flawed.GoodPassword, secret_settings={"password": SECRET}),
        "test_01_secrets_are_masked",
    )


def test_uncounted_overrun_is_caught(monkeypatch):
    """A subscription that loses changes and does not say so fails point 12."""
    monkeypatch.setattr(Feed, "take", lambda feed: feed.frames.popleft())
    with pytest.raises(Violation):
        judge(PushingCase(), "test_12_overrun_is_counted")


def test_nonsense_as_zero_is_caught(monkeypatch):
    """A driver that reads nonsense as 0 fails point 19."""
    monkeypatch.setattr(toy_driver, "decode", lambda tag, line: (0, ""))
    with pytest.raises(Violation):
        judge(ToyCase(), "test_19_hostile_answers_are_no_values")


def test_every_capability_brings_its_tests():
    """A driver is asked for the points of its capabilities, and for no others."""
    both = {name for name in dir(Conformance) if name.startswith("test_")}
    asked = {}
    for session in (PollingSession, PushingSession, ScriptedSession):
        case = type("Case", (ScriptedCase,), {"driver": ScriptedDriver(session=session)})()
        suite = type("Judged", (Conformance,), {"case": case})
        asked[session] = {name for name in both if callable(getattr(suite, name))}
    assert asked[ScriptedSession] == both
    assert {n[:7] for n in both - asked[PollingSession]} == {"test_12", "test_08"}
    assert both - asked[PushingSession] == {
        "test_03_read_is_fresh",
        "test_03_read_is_stamped_when_answered",
        "test_03_read_is_stamped_when_made",
    }
