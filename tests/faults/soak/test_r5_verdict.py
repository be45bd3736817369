"""The verdict of the soak finds what it is there to find."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from faults.soak.account import Stream, ranges, told
from faults.soak.memory import growth
from faults.soak.mixing import BrokerKill, Mixer
from faults.soak.verdict import astray_ms, late, out_of_order, skipped, unannounced
from faults.words import ZH
from system.subscriber import Message


class Came:
    """An account of data messages, each of one row."""

    def __init__(self, *numbers):
        self.messages = [
            Message("data", {"gw": "g", "ep": "e", "b": [{"n": n, "d": "d"}]}, 0) for n in numbers
        ]

    def of(self, level):
        return [(0, message.body) for message in self.messages if message.level == level]


def stored(changes):
    """Give (time in ms, value) pairs as an account keeps them, each in a row of its own."""
    return [("e", row, 0, *change) for row, change in enumerate(changes)]


def test_a_hole_nobody_told_of_is_found():
    """One span told covers one hole, or a part of a longer one; the others stay."""
    holes = [(100_000, 110_000), (200_000, 260_000), (300_000, 310_000)]
    assert unannounced(holes, [(98_000, 109_000), (200_000, 230_000)]) == holes[1:]


def test_spans_that_meet_tell_of_one_hole():
    """A hole may be told in pieces."""
    assert unannounced([(10_000, 60_000)], [(8_000, 30_000), (30_000, 58_000)]) == []


def test_a_poll_left_out_and_a_change_left_out_are_holes():
    """Polls by their times, changes by their counter; a counter that begins anew is one too."""
    assert late({0: 1, 500: 6, 9000: 91}) == [(500, 9000)]
    changes = [(0, 1), (500, 2), (9000, 3), (9500, 5), (9600, 0)]
    assert skipped(stored(changes)) == [(9000, 9500), (9500, 9600)]


def test_changes_are_judged_in_the_order_in_which_they_were_stored():
    """Times of receipt and the server's own may lie across each other, and two changes in one."""
    assert skipped(stored([(700, 1), (700, 2), (600, 3), (650, 4)])) == []
    assert skipped(reversed(stored([(700, 1), (600, 3)]))) == [(600, 700)]


def test_a_value_with_a_time_that_is_not_its_own_is_found():
    """A value of the past stamped new stands apart, also where the counter runs over."""
    true = {at: (at // 100 + 65_530) % 65_536 for at in range(0, 20_000, 500)}
    assert astray_ms(true) == pytest.approx(0)
    assert astray_ms(true | {20_000: true[0]}) == pytest.approx(20_000)


def test_only_what_a_killed_broker_had_may_come_late():
    """A row stored before the kill may come after later ones; a row stored afterwards may not."""
    assert out_of_order(Came(1, 3, 2), []) != []
    assert out_of_order(Came(1, 3, 2), [BrokerKill(messages=2, number=3)]) == []
    assert out_of_order(Came(1, 3, 2), [BrokerKill(messages=3, number=3)]) != []
    assert out_of_order(Came(1, 3, 2), [BrokerKill(messages=2, number=1)]) != []


def test_what_has_come_is_confirmed_and_nothing_else():
    """The mark stands before the first hole; what lies beyond it is told as ranges."""
    stream = Stream()
    assert [stream.take(n) for n in (1, 2, 4, 5, 8, 4)] == [True] * 5 + [False]
    assert (stream.mark, ranges(sorted(stream.beyond))) == (2, [[4, 5], [8, 8]])


def test_events_tell_spans():
    """Polls not made, gaps and times without an agent are spans; a stop is none."""
    assert told({"type": "missed", "t": 9, "from": 1, "to": 2}) == (1, 2)
    assert told({"type": "start", "t": 9, "last": 5, "clean": True}) == (5, 9)
    assert told({"type": "start", "t": 9, "last": 5, "clean": False}) == (5, 9)
    assert told({"type": "stop", "t": 9}) is None


def test_growth_is_told_within_long_lives_only():
    """Lives of different levels with the same slope give that slope; short ones say nothing."""
    lives = [[(60.0 * at, base + at / 1440) for at in range(1, 121)] for base in (80.0, 120.0)]
    found = growth([*lives, [(60.0, 500.0)], []])
    assert found.mb_per_day == pytest.approx(1.0)
    assert found.error_mb_per_day == pytest.approx(0.0, abs=1e-6)
    assert growth([[(60.0, 80.0), (120.0, 90.0)]]) is None


def test_every_fault_has_a_name_in_chinese():
    """The report of a soak reads in both languages."""
    everything = SimpleNamespace(clock=True, disk=True)
    mixer = Mixer(everything, dice=None, pace=None, log=None)
    names = mixer.ends | mixer.lives | mixer.brokers | mixer.links | mixer.machines
    assert names.keys() - ZH.keys() == set()
