"""S9, S10: disks that are really full: one that the store has filled itself, one that others have.

Needs root to mount a small tmpfs; without it `tests/unit/agent/store/test_writer.py` and
`test_full_disk.py` are the fallback (SQLite's own bound, and a limit on the size of files).
"""

from __future__ import annotations

import asyncio
import os
import time

import pytest
from faults.scale import is_full, rounds
from faults.store.plant import Plant, mount, unmount
from unit.agent.store.patience import until

from agent.store.inspect import report

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="mounting needs root; fallback: tests/unit/agent/store/test_full_disk"
)
DISK_MB = 40
RESUME_S = 5.0
"""From room on the disk to the next commit."""


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, of 40 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", place)
    yield place
    unmount(place)


async def test_a_disk_filled_by_others_stops_accepting_and_nothing_else(disk):
    """Rows go out and are acknowledged meanwhile; data is accepted again once there is room."""
    plant = Plant(disk)
    await plant.give(100)
    await plant.writer.flush()
    hog = fill(disk)
    filling = asyncio.create_task(plant.give(100_000))
    await until(lambda: plant.writer.status().problem, within_s=20)
    assert await filling
    assert not (disk / "s.db.ballast").exists()
    before = plant.writer.status()
    rows = await plant.writer.read((1, 3), max_bytes=10**6)
    assert [r.seq for r in rows] == [1, 2, 3]
    plant.writer.put_acked([(1, 30)])
    await until(lambda: plant.writer.status().acked.rows == 30, within_s=20)
    assert before.dropped.rows == 0
    hog.unlink()
    await until(lambda: plant.writer.status().problem is None, within_s=25)
    await plant.writer.flush()
    assert plant.numbers == list(range(1, plant.given + 1))
    assert plant.failures == []
    await plant.writer.close()
    assert report(disk / "s.db").sound


async def test_data_is_accepted_again_soon_after_room_is_made(disk, figure):
    """With nothing sent meanwhile nothing gives way; 5 s after there is room, it goes on."""
    worst_s = 0.0
    plant = Plant(disk)
    await plant.give(20)
    await plant.writer.flush()
    for _ in range(rounds(short=1, full=20)):
        hog = fill(disk)
        filling = asyncio.create_task(plant.give(100_000))
        await until(lambda: plant.writer.status().problem, within_s=30)
        assert await filling
        hog.unlink()
        freed_s = time.monotonic()
        await until(lambda: plant.writer.status().problem is None, within_s=30)
        worst_s = max(worst_s, time.monotonic() - freed_s)
        await plant.writer.flush()
        assert plant.writer.status().dropped.rows == 0
        plant.writer.put_acked([(1, plant.given)])
        await until(lambda: plant.writer.status().waiting.rows == 0, within_s=30)
    assert plant.numbers == list(range(1, plant.given + 1))
    figure("resumed after, s", f"{worst_s:.2f}")
    assert worst_s < RESUME_S or not is_full()
    await plant.writer.close()
    assert plant.failures == []


def fill(disk):
    """Let others take all the room there is; give their file."""
    hog = disk / "hog"
    with hog.open("wb") as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"\0" * 100_000)
            file.flush()
    return hog


async def test_a_disk_filled_by_the_store_itself_drops_the_oldest_and_says_so(disk):
    """With nobody taking rows the oldest go, announced; the agent does not end."""
    plant = Plant(disk)
    for _ in range(40):
        await plant.give(30)
        if plant.outbox.causes:
            break
        await asyncio.sleep(0.2)
    await until(lambda: plant.outbox.causes, within_s=30)
    await until(lambda: plant.writer.status().problem is None, within_s=30)
    await plant.writer.flush()
    status = plant.writer.status()
    assert status.balanced
    assert status.dropped.rows > 0
    assert plant.gone[0][0] == 1
    assert plant.numbers == list(range(1, plant.given + 1))
    await plant.writer.close()
    assert plant.failures == []
    found = report(disk / "s.db")
    assert found.sound
    assert found.causes["size"] == found.totals.dropped
