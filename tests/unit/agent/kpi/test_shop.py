"""A machine followed from raw frames to the figures of its shift, over a silence and a restart."""

import json
import sqlite3
from contextlib import closing
from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from agent.cli.main import main
from agent.config.load import load
from agent.config.model import Store
from agent.kpi.oee import Missing
from agent.kpi.shift_report import METRIC_NAMES, shift_figures, shift_frame
from agent.kpi.shop import KEPT_IN, Shop, records
from agent.normalize.pipeline import Pipeline
from agent.store.notes import write_lessons
from agent.store.sqlite import Outbox
from agent.telemetry.latest import LatestGroup
from drivers.api import Frame, Quality

DAY = date(2026, 9, 28)
FILE = """
gateway: {id: gw-01}
enterprise: {id: hb-demo-0001}
publish: [{url: "mqtt://127.0.0.1:1883"}]
http: {enabled: false}
store: {path: outbox.db}
shifts:
  day_starts: "08:00"
  shifts:
    - {name: 白班, start: "08:00", end: "20:00", breaks: [{start: "11:30", end: "12:30"}]}
    - {name: 夜班, start: "20:00", end: "08:00"}
devices:
  - id: lathe-01
    driver: modbus
    host: 127.0.0.1
    unit: 1
    groups: {default: {interval_s: 60}}
    tags:
      - {name: power.active, address: "hr:0", type: float32, unit: kW}
      - {name: part.count, address: "hr:2", type: uint16}
      - {name: status.word, address: "hr:3", type: uint16}
    computed:
      - {name: spindle.on, value: "bit(status.word, 0)"}
    states:
      preset: power
      tags: {power: power.active}
      limits: {running_kw: 1.5, idle_kw: 0.2}
      dwell_s: 90
    oee: {parts: part.count, wrap: 65536, part_s: 120, spindle: spindle.on}
"""
ZONE = ZoneInfo("Asia/Shanghai")


def ms(clock, day=28):
    hour, minute = map(int, clock.split(":"))
    return int(datetime(2026, 9, day, hour, minute, tzinfo=ZONE).timestamp()) * 1000


class Bench:
    """One device of the file, its pipeline, and the shop that follows it."""

    def __init__(self, path, lessons=()):
        self.loaded = load(path)
        self.events = []
        self.kept = {}
        self.shop = Shop(
            self.loaded.config,
            self.loaded.devices,
            lessons,
            tell=lambda kind, **fields: self.events.append((kind, fields)),
        )
        group = self.loaded.devices[0].groups[0]
        self.columns = [tag.name for tag in group.tags]
        self.pipeline = Pipeline(
            "lathe-01",
            group,
            latest=LatestGroup(len(group.tags)),
            observe=lambda frame: None,
            monotonic=lambda: 0.0,
            follow=self.shop.follow("lathe-01", group),
        )

    def put_lessons(self, rows):
        for kept_in, key, text, at_ms in rows:
            self.kept[key] = (kept_in, key, text, at_ms)

    def read(self, at_ms, *, power, parts=0, word=0, **keys):
        frame = Frame("lathe-01", "default", at_ms * 1_000_000, (power, parts, word), **keys)
        return self.pipeline.process(frame)

    def run(self, from_ms, to_ms, *, power, parts=0, word=0):
        """One read a minute, both ends included."""
        for at_ms in range(from_ms, to_ms + 1, 60_000):
            self.read(at_ms, power=power, parts=parts, word=word)

    def figures(self, shift, now_ms):
        self.shop.save(self)
        record = next(r for r in records(self.kept.values()) if r.day == DAY)
        return shift_figures(self.loaded.config, record, shift, now_ms=now_ms)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "agent.yaml"
    path.write_text(FILE)
    return path


