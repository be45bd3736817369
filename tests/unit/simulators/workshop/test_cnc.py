"""The CNC machine: what its counters, states and drives do."""

from itertools import pairwise

import pytest

from simulators.cnc import LATHE, MILL, Cnc
from simulators.machine import STEP_S, State

HOUR_STEPS = round(3600 / STEP_S)


def live(machine, steps):
    """Step a machine and collect its values."""
    seen = []
    for _ in range(steps):
        machine.step()
        seen.append(machine.values())
    return seen


@pytest.fixture(scope="module", params=[LATHE, MILL], ids=["lathe", "mill"])
def hour(request):
    return live(Cnc("M", seed=5, model=request.param), HOUR_STEPS)


def test_every_state_is_seen_within_hours():
    """All five states occur by themselves."""
    seen = {
        values["machine.state"] for values in live(Cnc("M", seed=2, model=LATHE), 4 * HOUR_STEPS)
    }
    assert seen == {int(state) for state in State}


def test_part_counts_only_at_a_cycles_end(hour):
    """A part is counted when a run ends well, never by an alarm, and one at a time."""
    runs_ended_well = 0
    for before, after in pairwise(hour):
        made = after["part.count"] - before["part.count"]
        ended_well = before["machine.state"] == State.RUNNING and after["machine.state"] in {
            State.IDLE,
            State.SETUP,
        }
        assert made == int(ended_well)
        runs_ended_well += ended_well
    assert runs_ended_well > 10


@pytest.mark.parametrize("metric", ["time.power_on", "time.operating", "time.cutting"])
def test_time_counters_only_rise(hour, metric):
    """Time counters never fall, and rise by no more than the time that passed."""
    rises = [after[metric] - before[metric] for before, after in pairwise(hour)]
    assert min(rises) >= 0
    assert 0 < sum(rises) <= 3600
    assert hour[-1]["time.operating"] - hour[0]["time.operating"] >= (
        hour[-1]["time.cutting"] - hour[0]["time.cutting"]
    )


def test_alarm_code_comes_and_goes_with_the_alarm(hour):
    """There is a code exactly while the machine is in alarm."""
    for values in hour:
        in_alarm = values["machine.state"] == State.ALARM
        assert values["alarm.active"] is in_alarm
        assert (values["alarm.code"] != 0) is in_alarm


def test_drives_stay_in_their_range(hour):
    """Speed, load, feed and axes stay within what such a machine can do."""
    for values in hour:
        assert 0 <= values["spindle.speed"] <= 7000
        assert 0 <= values["spindle.load"] <= 150
        assert 0 <= values["feed.rate"] <= 20_000
        assert -100 <= values["axis.x.position"] <= 500
        assert values["program.line"] >= 1


def test_spindle_stands_still_when_not_running(hour):
    """Ten seconds after the last cut the spindle is still and unloaded."""
    still = round(10 / STEP_S)
    for end in range(still, len(hour)):
        window = hour[end - still : end + 1]
        if all(values["machine.state"] != State.RUNNING for values in window):
            assert window[-1]["spindle.speed"] == 0
            assert window[-1]["spindle.load"] == 0
            assert window[-1]["feed.rate"] == 0
            return
    pytest.fail("the machine never stood still for 10 s in an hour")


def test_switched_off_it_stays_off():
    """The main switch stops everything, holds the counters, and only it brings the machine back."""
    machine = Cnc("M", seed=5, model=LATHE)
    live(machine, 400)
    machine.switch(on=False)
    off = live(machine, 400)
    assert {values["machine.state"] for values in off} == {State.OFF}
    assert off[0]["time.power_on"] == off[-1]["time.power_on"]
    assert off[0]["part.count"] == off[-1]["part.count"]
    assert off[-1]["spindle.speed"] == 0
    assert machine.power_w == 0
    machine.switch(on=True)
    assert live(machine, 40)[-1]["machine.state"] != State.OFF


def test_power_follows_the_cut():
    """The machine draws more while it cuts than while it waits."""
    machine = Cnc("M", seed=5, model=MILL)
    drawn = {State.IDLE: [], State.RUNNING: []}
    for _ in range(2000):
        machine.step()
        if machine.state in drawn:
            drawn[machine.state].append(machine.power_w)
    mean = {state: sum(watts) / len(watts) for state, watts in drawn.items()}
    assert mean[State.RUNNING] > 2 * mean[State.IDLE] > 0
