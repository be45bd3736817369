"""What a device's own history tells afterwards counts for its own day and shift, once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.agent.kpi.test_shop import DAY, FILE, Bench, ms

from agent.kpi.shift_record import ShiftRecord
from agent.kpi.shop import records
from drivers.api import Frame

HOUR_MS = 3_600_000
MIN_MS = 60_000
STATUS = 'name: status.word, address: "hr:3"'


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "agent.yaml"
    path.write_text(FILE)
    return path


def history(bench, sights, *, now_ms):
    """Hand over what the device kept: (time, power, parts), by time, in one frame."""
    columns, values, times = [], [], []
    for at_ms, power, parts in sights:
        columns += [0, 1]
        values += [power, parts]
        times += [at_ms * 1_000_000] * 2
    bench.pipeline.backfill(
        Frame("lathe-01", "default", now_ms * 1_000_000, tuple(values), columns=tuple(columns),
              times_ns=tuple(times), backfill=True)
    )  # fmt: skip


def every_minute(from_ms, to_ms, power, *, parts, a_part_s=0):
    for n, at_ms in enumerate(range(from_ms, to_ms, MIN_MS)):
        yield at_ms, power, parts + (n * 60 // a_part_s if a_part_s else 0)


def states(figures):
    return {state: ms_ for state, ms_ in figures.states_ms.items() if ms_}


def outage(bench):
    """Run from 18:00, lose the line at 19:00, and have it back at 23:00 with 60 parts more."""
    bench.run(ms("18:00"), ms("19:00"), power=3.0, parts=100)
    bench.pipeline.silence(ms("19:00") * 1_000_000)
    bench.run(ms("23:00"), ms("23:10"), power=0.5, parts=160)


def told_late(bench):
    """The device's history of that: running to 21:00, at 15 parts an hour to 22:59, then idle."""
    sights = [
        *every_minute(ms("19:01"), ms("21:00"), 3.0, parts=100, a_part_s=240),
        *every_minute(ms("21:00"), ms("22:00"), 0.5, parts=130),
        *every_minute(ms("22:00"), ms("23:00"), 3.0, parts=130, a_part_s=120),
    ]
    history(bench, sights, now_ms=ms("23:10"))


def test_an_outage_is_filled_shift_by_shift(path):
    """States of the outage count in the shift they were in, and the parts move to theirs."""
    bench = Bench(path)
    outage(bench)
    before = bench.figures("白班", ms("23:10"))
    assert (states(before)["running"], before.parts) == (HOUR_MS, 0)
    assert bench.figures("夜班", ms("23:10")).parts == 60
    told_late(bench)
    day, night = (bench.figures(shift, ms("23:10")) for shift in ("白班", "夜班"))
    assert states(day)["running"] == 2 * HOUR_MS - MIN_MS, "one minute before the first sight"
    assert states(night) == {
        "running": 2 * HOUR_MS - MIN_MS, "idle": HOUR_MS + 10 * MIN_MS, "unknown": MIN_MS,
    }  # fmt: skip
    assert (day.parts, night.parts) == (14, 46), "the 15th is first seen at 20:01"
    assert (day.late > 0, night.late > 0) == (True, True)


def test_the_same_history_twice_counts_once(path):
    """A history that is read again adds neither time nor parts."""
    bench = Bench(path)
    outage(bench)
    told_late(bench)
    once = [bench.figures(shift, ms("23:10")) for shift in ("白班", "夜班")]
    told_late(bench)
    again = [bench.figures(shift, ms("23:10")) for shift in ("白班", "夜班")]
    assert [(one.states_ms, one.parts) for one in once] == [
        (one.states_ms, one.parts) for one in again
    ]  # fmt: skip


