"""What is told of sealed days: the digest at once, the indicator once, whatever happens between."""

from __future__ import annotations

import json
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from unit.agent.indicator.conftest import LAST, worked

from agent.config.model import Store
from agent.config.shifts import Shifts
from agent.indicator.dayrate import DayRate
from agent.indicator.keeper import DAILY, KEPT_IN, Indicators, key_of, remembered, too_old
from agent.kpi.calendar import ShopCalendar
from agent.kpi.digest import KEPT_IN as CHAIN
from agent.kpi.digest import DigestChain
from agent.kpi.signing import KeyInHand
from agent.ledger.entry import Source
from agent.ledger.journal import Journal, journal_path
from agent.ledger.records import Declared

KEY = KeyInHand(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
CALENDAR = ShopCalendar(Shifts(), "Asia/Shanghai")


def sealed(days):
    """Give the lessons of a chain over some records, sealed when all of it is due."""
    until = CALENDAR.span(max(one.day for one in days) + timedelta(days=1)).until_ns
    chain = DigestChain()
    made = chain.seal_due(days, now_ms=until // 1_000_000, calendar=CALENDAR, key=KEY)
    return [(CHAIN, f"{one.nr:08d}", one.line().decode(), 1) for one in made]


class Bench:
    """Indicators over a store that is a list."""

    def __init__(self, config, lessons=()):
        self.lessons, self.told = list(lessons), []
        self.indicators = Indicators(config, self.lessons, self.tell)

    def tell(self, kind, **fields):
        self.told.append((kind, fields["day"]))

    def put_lessons(self, rows):
        kept = {row[:2]: row for row in [*self.lessons, *rows]}
        self.lessons = [row for row in kept.values() if row[2]]

    async def catch_up(self, judge, since=date.min):
        await self.indicators.catch_up(self, judge, since=since, now_ms=2)


@pytest.fixture
def kept(config, tmp_path):
    """The shop, with a place for its journal."""
    return config.model_copy(update={"store": Store(path=tmp_path / "store.db")})


async def test_a_sealed_day_is_told_and_remembered_once(kept, judge):
    """Digest first, then the indicator; looking again, or starting again, tells nothing more."""
    days = worked("d1", 1)
    bench, rows = Bench(kept), sealed(days)
    bench.put_lessons(rows)
    bench.indicators.sealed(rows)
    await bench.catch_up(judge(days))
    first = [(kind, day) for kind, day in bench.told if day == LAST.isoformat()]
    assert first == [("digest", LAST.isoformat()), ("indicator", LAST.isoformat())]
    assert [one.day for one in remembered(bench.lessons)] == [LAST, LAST + timedelta(days=1)][
        : len(rows)
    ]
    count = len(bench.told)
    await bench.catch_up(judge(days))
    again = Bench(kept, bench.lessons)
    await again.catch_up(judge(days))
    assert (len(bench.told), again.told) == (count, [])
    assert again.indicators.key == key_of(bench.lessons) == KEY.public


async def test_what_a_crash_kept_back_is_told_at_the_next_start(kept, judge):
    """A digest that was stored without its indicator brings it when the agent comes again."""
    days = worked("d1", 1)
    bench = Bench(kept, sealed(days))
    await bench.catch_up(judge(days))
    assert ("indicator", LAST.isoformat()) in bench.told


async def test_a_supplement_brings_another_indicator(kept, judge):
    """Late data for a day that was told already have its rate told again, and kept anew."""
    days = worked("d1", 1)
    bench, rows = Bench(kept), sealed(days)
    bench.indicators.sealed(rows)
    await bench.catch_up(judge([]))
    bench.indicators.sealed(rows[:1])
    await bench.catch_up(judge(worked("d1", 5)))
    assert bench.told.count(("indicator", LAST.isoformat())) == 2
    found = {one.day: one for one in remembered(bench.lessons)}
    assert found[LAST].verified == (1, 3)


async def test_a_day_too_old_is_said_and_not_told(kept, judge, caplog):
    """Without the whole window in memory no figure is told, and the log says so."""
    bench = Bench(kept, sealed(worked("d1", 1)))
    with caplog.at_level("WARNING"):
        await bench.catch_up(judge([]), since=LAST + timedelta(days=9))
    assert bench.told == []
    assert "too old for an indicator" in caplog.text


async def test_the_journal_is_named_by_its_last_hash(kept, judge):
    """An indicator says which state of the ledger's journal it knew."""
    Journal(journal_path(kept.store.path)).record(
        Declared.of(kept), at_ms=1, day=LAST - timedelta(days=9), who="x", source=Source.CONFIG
    )
    last = json.loads(journal_path(kept.store.path).read_text("utf-8").splitlines()[-1])["hash"]
    sums = []
    indicators = Indicators(
        kept, sealed(worked("d1", 1)),
        lambda _, **fields: sums.append(fields["sum"]["journal"]),
    )  # fmt: skip
    store = SimpleNamespace(put_lessons=lambda rows: None)
    await indicators.catch_up(store, judge([]), since=date.min, now_ms=1)
    assert set(sums) == {last}


def test_history_is_bounded_and_keeps_the_last_of_each_month():
    """Beyond 400 days only the last day of a month is kept."""
    days = [LAST - timedelta(days=n) for n in range(DAILY + 100)]
    gone = set(too_old(days))
    left = [day for day in days if day not in gone]
    assert len(left) < DAILY + 5
    assert {(day.year, day.month) for day in left} == {(day.year, day.month) for day in days}
    assert too_old(days[:DAILY]) == []


def test_what_cannot_be_read_is_left_aside(kept, judge, caplog):
    """A damaged remembered rate is told in the log and stops nothing."""
    with caplog.at_level("WARNING"):
        assert remembered([(KEPT_IN, "2026-07-01", "{}", 1)]) == []
    assert "left aside" in caplog.text
    assert Indicators(kept, [], lambda *_: None).history() == {"days": [], "months": []}
    assert isinstance(judge([])(kept, LAST).rules, str)
    with pytest.raises(ValueError, match="not the rate of a day"):
        DayRate.of_document({})
