"""The time line of a state: dwell, silences, source times, and that all time is counted once."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.states.counting import Counter
from agent.states.timeline import UNKNOWN, Timeline

DWELL_MS, HOLD_MS = 2_000, 10_000


def run(sightings, *, dwell_ms=DWELL_MS, hold_ms=HOLD_MS):
    """Feed (seen_ms, state); None is a loss. Give pieces merged by state, and changes."""
    line = Timeline(dwell_ms=dwell_ms, hold_ms=hold_ms)
    for seen_ms, state in sightings:
        if state is None:
            line.lose()
        else:
            line.see(state, at_ms=seen_ms, seen_ms=seen_ms)
    return line.drain()


def spans(pieces):
    """Join neighbours of one state."""
    found = []
    for state, from_ms, to_ms in pieces:
        if found and found[-1][0] == state and found[-1][2] == from_ms:
            found[-1] = (state, found[-1][1], to_ms)
        else:
            found.append((state, from_ms, to_ms))
    return found


def test_a_change_counts_from_when_it_happened():
    """After the dwell time the new state counts from its first sighting, not from the end of it."""
    pieces, changes = run([(t, "idle" if t < 5000 else "running") for t in range(0, 9001, 1000)])
    assert spans(pieces) == [("idle", 0, 5000), ("running", 5000, 9000)]
    assert [tuple(one) for one in changes] == [
        (UNKNOWN, "idle", 0, 0), ("idle", "running", 5000, 5000),
    ]  # fmt: skip


def test_a_flicker_does_not_count():
    """A state shorter than the dwell time is counted for the state before it, without an event."""
    states = ["running", "running", "alarm", "running", "running", "running"]
    pieces, changes = run([(1000 * at, state) for at, state in enumerate(states)])
    assert spans(pieces) == [("running", 0, 5000)]
    assert len(changes) == 1


def test_a_silence_is_unknown_from_the_last_sign_of_life():
    """Lost communication never prolongs the last state; the next sighting counts at once."""
    pieces, changes = run([(0, "running"), (1000, "running"), (1500, None), (4000, "running")])
    assert spans(pieces) == [("running", 0, 1000), (UNKNOWN, 1000, 4000)]
    assert [(one.was, one.state, one.at_ms) for one in changes[1:]] == [
        ("running", UNKNOWN, 1000), (UNKNOWN, "running", 4000),
    ]  # fmt: skip


def test_what_is_not_confirmed_in_time_is_unknown():
    """A hole longer than the hold time is no state, although nobody told of a loss."""
    pieces, _ = run([(0, "running"), (60_000, "running"), (61_000, "running")])
    assert spans(pieces) == [(UNKNOWN, 0, 60_000), ("running", 60_000, 61_000)]


def test_a_source_time_is_used_within_what_is_known():
    """A change bears its source time; another clock's is bound by what was seen before and now."""
    line = Timeline(dwell_ms=0, hold_ms=None)
    line.see("idle", at_ms=0, seen_ms=0)
    line.see("running", at_ms=900, seen_ms=1000)
    line.see("idle", at_ms=99_000, seen_ms=2000)
    line.see("running", at_ms=5, seen_ms=3000)
    pieces, changes = line.drain()
    assert spans(pieces) == [("idle", 0, 900), ("running", 900, 3000)]
    assert [one.at_ms for one in changes] == [0, 900, 2000, 2000]


def test_time_does_not_run_backwards():
    """A clock set back adds nothing and takes nothing away."""
    pieces, _ = run([(5000, "idle"), (6000, "idle"), (1000, "idle"), (6500, "idle")])
    assert spans(pieces) == [("idle", 5000, 6500)]


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from(["a", "b", "c", None])), max_size=40)
)
def test_every_moment_is_counted_once(steps):
    """Whatever comes, pieces touch, never overlap, and end no later than the last sighting."""
    at_ms, sightings = 0, []
    for gap_ms, state in steps:
        at_ms += gap_ms
        sightings.append((at_ms, state))
    pieces, changes = run(sightings)
    for before, after in pairwise(pieces):
        assert before.to_ms == after.from_ms
    assert all(piece.from_ms < piece.to_ms for piece in pieces)
    assert not pieces or pieces[-1].to_ms <= at_ms
    for before, after in pairwise(changes):
        assert before.state == after.was
        assert after.lasted_ms == after.at_ms - before.at_ms


def test_a_counter_goes_on_over_a_wrap():
    """The shorter way round a known wrap counts; the longer way is a reset."""
    counter = Counter(wrap=65_536)
    assert [counter.add(n) for n in (65_530, 65_535, 4)] == [0, 5, 5]
    assert counter.resets == 0
    assert counter.add(2) == 2
    assert counter.resets == 1


def test_a_counter_set_back_counts_what_it_shows():
    """After a reset the reading itself was made since; what was before is not known, and told."""
    counter = Counter(last=90)
    assert [counter.add(n) for n in (100, 3, 3, 5)] == [10, 3, 0, 2]
    assert counter.resets == 1
