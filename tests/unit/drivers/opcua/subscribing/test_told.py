"""What waits between the wire and the host, and what is known of it."""

from __future__ import annotations

import time

import pytest

from drivers.api import Frame, Gap, SessionLost, Tag
from drivers.opcua import DRIVER
from drivers.opcua.subscribing.told import Told

T0 = 1_750_000_000_000_000_000


class Ears:
    """Until when the subscriptions were heard."""

    ns = 0


@pytest.fixture
def ears():
    return Ears()


@pytest.fixture
def told(ears):
    config = DRIVER.config(driver="opcua", url="opc.tcp://plc")
    tags = [Tag(f"t{n}", f"i={n}") for n in range(3)]
    plan = DRIVER.plan(config, tags, device="d", group="g")
    return Told(plan, heard_ns=lambda: ears.ns)


def frame(*values, columns=None, at_ns=T0):
    return Frame("d", "g", at_ns, values, columns)


async def test_an_idle_subscription_says_until_when_nothing_changed(told, ears):
    """A sign of life is an empty frame; none comes before values, none beside waiting frames."""
    ears.ns = T0
    told.lives()
    assert told.idle
    told.put(frame(1, 2, 3))
    ears.ns = T0 + 5
    told.lives()
    assert (await told.get()).values == (1, 2, 3)
    assert told.idle
    told.lives()
    empty = await told.get()
    assert (empty.values, empty.columns, empty.read_ns, empty.gap) == ((), (), T0 + 5, None)
    ears.ns = T0 - 5
    told.lives()
    assert told.idle


async def test_the_last_value_of_every_tag_is_known(told):
    """Full and partial frames are followed alike; a type counts as part of a value."""
    assert told.differs(0, 1)
    told.put(frame(1, 2, 3))
    told.put(frame(9, columns=(1,)))
    assert not told.differs(0, 1)
    assert not told.differs(1, 9)
    assert told.differs(1, 2)
    assert told.differs(0, True)
    told.put(frame(4, 5, 6))
    assert not told.differs(1, 5)


async def test_expected_tags_are_crossed_off_as_they_come(told):
    """A full frame holds every tag."""
    told.expect((0, 2))
    told.put(frame(1, 2, columns=(1, 2)))
    assert told.unheard == {0}
    told.put(frame(1, 2, 3))
    assert told.unheard == frozenset()


async def test_frames_that_had_to_go_are_a_gap(told):
    """A host that is too slow learns in which span it lost changes, and how many."""
    told.put(frame(0, 0, 0))
    await told.get()
    for n in range(1, 302):
        told.put(frame(n, columns=(0,), at_ns=T0 + n))
    first = await told.get()
    assert (first.gap.reason, first.gap.from_ns, first.gap.to_ns) == ("buffer_full", T0, T0 + 46)
    assert (first.overflow, first.values, told.dropped) == (45, (46,), 45)
    assert (await told.get()).gap is None


async def test_what_was_told_later_than_all_was_heard_is_a_gap_at_the_end(told, ears):
    """Where one of several subscriptions fell silent first, the gap begins with its silence."""
    ears.ns = T0
    told.put(frame(1, 2, 3, at_ns=T0 + 9))
    told.end(SessionLost("over"))
    assert (await told.get()).gap is None
    last = await told.get()
    assert (last.gap.reason, last.gap.from_ns) == ("subscription_silent", T0)
    assert last.gap.to_ns <= time.time_ns()
    with pytest.raises(SessionLost):
        await told.get()


async def test_a_gap_that_had_to_go_is_told_all_the_same(told):
    """Neither a frame that only tells of a gap, nor the span of one, is dropped in silence."""
    told.miss(Gap(T0 - 50, T0, "publish_gap"), messages=3)
    for n in range(1, 258):
        told.put(frame(n, columns=(0,), at_ns=T0 + n))
    first = await told.get()
    assert (first.gap.from_ns, first.gap.reason, first.overflow) == (T0 - 50, "buffer_full", 3 + 1)
    assert first.gap.to_ns == first.read_ns
    assert told.torn


async def test_gaps_join_where_frames_went_between_them(told):
    """A gap told in the frame that follows those that went spans both."""
    told.put(frame(0, 0, 0))
    await told.get()
    for n in range(1, 256):
        told.put(frame(n, columns=(0,), at_ns=T0 + n))
    overflowed = frame(9, columns=(0,), at_ns=T0 + 900)
    overflowed.gap = Gap(T0 + 800, T0 + 900, "overflow")
    told.put(overflowed)
    for n in range(256):
        told.put(frame(n, columns=(0,), at_ns=T0 + 1000 + n))
    first = await told.get()
    assert (first.gap.from_ns, first.gap.to_ns) == (T0, first.read_ns)


async def test_what_is_told_meanwhile_is_noted(told):
    """Two who note at once do not disturb each other."""
    with told.noting() as outer:
        told.put(frame(1, columns=(2,)))
        with told.noting() as inner:
            told.put(frame(1, columns=(0,)))
        told.put(frame(1, 2, 3))
    assert (outer, inner) == ({0, 1, 2}, {0})
