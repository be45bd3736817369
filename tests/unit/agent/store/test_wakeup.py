"""The one signal between the loop and the store's thread."""

from __future__ import annotations

import threading

from agent.store.wakeup import GATHER_S, LONELY_S, Company, WakeUp


def test_a_signal_is_spent_once():
    """However often it is set before, one wait ends at once and the next one waits."""
    wakeup = WakeUp()
    assert not wakeup.wait(0.01)
    wakeup.set()
    wakeup.set()
    assert wakeup.wait(0.01)
    assert not wakeup.wait(0.01)


def test_a_sleeper_is_woken():
    """A thread that sleeps long is woken by the other one."""
    wakeup, woken = WakeUp(), []
    sleeper = threading.Thread(target=lambda: woken.append(wakeup.wait(10)))
    sleeper.start()
    wakeup.set()
    sleeper.join(5)
    assert woken == [True]


def test_frames_that_come_alone_are_not_made_to_wait():
    """Without a companion so far, and long after the last one, nobody waits."""
    company = Company()
    company.came(10.0, first=True)
    company.came(10.0 + 2 * GATHER_S, first=False)
    assert company.wait_s(11.0) == 0
    company.came(20.0, first=True)
    company.came(20.0 + GATHER_S / 2, first=False)
    assert company.wait_s(20.0 + LONELY_S) == GATHER_S
    assert company.wait_s(21.0 + LONELY_S) == 0


def test_frames_that_come_together_wait_for_each_other():
    """Once a frame was closely followed by another, the first of the next tick waits for it."""
    company = Company()
    company.came(10.0, first=True)
    company.came(10.0 + GATHER_S / 2, first=False)
    assert company.wait_s(11.0) == GATHER_S