def test_history_after_a_restart_and_before_the_first_live_value(path):
    """What is known outlives the program, and history that comes first counts all the same."""
    first = Bench(path)
    first.run(ms("18:00"), ms("19:00"), power=3.0, parts=100)
    first.shop.save(first)
    second = Bench(path, list(first.kept.values()))
    second.kept = first.kept
    history(second, every_minute(ms("18:30"), ms("21:00"), 3.0, parts=100, a_part_s=240),
            now_ms=ms("21:00"))  # fmt: skip
    second.run(ms("21:00"), ms("21:10"), power=3.0, parts=140)
    day, night = (second.figures(shift, ms("21:10")) for shift in ("白班", "夜班"))
    assert states(day)["running"] == 2 * HOUR_MS
    assert states(night)["running"] == HOUR_MS + 9 * MIN_MS, "but for the minute to 21:00"
    assert day.parts + night.parts == 40
    assert day.parts == 22, "one every four minutes from 18:30 to 20:00"


def test_live_values_stand(path):
    """Where the machine was seen, its history changes nothing."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("10:00"), power=0.5)
    history(bench, every_minute(ms("08:00"), ms("10:00"), 3.0, parts=0), now_ms=ms("10:00"))
    assert states(bench.figures("白班", ms("10:00"))) == {"idle": 2 * HOUR_MS}


def test_a_state_of_one_silence_does_not_reach_into_the_next(path):
    """The last sight of one outage says nothing of the time after the machine was seen again."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("08:30"), power=0.5)
    bench.pipeline.silence(ms("08:30") * 1_000_000)
    bench.run(ms("08:50"), ms("09:00"), power=0.5)
    history(bench, every_minute(ms("08:31"), ms("08:46"), 3.0, parts=0), now_ms=ms("09:00"))
    bench.pipeline.silence(ms("09:00") * 1_000_000)
    bench.run(ms("09:20"), ms("09:30"), power=0.5)
    history(bench, every_minute(ms("09:15"), ms("09:20"), 0.5, parts=0), now_ms=ms("09:30"))
    assert states(bench.figures("白班", ms("09:30"))) == {
        "running": 14 * MIN_MS, "idle": 54 * MIN_MS, "unknown": 22 * MIN_MS,
    }  # fmt: skip


def test_a_history_of_rare_sights_is_not_stretched(path):
    """Between sights more than an hour apart nothing is known."""
    bench = Bench(path)
    bench.run(ms("14:00"), ms("14:10"), power=0.5)
    sights = [(ms("08:00"), 3.0, 0), (ms("10:00"), 3.0, 0), (ms("10:30"), 3.0, 0)]
    history(bench, sights, now_ms=ms("14:10"))
    assert states(bench.figures("白班", ms("14:10")))["running"] == HOUR_MS // 2


def test_a_record_of_before_is_left_as_it_is(path):
    """Of a record that does not say which time is known late states are told, never added."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("09:00"), power=0.5)
    bench.shop.save(bench)
    (kept,) = records(bench.kept.values())
    old = kept.text().replace('"known"', '"was"').replace('"falls"', '"were"')
    again = Bench(path, [("@shifts", f"lathe-01 {DAY}", old, 0)])
    history(again, every_minute(ms("10:00"), ms("11:00"), 3.0, parts=0), now_ms=ms("11:00"))
    again.run(ms("11:00"), ms("11:30"), power=0.5)
    found = again.figures("白班", ms("11:30"))
    assert states(found)["idle"] == HOUR_MS + HOUR_MS // 2
    assert "running" not in states(found)
    assert found.late == 120
    assert not ShiftRecord.of_text("lathe-01", DAY, old).open


@pytest.mark.parametrize("zero", [0, 12], ids=["0", "low"])
def test_one_false_reading_of_the_part_counter(path, zero):
    """A good 0 between equal readings makes no parts, is taken back where it was, and is told."""
    bench = Bench(path)
    bench.run(ms("19:00"), ms("19:58"), power=3.0, parts=480)
    bench.read(ms("19:59"), power=3.0, parts=zero)
    bench.run(ms("20:00"), ms("20:10"), power=3.0, parts=481)
    day, night = (bench.figures(shift, ms("20:10")) for shift in ("白班", "夜班"))
    assert (day.parts, day.resets) == (0, 0)
    assert (night.parts, night.resets, night.glitches) == (1, 0, 1)


def test_a_counter_that_is_set_back(path):
    """A counter that goes on from 0 counts what it shows, and how often it was set back is told."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("08:10"), power=3.0, parts=480)
    for minute, parts in enumerate((0, 0, 1, 2, 2, 3)):
        bench.read(ms("08:11") + minute * MIN_MS, power=3.0, parts=parts)
    found = bench.figures("白班", ms("08:20"))
    assert (found.parts, found.resets, found.glitches) == (3, 1, 0)


