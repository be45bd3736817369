"""A device's day in the store: whole, beside days of before, and found in a damaged file."""

from __future__ import annotations

from unit.agent.kpi.shopdays import observer, play, series
from unit.agent.store.outboxes import data, settings

from agent.kpi.deviceday import DeviceDay
from agent.store.heritage import heritage
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox

BARE = ("old", "2026-07-01", 5, True, 1, 1, 2)


def kept(tmp_path):
    into = observer("cnc")
    for day in range(3):
        play(into, "cnc", day, series(day, 300))
    rows = [one.row() for one in into.drain()]
    store = settings(tmp_path)
    outbox = Outbox.open(store)
    outbox.commit(Batch(rows=[data(1, b"x" * 3000)], evidence=[*rows, BARE]))
    outbox.close(clean=True)
    return store, rows


def test_a_day_is_kept_whole(tmp_path):
    """What was observed is read back equal, also days without the parts that came later."""
    store, rows = kept(tmp_path)
    outbox = Outbox.open(store)
    assert outbox.evidence() == [*rows, BARE]
    assert [DeviceDay.of(row).row() for row in outbox.evidence()[:3]] == rows
    outbox.close(clean=True)


def test_days_are_found_in_a_damaged_file(tmp_path):
    """With the first page gone, records are found page by page, each under its checksum."""
    store, rows = kept(tmp_path)
    with store.path.open("r+b") as file:
        file.write(b"\xaa" * 200)
    found = heritage(store.path).evidence
    assert sorted(found) == sorted([*rows, BARE])
