"""Attempts to be verified without a numerical control, and to have an honest machine accused."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from unit.agent.kpi.shopdays import by_device, observer, play, series

from agent.config.ledger import ControlType, Equipment
from agent.kpi.copies import copies
from agent.kpi.deviceday import CounterDay, DeviceDay
from agent.kpi.identity import DeviceFacts, mismatch
from agent.kpi.live import LiveRate
from agent.kpi.reasons import Reason
from agent.kpi.result import compute
from agent.kpi.sources import duplicates
from agent.kpi.watched import carries_noise
from drivers.api import Frame, Identity

AS_OF = date(2026, 7, 31)
H = 3600


def days(count, device="d1", **more):
    plain = {
        "states": {"running": 5 * H, "idle": 3 * H},
        "transitions": 40,
        "movers": 3,
        "moved": True,
    }
    return [
        DeviceDay(device, AS_OF - timedelta(days=n), 100, True, 10, 0, 1, **(plain | more))
        for n in range(count)
    ]


def judged(config, observed, facts=None):
    result = compute(config, observed, now_ms=0, as_of=AS_OF, facts=facts)
    return {a.machine.id: (a.standing.value, a.reason.value) for a in
            result.headline_set.assessments}  # fmt: skip


def test_a_computed_point_is_no_point_of_the_controller(make_config):
    """Fraud: an energy meter with `computed: program.number`. The name alone proves nothing."""
    config = make_config({"turn": {"L1": "CNC"}}, devices={"L1": "meter"})
    names = ("power.active", "program.number")
    group = SimpleNamespace(
        name="g",
        tags=[SimpleNamespace(name=name, address="") for name in names],
        derived=(SimpleNamespace(name="program.number"),),
    )
    device = SimpleNamespace(
        id="meter", groups=[group], entry=SimpleNamespace(driver="x"), link="l", config=None
    )
    found = []
    live = LiveRate(config, [device], [])
    watch = live.watch("meter", group)
    watch(Frame("meter", "g", 1_785_000_000_000_000_000, (1.5, 7)))
    live.save(SimpleNamespace(put_evidence=found.extend))
    ((_, _, good, _, control_good, *_),) = found
    assert (good, control_good) == (2, 0)


def test_a_controller_lent_for_a_day_proves_a_day(make_config):
    """Fraud: a real controller at the cable for one day, a meter for the rest of the month."""
    config = make_config({"turn": {"L1": "CNC"}}, devices={"L1": "d1"})
    lent = [replace(one, control_good=one.control_good * (n < 1)) for n, one in enumerate(days(20))]
    assert judged(config, lent) == {"L1": ("unverified", "no_control_identity")}
    assert judged(config, days(20)) == {"L1": ("verified", "verified")}


def test_a_decoy_hides_no_double(make_config):
    """Fraud: two machines on one controller, and a third device of no machine named last."""
    config = make_config({"turn": {"L1": "CNC", "L2": "CNC"}}, devices={"L1": "d1", "L2": "d2"})
    one = DeviceFacts(endpoint="modbus e", controls=frozenset({"1:40001"}))
    facts = {"d1": one, "d2": one, "decoy": one}
    observed = [*days(20), *days(20, "d2")]
    assert set(judged(config, observed, facts).values()) == {
        ("contradicted", "duplicate_endpoint")
    }  # fmt: skip


def test_a_recording_with_noise_keeps_its_stays():
    """Fraud: another machine's recording, hours later, with noise on every measured value."""
    into, chance = observer("real", "fake"), random.Random(1)
    for day in range(6):
        readings = series(day, 3600)
        play(into, "real", day, readings)
        noisy = [(*r[:2], r[2] + chance.random() / 50, *r[3:]) for r in readings]
        play(into, "fake", day, noisy, offset_s=7000)
    found = copies(by_device(into))
    assert found["fake"].reason is Reason.ALIKE
    assert found["fake"].rivals == ("real",)


def test_a_plc_that_watches_a_manual_lathe(make_config):
    """Fraud or mistake: a monitor gives state, power and parts, and nothing of a control."""
    config = make_config({"turn": {"L1": "CNC"}}, devices={"L1": "d1"})
    assert judged(config, [replace(one, control_good=0) for one in days(30)]) == {
        "L1": ("unverified", "no_control_identity")
    }


HONEST = {
    "a controller's own serial number": (
        {"maker": "FANUC", "model": "ROBODRILL α-D14MiB", "serial": "P1234-88",
         "controller": "FANUC 31i-B5"},
        {"maker": "FANUC", "model": "Series 31i-B5", "serial": "E12345678"},
    ),
    "a maker of machines and controllers": (
        {"maker": "Mazak", "model": "QTN-200", "serial": "201457", "controller": ""},
        {"maker": "Mazak", "model": "MAZATROL SmoothG", "serial": "A99-10221"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_a_controller_speaks_of_itself(name):
    """Model and serial number of a controller are not held against those of the machine."""
    ledger, says = HONEST[name]
    machine = Equipment(id="M", control_type=ControlType.CNC, **ledger)
    assert mismatch(machine, DeviceFacts(Identity(**says))) is None


def test_machines_of_a_cell_share_a_selector():
    """Two machines on one PLC with a common mode, and programs of their own, are two."""
    mine, theirs = (
        DeviceFacts(endpoint="e", controls=frozenset({"1:mode", f"1:prog{n}", f"1:axis{n}"}))
        for n in (1, 2)
    )
    assert duplicates({"a": mine, "b": theirs}) == {}
    same = replace(theirs, controls=frozenset({"1:mode", "1:prog1", "1:axis2"}))
    assert duplicates({"a": mine, "b": same})


def test_a_machine_that_counts_parts_does_not_stand_still(make_config):
    """Honest: line number and load point are wrongly mapped and never move, but parts are made."""
    config = make_config({"turn": {"L1": "CNC"}}, devices={"L1": "d1"})
    counted = (CounterDay("part.count", 0, 90, 90),)
    assert judged(config, days(20, moved=False, counters=counted)) == {
        "L1": ("verified", "verified")
    }
    assert judged(config, days(20, moved=False)) == {"L1": ("contradicted", "flat_line")}


def test_machines_of_a_shop_share_their_mains():
    """Honest: two machines read the voltage of one feeder; it is nobody's own."""
    assert not any(map(carries_noise, ("voltage.l1", "mains.voltage")))


def test_a_program_that_behaves_like_a_machine_is_believed(make_config):
    """The limit, as docs/rate tells it: values made up well are not told from a machine's."""
    config = make_config({"turn": {"L1": "CNC"}}, devices={"L1": "d1"})
    into = observer("d1")
    for day in range(20):
        play(into, "d1", day, series(day, 600))
    (found,) = by_device(into).values()
    shift = AS_OF - found[-1].day
    moved = [replace(one, day=one.day + shift) for one in found]
    assert judged(config, moved) == {"L1": ("verified", "verified")}
