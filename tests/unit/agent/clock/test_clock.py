"""The trust in the wall clock: what makes it, what ends it, and how steps are seen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from unit.agent.clock.clocks import GENUINE_NS, Quartz, S

from agent.clock import clock as clock_module
from agent.clock import kernel
from agent.clock.clock import FREE, HOLD, SYNC, Clock, era_of


def instant(year, *more):
    return int(datetime(year, *(more or (1, 1)), tzinfo=UTC).timestamp()) * S


def test_trust_comes_with_a_time_source_and_outlives_it():
    """Never synchronised is free, now is sync, no more is hold, again is sync."""
    quartz = Quartz()
    clock = quartz.clock()
    seen = [clock.state()]
    for synchronised in (True, False, True):
        quartz.synchronised = synchronised
        clock.look()
        seen.append(clock.state())
    assert seen == [FREE, SYNC, HOLD, SYNC]


@pytest.mark.parametrize("by_s", [-3600, -0.6, 0.6, 3600, 365 * 86_400])
def test_a_clock_moved_by_hand_is_not_trusted_any_more(by_s):
    """A step without a time source ends hold; the next synchronisation ends the distrust."""
    quartz = Quartz()
    clock = quartz.clock()
    quartz.synchronised = True
    clock.look()
    quartz.synchronised = False
    quartz.step(by_s)
    clock.look()
    assert (clock.state(), clock.take_steps()) == (FREE, (round(by_s * S), 1))
    quartz.synchronised = True
    quartz.step(-by_s)
    clock.look()
    assert (clock.state(), clock.take_steps()) == (SYNC, (round(-by_s * S), 1))


@pytest.mark.parametrize("by_s", [0.0, 0.4, -0.4])
def test_what_is_no_step_is_not_told(by_s):
    """A time server that slews, or corrects by less than half a second, makes no event."""
    quartz = Quartz()
    clock = quartz.clock()
    quartz.synchronised = True
    clock.look()
    quartz.step(by_s)
    quartz.run(3600)
    clock.look()
    assert clock.take_steps() == (0, 0)
    assert clock.steady


@pytest.mark.parametrize("year", [1970, 2000, 2025, 2106, 2262])
def test_a_date_that_cannot_be_is_not_believed(year):
    """Whatever the kernel says, before the program existed and after its life no clock is right."""
    quartz = Quartz(at_ns=instant(year))
    quartz.synchronised = True
    clock = quartz.clock()
    assert (clock.state(), clock.plausible) == (FREE, False)


@pytest.mark.parametrize("when", [(2038, 1, 19, 3, 14, 8), (2038, 2, 1), (2070, 1, 1)])
def test_no_year_is_special(when):
    """Beyond 32 bits of seconds the clock is as good as before."""
    quartz = Quartz(at_ns=instant(*when))
    quartz.synchronised = True
    assert quartz.clock().state() == SYNC


def test_memory_of_the_boot_makes_hold_and_a_moved_clock_does_not(monkeypatch):
    """A run that begins without a time source trusts what an earlier one of the boot saw."""
    quartz = Quartz()
    clock = quartz.clock()
    clock.vouch(quartz.offset_ns + S // 4, quartz.up_ns - 60 * S)
    assert clock.state() == HOLD
    assert clock.error_ms == 6
    other = quartz.clock()
    other.vouch(quartz.offset_ns + 2 * S, quartz.up_ns)
    assert (other.state(), other.error_ms) == (FREE, None)


def test_a_file_stands_for_another_time_source(tmp_path):
    """While the named file exists the clock counts as disciplined, and no longer."""
    sign = tmp_path / "synchronised"
    clock = Clock(synchronised=lambda: False, synchronised_file=sign)
    states = [clock.state()]
    for change in (sign.touch, sign.unlink):
        change()
        clock.look()
        states.append(clock.state())
    assert states == [FREE, SYNC, HOLD]


def test_a_fresh_state_is_not_asked_for_again():
    """Messages close to each other cost one system call."""
    asked = []
    clock = Clock(synchronised=lambda: not asked.append(1))
    assert [clock.state(), clock.state()] == [SYNC, SYNC]
    assert len(asked) == 1


def test_the_kernel_can_be_asked():
    """The kernel of this machine gives one of the states the payload knows, and a boot."""
    assert Clock().state() in {SYNC, FREE}
    assert kernel.boot_id() == kernel.boot_id()


def test_a_system_without_the_call_trusts_nothing(monkeypatch):
    """Where the kernel cannot be asked the clock counts as never set."""
    monkeypatch.setattr(kernel.sys, "platform", "darwin")
    assert kernel.KernelSync()() is False


def test_a_container_with_its_own_time_is_another_boot(tmp_path):
    """A time namespace counts from elsewhere, so its boot has another name; no id, no two alike."""
    boot = tmp_path / "boot_id"
    boot.write_text("c7b8b59c\n")
    names = []
    for inside in ("time:[4026531834]", "time:[4026532001]"):
        link = tmp_path / inside
        link.symlink_to(inside)
        names.append(kernel.boot_id(boot, link))
    assert names == ["c7b8b59c", "c7b8b59c time:[4026532001]"]
    assert kernel.boot_id(boot, tmp_path / "none") == "c7b8b59c"
    assert kernel.boot_id(tmp_path / "none") != kernel.boot_id(tmp_path / "none")


def test_both_clocks_are_read_together():
    """An interruption between the two readings is noticed, and they are read again."""
    ups = iter([0, 9 * S, 10 * S, 10 * S + 1000])
    walls = iter([GENUINE_NS, GENUINE_NS + 10 * S])
    found = kernel.both_clocks(lambda: next(walls), lambda: next(ups))
    assert found == (GENUINE_NS + 10 * S, 10 * S + 500)


@pytest.mark.parametrize("by_s", [-365 * 86_400, -3600, -5, 5, 3600, 56 * 365 * 86_400])
def test_every_stamp_finds_its_era(by_s):
    """Before and after a step, whoever looks when, a stamp is of the era that made it."""
    quartz = Quartz()
    clock = quartz.clock()
    stamps = []
    for step in (0, by_s, -by_s):
        quartz.step(step)
        for number in range(10):
            quartz.run(0.2)
            stamps.append((quartz.wall_ns, quartz.offset_ns))
            if number == 4:
                clock.look()
    eras = clock.eras()
    found = [era_of(eras, wall_ns, quartz.up_ns).offset_ns for wall_ns, _ in stamps]
    assert found == [offset_ns for _, offset_ns in stamps]


def test_a_step_nobody_has_looked_at_is_not_trusted():
    """What is stored between a step and the next look is stamped provisionally."""
    quartz = Quartz()
    quartz.synchronised = True
    clock = quartz.clock()
    assert clock.steady
    quartz.run(1)
    quartz.step(-3600)
    assert not clock.steady
    era = era_of(clock.eras(), quartz.wall_ns, quartz.up_ns)
    assert (era.free, era.offset_ns) == (True, quartz.offset_ns)


def test_a_clock_that_never_stops_jumping_costs_no_memory():
    """However many steps there are, a bounded number of eras is remembered."""
    quartz = Quartz()
    clock = quartz.clock()
    for _ in range(1000):
        quartz.run(1)
        quartz.step(-2)
        clock.look()
    assert len(clock.eras()) <= clock_module.MOST_ERAS
    assert clock.take_steps() == (-2000 * S, 1000)


def test_after_a_while_a_clock_that_stepped_is_steady_again():
    """Once no frame of before the step can be around, rows are stored without a second look."""
    quartz = Quartz()
    quartz.synchronised = True
    clock = quartz.clock()
    quartz.step(3600)
    clock.look()
    quartz.run(10)
    assert not clock.steady
    quartz.run(1000)
    assert clock.steady