def test_a_false_reading_before_a_restart(path):
    """The program ends while the counter reads 0 falsely; the next life knows what it was."""
    first = Bench(path)
    first.run(ms("08:00"), ms("08:10"), power=3.0, parts=480)
    first.read(ms("08:11"), power=3.0, parts=0)
    first.shop.save(first)
    second = Bench(path, list(first.kept.values()))
    second.run(ms("08:20"), ms("08:30"), power=3.0, parts=482)
    found = second.figures("白班", ms("08:30"))
    assert (found.parts, found.resets, found.glitches) == (2, 0, 1)


async def test_a_shift_changed_by_late_data_is_published_again(path, monkeypatch):
    """Once they have ended; each of its shifts once, also where the day is an older one."""
    bench = Bench(path)
    outage(bench)
    rows, now = [], ms("08:10", 29)
    monkeypatch.setattr("agent.kpi.shop.time.time_ns", lambda: now * 1_000_000)

    class Sink:
        async def put_frame(self, codec, frame):
            rows.append((frame.values[2], frame.values[4]))

    async def publish(at_ms):
        rows.clear()
        await bench.shop._publish(Sink(), None, at_ms)
        return list(rows)

    late_ms = 2 * HOUR_MS - MIN_MS
    assert await publish(now) == [("白班", HOUR_MS), ("夜班", 0)]
    told_late(bench)
    assert await publish(now + 59_000) == []
    assert await publish(now + 60_000) == [("白班", late_ms), ("夜班", late_ms)]
    assert await publish(now + 70_000) == []
    bench.run(ms("09:00", 30), ms("09:10", 30), power=0.5, parts=160)
    assert await publish(now + 86_400_000) == []
    history(bench, every_minute(ms("15:00"), ms("16:00"), 3.0, parts=0), now_ms=ms("09:10", 30))
    assert await publish(now + 3 * 86_400_000) == [("白班", late_ms + 59 * MIN_MS)]


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 700), st.integers(1, 90), st.booleans()),
        max_size=12,
    )
)
def test_no_time_counts_twice(tmp_path_factory, steps):
    """Whatever is seen live and late, in whatever order, states fill the time seen and no more."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "agent.yaml").write_text(FILE)
    bench = Bench(folder / "agent.yaml")
    live_ms, from_ms = ms("08:00"), ms("08:00")
    seen = set()
    for late, start, minutes, busy in steps:
        power = 3.0 if busy else 0.5
        if late:
            begins = min(from_ms + start * MIN_MS, live_ms)
            ends = min(begins + minutes * MIN_MS, live_ms)
            history(bench, every_minute(begins, ends, power, parts=0), now_ms=live_ms)
        else:
            begins, ends = live_ms + 10 * MIN_MS, live_ms + (10 + minutes) * MIN_MS
            bench.pipeline.silence(live_ms * 1_000_000)
            bench.run(begins, ends, power=power)
            live_ms = ends
        seen.update(range(begins, ends + 1, MIN_MS))
    bench.shop.save(bench)
    known = [record for record in records(bench.kept.values()) if record.day == DAY]
    total = sum(sum(one.states_ms.values()) for r in known for one in r.totals.values())
    assert total <= MIN_MS * sum(at + MIN_MS in seen for at in seen)