def test_a_shift_of_a_metered_lathe(path):
    """Times by state within planned time, a silence unknown, a flicker not counted, parts, OEE."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("10:00"), power=3.0, word=1)
    bench.run(ms("10:00"), ms("11:00"), power=0.5, parts=30)
    bench.read(ms("10:59") + 30_000, power=9.0, parts=30)  # older than what is known already
    bench.run(ms("11:00"), ms("13:00"), power=3.0, parts=50, word=1)
    bench.pipeline.silence(ms("13:10") * 1_000_000)
    bench.run(ms("14:00"), ms("15:00"), power=0.1, parts=50)
    found = bench.figures("白班", ms("15:00"))
    hour = 3_600_000
    assert found.planned_ms == 6 * hour  # 08:00 to 15:00 less the break
    assert found.states_ms == {
        "running": 3 * hour, "idle": hour, "alarm": 0, "setup": 0, "off": hour, "unknown": hour,
    }  # fmt: skip
    assert found.parts == 50
    assert found.figures.availability == 0.5
    assert found.figures.performance * 180 == 2 * 50
    assert found.figures.oee is Missing.NO_QUALITY_COUNTER
    assert found.figures.spindle is Missing.NO_SIGNAL  # power on is not read
    assert [(f["was"], f["state"], f["at"]) for _, f in bench.events] == [
        ("unknown", "running", ms("08:00")),
        ("running", "idle", ms("10:00")),
        ("idle", "running", ms("11:00")),
        ("running", "unknown", ms("13:00")),
        ("unknown", "off", ms("14:00")),
    ]
    day = bench.figures("", ms("15:00"))
    assert day.figures.calendar * 7 == 4  # with the hour of the break, of seven hours by now


def test_a_short_state_is_stored_and_not_counted(path):
    """A minute above the limit stays in the data, and is no state of the shift (dwell 90 s)."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("08:10"), power=0.5)
    stored = bench.read(ms("08:11"), power=3.0)
    bench.run(ms("08:12"), ms("08:20"), power=0.5)
    assert stored.values[bench.columns.index("machine.state")] == "running"
    found = bench.figures("白班", ms("08:20"))
    assert found.states_ms["idle"] == 20 * 60_000
    assert found.states_ms["running"] == 0
    assert len(bench.events) == 1


def test_a_night_shift_counts_on_its_own_day_over_a_restart(path):
    """What a life counted is kept; the time between two lives is unknown, parts go on counting."""
    first = Bench(path)
    first.run(ms("22:00"), ms("23:00"), power=3.0, parts=65_530)
    first.shop.save(first)
    second = Bench(path, list(first.kept.values()))
    second.run(ms("01:00", 29), ms("02:00", 29), power=3.0, parts=4)
    found = second.figures("夜班", ms("02:00", 29))
    hour = 3_600_000
    assert found.states_ms["running"] == 2 * hour
    assert found.states_ms["unknown"] == 4 * hour
    assert found.parts == 10  # over the wrap at 65536


def test_a_bad_value_is_unknown(path):
    """A value that cannot be read ends the state at once."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("08:10"), power=0.5)
    bench.pipeline.process(
        Frame("lathe-01", "default", ms("08:11") * 1_000_000, (None, 0, 0),
              qualities=bytes([Quality.BAD, Quality.GOOD, Quality.GOOD]),
              reasons={0: "BadSensorFailure"})
    )  # fmt: skip
    assert bench.events[-1][1]["state"] == "unknown"


def test_a_shift_becomes_a_frame(path):
    """Every metric has its column; what is missing is BAD with its reason."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("20:00"), power=3.0)
    frame = shift_frame(bench.figures("白班", ms("20:01")), now_ms=ms("20:01"))
    row = dict(zip(METRIC_NAMES, frame.values, strict=True))
    assert (row["oee.device"], row["oee.day"], row["oee.shift"]) == ("lathe-01", str(DAY), "白班")
    assert row["oee.availability"] == 100.0
    assert (row["oee.availability.num"], row["oee.availability.den"]) == (1, 1)
    at = METRIC_NAMES.index("oee.quality")
    assert frame.values[at] is None
    assert frame.qualities[at] == Quality.BAD
    assert frame.reasons[at] == "no_quality_counter"


