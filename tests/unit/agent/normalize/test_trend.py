"""Swinging door: the bound at every sample, what is kept in any case, and what is counted."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.config.derived import Compress
from agent.normalize.trend import Compressor, samples_of
from drivers.api import Frame, Quality

MS = 1_000_000
BAD = bytes([Quality.BAD])


def frame(at_ms, value, *, bad=False):
    if bad:
        return Frame("d", "g", at_ms * MS, (None, at_ms), qualities=BAD + bytes([Quality.GOOD]),
                     reasons={0: "BadSensorFailure"})  # fmt: skip
    return Frame("d", "g", at_ms * MS, (value, at_ms))


def compressed(frames, *, deviation, max_s=600.0):
    """Give the stored samples of column 0, the rest that is held flushed, and the compressor."""
    door = Compressor({0: Compress(deviation=deviation, max_s=max_s)})
    stored = []
    for one in frames:
        found = door.select(one)
        assert found is not None  # column 1 is never compressed
        stored += samples_of(found)
    stored += door.flush()
    return [one for one in stored if one.column == 0], door


def at_line(stored, at_ms):
    """Give the value of the line between the stored neighbours of an instant."""
    times = [one.time_ns // MS for one in stored]
    after = next(i for i, time_ms in enumerate(times) if time_ms >= at_ms)
    if times[after] == at_ms:
        return stored[after].value
    left, right = stored[after - 1], stored[after]
    share = (at_ms - times[after - 1]) / (times[after] - times[after - 1])
    return left.value + (right.value - left.value) * share


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 5_000), st.floats(-1e4, 1e4, allow_nan=False)), min_size=1
    ),
    deviation=st.floats(0.01, 1e3),
    max_s=st.sampled_from([1.0, 20.0, 600.0]),
)
def test_no_sample_is_farther_from_the_line_than_the_deviation(steps, deviation, max_s):
    """Whatever is read, the line between stored values is within the deviation of each sample."""
    at_ms, frames = 0, []
    for gap_ms, value in steps:
        at_ms += gap_ms
        frames.append(frame(at_ms, value))
    stored, door = compressed(frames, deviation=deviation, max_s=max_s)
    for one in frames:
        real = one.values[0]
        found = at_line(stored, one.read_ns // MS)
        assert abs(found - real) <= deviation * (1 + 1e-9) + 1e-9
    assert len(stored) + door.coalesced == len(frames)
    assert stored[0].time_ns == frames[0].read_ns
    assert stored[-1].time_ns == frames[-1].read_ns
    read = {(one.read_ns, one.values[0]) for one in frames}
    assert all((one.time_ns, one.value) in read for one in stored)


def test_a_straight_line_becomes_its_ends():
    """A ramp of a hundred values is stored as two."""
    stored, door = compressed([frame(1000 * n, 2.0 * n) for n in range(100)], deviation=0.1)
    assert [one.value for one in stored] == [0.0, 198.0]
    assert door.coalesced == 98


def test_a_step_keeps_its_corner():
    """The last value before a jump is stored with its own time, when the jump comes."""
    values = [1.0, 1.0, 1.0, 9.0, 9.0, 9.0]
    stored, _ = compressed([frame(1000 * n, v) for n, v in enumerate(values)], deviation=0.5)
    assert [(one.time_ns // MS, one.value) for one in stored] == [
        (0, 1.0), (2000, 1.0), (3000, 9.0), (5000, 9.0),
    ]  # fmt: skip


def test_something_is_stored_every_max_s():
    """A flat line is stored at least every `max_s`."""
    stored, _ = compressed([frame(1000 * n, 5) for n in range(100)], deviation=1, max_s=10)
    times = [one.time_ns // MS for one in stored]
    assert max(b - a for a, b in pairwise(times)) <= 10_000


def test_a_change_of_quality_keeps_both_sides():
    """The last good value before a BAD one, the BAD one, and the first good one are stored."""
    frames = [frame(n * 1000, 5.0, bad=n == 5) for n in range(10)]
    stored, _ = compressed(frames, deviation=1)
    assert [(one.time_ns // MS, one.mark) for one in stored] == [
        (0, 192), (4000, 192), (5000, 0), (6000, 192), (9000, 192),
    ]  # fmt: skip


def test_a_late_value_bears_its_own_time_beside_live_ones():
    """A frame with a value stored late has a time per value; others keep the time of the read."""
    door = Compressor({0: Compress(deviation=0.5)})
    for n in range(3):
        door.select(frame(1000 * n, 1.0))
    found = door.select(frame(3000, 9.0))
    assert found.columns == (0, 1)
    assert found.values == (1.0, 3000)
    assert found.times_ns == (2000 * MS, 3000 * MS)
