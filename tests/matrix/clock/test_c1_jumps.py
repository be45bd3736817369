"""C1: the wall clock jumps while the gateway runs: nothing is lost, reordered or fired anew."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from matrix.clock.boxes import READ_MS, box, counts, disagreements_ms, polls
from system.loads import INTERVAL_S

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(240)]

HOUR_S, YEAR_S = 3600, 365 * 86_400
DATES = {
    "1970": datetime(1970, 1, 1, 0, 1, tzinfo=UTC),
    "2038": datetime(2038, 1, 19, 3, 14, 6, tzinfo=UTC),
    "2106": datetime(2106, 2, 7, 6, 28, 14, tzinfo=UTC),
}
"""Where 32 bits of seconds run over, two seconds later."""
SOME = ("-1 y", "1970", "2106")
ALL = ("+1 h", "-1 h", "+1 y", "-1 y", *DATES)
POLLS = 15
"""Polls made on every wrong time."""
DRIFT_POLLS = 1


def jumps(names):
    """Give name and offset from the true time of some jumps, and the way back."""
    now_s = time.time()
    dates = {name: round(date.timestamp() - now_s) for name, date in DATES.items()}
    near = {"+1 h": HOUR_S, "-1 h": -HOUR_S, "+1 y": YEAR_S, "-1 y": -YEAR_S}
    return {name: (near | dates)[name] for name in names} | {"back": 0}


@pytest.mark.parametrize(
    "names", [SOME, pytest.param(ALL, marks=pytest.mark.long)], ids=["some", "all"]
)
async def test_c1_the_clock_jumps_and_nothing_happens(tmp_path, report, figure, names):
    """C1: after jumps of an hour, a year and to the ends of time every value has its true time."""
    drifts = {}
    async with box(tmp_path, synchronised=True) as gateway:
        gateway.agent.start()
        await gateway.connected()
        await gateway.collects(POLLS)
        # since before the first of them: what a busy box leaves out is counted with a later poll
        began_s = time.monotonic()
        before = polls(await gateway.agent.up())
        for name, offset_s in jumps(names).items():
            gateway.clock.synchronise(now=not offset_s)  # as a kernel whose clock is set by hand
            gateway.clock.move(offset_s)
            seen = await gateway.collects(POLLS)
            due = (time.monotonic() - began_s) / INTERVAL_S
            drifts[name] = polls(seen) - before - due
            assert seen["destinations"][0]["connected"], f"{name}: the connection was lost"
        books = await gateway.ends()
    found = counts(books.rows)
    assert found == sorted(found), "reordered"
    off = disagreements_ms(books.rows)
    spread_ms = max(off) - min(off)
    steps = books.events("clock_step")
    report(
        f"jumps={len(drifts)} rows={len(books.rows)} lost=0 spread_ms={spread_ms:.0f} "
        f"drift_polls={min(drifts.values()):+.1f}..{max(drifts.values()):+.1f} "
        f"events={len(steps)} steps={sum(e['steps'] for e in steps)}"
    )
    figure("jumps", len(drifts))
    figure("rows", len(books.rows))
    figure("spread of times, ms", round(spread_ms))
    figure("polls too many, at most", round(max(drifts.values()), 1))
    assert spread_ms <= READ_MS
    assert max(drifts.values()) <= DRIFT_POLLS, "a storm of polls"
    assert 1 <= len(steps) <= len(drifts)
    assert abs(sum(e["by_ms"] for e in steps)) <= 2000, "the steps told add up to none"


@pytest.mark.parametrize(
    ("by_s", "moves"),
    [(-1, 4), pytest.param(-1, 30, marks=pytest.mark.long),
     pytest.param(1, 30, marks=pytest.mark.long)],
)  # fmt: skip
async def test_c3_a_second_again_and_again(tmp_path, report, figure, by_s, moves):
    """C3: a clock moved by a second every second, as at a leap second, loses nothing."""
    async with box(tmp_path, synchronised=True) as gateway:
        gateway.agent.start()
        await gateway.connected()
        for number in range(1, moves + 1):
            gateway.clock.move(by_s * number)
            await gateway.collects(round(1 / INTERVAL_S))
        seen = await gateway.agent.up()
        books = await gateway.ends()
    found = counts(books.rows)
    assert found == sorted(found), "reordered"
    steps = books.events("clock_step")
    negative = [d for d in seen["devices"] if d["last_data_ms"] > seen["now_ms"] + 1000]
    report(f"moves={moves} rows={len(books.rows)} lost=0 events={len(steps)}")
    figure("jumps", moves)
    figure("rows", len(books.rows))
    assert negative == []
    assert 1 <= len(steps) <= moves
    assert seen["clock"] == "sync"
    assert not books.events("settled")