async def test_an_ended_shift_is_published_once(path, monkeypatch):
    """A minute after its end a shift's figures go out, also after a restart only once."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("20:00"), power=3.0)
    frames = []

    class Sink:
        async def put_frame(self, codec, frame):
            frames.append(frame.values[:3])

    for at in ("19:59", "20:02", "20:03"):
        await bench.shop._publish(Sink(), None, ms(at))
    assert frames == [("lathe-01", str(DAY), "白班")]
    bench.shop.save(bench)
    again = Bench(path, list(bench.kept.values()))
    await again.shop._publish(Sink(), None, ms("20:04"))
    assert len(frames) == 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_shows_a_day(path, capsys, lang):
    """`chulian oee` reads the store: a table, what figures are shares of, and what is missing."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("20:00"), power=3.0, parts=7)
    bench.shop.save(bench)
    Outbox.open(Store(path=path.parent / "outbox.db")).close(clean=True)
    with closing(sqlite3.connect(path.parent / "outbox.db")) as connection:
        write_lessons(connection, [row for row in bench.kept.values() if row[0] == KEPT_IN])
        connection.commit()
    assert main(["oee", "-c", str(path), "--day", str(DAY), "--lang", lang]) == 0
    shown = capsys.readouterr().out
    assert "lathe-01  白班" in shown
    assert "100.00" in shown
    assert ("oee.good, oee.scrap" if lang == "en" else "oee.good、oee.scrap") in shown
    assert main(["oee", "-c", str(path), "--day", str(DAY), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["rows"][0]
    assert row["figures"]["availability"] == [1, 1]
    assert row["figures"]["quality"] == "no_quality_counter"
    assert main(["oee", "-c", str(path), "--day", "2026-01-01"]) == 1


def test_the_running_agent_tells_the_two_newest_days(path, capsys, monkeypatch):
    """`chulian oee` asks the agent first, whose records are those it would keep."""
    bench = Bench(path)
    bench.run(ms("08:00", 25), ms("08:10", 25), power=3.0)
    bench.run(ms("08:00", 27), ms("08:10", 27), power=3.0)
    bench.run(ms("08:00"), ms("20:00"), power=3.0)
    answer = {"records": bench.shop.recent()}
    assert [day for _, day, _ in answer["records"]] == ["2026-09-27", "2026-09-28"]
    monkeypatch.setattr("agent.cli.oee.ask", lambda http, path: answer)
    assert main(["oee", "-c", str(path), "--day", str(DAY), "--lang", "en"]) == 0
    assert "12:00:00" in capsys.readouterr().out


def test_a_register_that_is_no_counter_stops_nothing(path):
    """Garbage larger than any count is not counted, and the record can still be kept."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("08:05"), power=3.0, parts=5)
    bench.shop._machines["lathe-01"].see("parts", 1e300, at_ms=ms("08:06"), seen_ms=ms("08:06"))
    bench.shop._machines["lathe-01"].see("parts", 8, at_ms=ms("08:07"), seen_ms=ms("08:07"))
    assert bench.figures("白班", ms("08:07")).parts == 3


def test_a_device_added_while_running_is_followed_and_judged(path):
    """After `join` a device has its record, its settings and its events."""
    bench = Bench(path)
    plans = bench.loaded.devices
    empty = bench.loaded.config.model_copy(update={"devices": ()})
    shop = Shop(empty, (), (), tell=lambda kind, **fields: None)
    assert shop.follow("lathe-01", plans[0].groups[0]) is None
    shop.join(plans)
    bench.shop = shop
    bench.pipeline._follow = shop.follow("lathe-01", plans[0].groups[0])
    bench.run(ms("08:00"), ms("09:00"), power=3.0, parts=0)
    bench.run(ms("09:01"), ms("09:02"), power=3.0, parts=30)
    assert bench.figures("白班", ms("09:02")).figures.performance == Fraction(30 * 120, 62 * 60)
    assert shop._config.devices[0].oee.part_s == 120


async def test_a_shift_is_published_after_days_without_power(path):
    """A gateway switched off with the machines on Friday tells of Friday on Monday, once."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("20:00"), power=3.0)
    bench.shop.save(bench)
    again = Bench(path, list(bench.kept.values()))
    frames = []

    class Sink:
        async def put_frame(self, codec, frame):
            frames.append(frame.values[:3])

    for at in ("08:00", "08:01"):
        await again.shop._publish(Sink(), None, ms(at, 30) + 86_400_000)
    assert frames == [("lathe-01", str(DAY), "白班")] + [("lathe-01", str(DAY), "夜班")] * (
        len(frames) - 1
    )
    assert len(frames) <= 2


def test_a_record_of_a_wrong_clock_does_not_push_out_todays(path, monkeypatch):
    """What a clock that ran ahead left is no reason to forget the day that is."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("08:10"), power=3.0)
    ahead = ms("08:00") + 400 * 86_400_000
    bench.read(ahead, power=3.0)
    monkeypatch.setattr("agent.kpi.shop.time.time_ns", lambda: ms("08:10") * 1_000_000)
    bench.shop.save(bench)
    assert (("lathe-01", DAY)) in bench.shop._records
    assert bench.kept[f"lathe-01 {DAY}"][2] != ""


def test_the_use_of_a_day_never_exceeds_all_of_it(tmp_path):
    """A night shift that ends on the next day has its hours in the calendar time, too."""
    text = FILE.replace('day_starts: "08:00"', 'day_starts: "00:00"')
    path = tmp_path / "agent.yaml"
    path.write_text(text)
    bench = Bench(path)
    bench.run(ms("00:00"), ms("08:00", 29), power=3.0)
    day = bench.figures("", ms("09:00", 29))
    assert day.figures.calendar == 1


def test_an_older_day_is_read_from_the_store_beside_a_running_agent(path, capsys, monkeypatch):
    """The agent tells two days; of an older one the store is asked, not silence reported."""
    bench = Bench(path)
    bench.run(ms("08:00"), ms("20:00"), power=3.0)
    bench.shop.save(bench)
    Outbox.open(Store(path=path.parent / "outbox.db")).close(clean=True)
    with closing(sqlite3.connect(path.parent / "outbox.db")) as connection:
        write_lessons(connection, list(bench.kept.values()))
        connection.commit()
    monkeypatch.setattr("agent.cli.oee.ask", lambda http, path: {"records": []})
    assert main(["oee", "-c", str(path), "--day", str(DAY), "--lang", "en"]) == 0
    assert "lathe-01" in capsys.readouterr().out
