"""Settlements: once, for ever, and only for what they are of."""

from __future__ import annotations

import pytest
from unit.agent.clock.clocks import S

from agent.clock.seals import KEPT_IN, MOST_BOOTS, Dating, Seals
from agent.clock.stamp import MARK, Stamp, boot_key, unstamp

HERE, EARLIER = boot_key("this boot"), boot_key("an earlier one")


def stamp(at_s, *, offset_s=0, boot=HERE):
    return Stamp(boot, offset_s * S, at_s * S)


def settle(seals, *, at_s, synchronised, offset_s):
    """Settle as the keeper does; give what was kept."""
    new = seals.settlement(synchronised=synchronised, offset_ns=offset_s * S, at_ns=at_s * S)
    rows = seals.lessons(new)
    seals.settle(new)
    return rows


def test_a_stamp_goes_and_comes():
    """What is put before a body is taken off it again, negative numbers included."""
    made = Stamp(HERE, -(10**18), 7)
    assert made.prefix.startswith(MARK)
    assert unstamp(made.prefix + b'"t0":1}') == (made, b'"t0":1}')
    assert unstamp(b'"t0":1}') == (None, b'"t0":1}')


@pytest.mark.parametrize("spoiled", [b'~what is this~"t0":1}', b'~x~"t0":1}', b'~a 1 2"t0":1}'])
def test_a_spoiled_stamp_is_an_error(spoiled):
    """A stamp that cannot be read is never taken for a date."""
    with pytest.raises(ValueError, match=r"no stamp|invalid literal|not found"):
        unstamp(spoiled)


def test_rows_of_this_boot_wait_until_settled():
    """Held first; then moved by the difference of the clocks, to the ms, and trusted."""
    seals = Seals(HERE)
    assert seals.dating(stamp(10)) is None
    settle(seals, at_s=20, synchronised=True, offset_s=1_700_000_000)
    assert seals.dating(stamp(10)) == Dating(1_700_000_000_000, trusted=True)
    assert seals.dating(stamp(10, offset_s=1_700_000_001)) == Dating(-1000, trusted=True)


def test_an_ended_boot_without_a_time_source_is_never_dated():
    """Nobody can say any more what its clock was off by; it is told as it was stamped."""
    seals = Seals(HERE)
    settle(seals, at_s=20, synchronised=True, offset_s=5)
    assert seals.dating(stamp(10, boot=EARLIER)) == Dating(0, trusted=False)


def test_without_a_time_source_rows_go_untrusted_and_are_never_dated_again():
    """After the hold: by the clock as it stood; later rows as stamped; a late source moves none."""
    seals = Seals(HERE)
    settle(seals, at_s=20, synchronised=False, offset_s=100)
    before = [seals.dating(stamp(at, offset_s=40)) for at in (10, 30)]
    assert before == [Dating(60_000, trusted=False), Dating(0, trusted=False)]
    settle(seals, at_s=50, synchronised=True, offset_s=9000)
    assert [seals.dating(stamp(at, offset_s=40)) for at in (10, 30)] == before


def test_a_second_time_of_distrust_is_held_again():
    """A clock moved by hand after it was in sync makes rows wait for the next settlement."""
    seals = Seals(HERE)
    settle(seals, at_s=20, synchronised=True, offset_s=100)
    assert seals.dating(stamp(30)) is None
    settle(seals, at_s=40, synchronised=True, offset_s=200)
    assert seals.dating(stamp(10)) == Dating(100_000, trusted=True)
    assert seals.dating(stamp(30)) == Dating(200_000, trusted=True)


def test_another_life_dates_the_same():
    """What was kept gives every row the same time after a restart, and in later boots."""
    seals, kept = Seals(HERE), {}
    for at_s, synchronised in ((20, False), (40, True), (60, True)):
        for _, boot, text, number in settle(seals, at_s=at_s, synchronised=synchronised,
                                            offset_s=at_s * 10):  # fmt: skip
            kept[boot] = (KEPT_IN, boot, text, number)
    stamps = [stamp(at) for at in (5, 25, 45)]
    found = [seals.dating(one) for one in stamps]
    rows = [*kept.values(), ("cnc-01", "default", "a lesson", 1)]
    assert [Seals(HERE, rows).dating(one) for one in stamps] == found
    assert [Seals(EARLIER, rows).dating(one) for one in stamps] == found
    assert Seals(HERE, rows).vouched == seals.vouched
    assert Seals(EARLIER, rows).vouched is None


def test_old_boots_are_forgotten_in_the_order_they_came():
    """A box that reboots for years keeps a bounded number of boots."""
    kept = {}
    for number in range(MOST_BOOTS + 20):
        seals = Seals(boot_key(f"boot {number}"), tuple(kept.values()))
        for row in settle(seals, at_s=1, synchronised=True, offset_s=number):
            if row[2]:
                kept[row[1]] = row
            else:
                del kept[row[1]]
    assert len(kept) <= MOST_BOOTS + 1
    assert boot_key("boot 0") not in kept
    assert boot_key(f"boot {MOST_BOOTS + 19}") in kept
