"""S11: the file system turns read-only under the store, as Linux does when a card fails.

Needs root to mount an ext4 of its own; the fallback is `test_failing_disk` (writes that fail).
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess

import pytest
from faults.store.plant import Plant, mount, unmount
from unit.agent.store.patience import until

from agent.store.inspect import report
from agent.store.intake import MAX_PENDING_FRAMES

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mkfs.ext4") is None,
    reason="mounting an ext4 needs root; fallback: test_failing_disk",
)
IMAGE_BYTES = 64_000_000
MOST_GROWTH_MB = 40


@pytest.fixture
def disk(tmp_path):
    """An ext4 of its own, in a file."""
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    try:
        mount("-o", "loop", image, place)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no loop mount here ({error.stderr!r}); fallback: test_failing_disk")
    yield image, place
    unmount(place)


async def test_a_disk_turned_read_only_is_told_of_and_read_on(disk, figure):
    """Data is not accepted, memory stays bounded, rows are still sent; mounted anew, all is there.

    The agent does not end of itself: it would only be started again, on a disk that refuses.
    """
    image, place = disk
    plant = Plant(place)
    await plant.give(60)
    await plant.writer.flush()
    stored = len(plant.accepted)
    assert stored == plant.given
    mount("-o", "remount,abort", place)
    before_mb = peak_mb()
    assert await plant.give(2000), "the disk refuses"
    await plant.hand_in(200)
    rows = await plant.writer.read((1, 5), max_bytes=10**6)
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    status = plant.writer.status()
    assert status.problem
    assert 0 < plant.writer.pending_frames <= MAX_PENDING_FRAMES
    assert plant.failures == []
    figure("memory taken meanwhile, MB", round(peak_mb() - before_mb, 1))
    assert peak_mb() - before_mb < MOST_GROWTH_MB
    accepted = plant.numbers
    await plant.writer.close()
    await until(lambda: plant.failures, within_s=20)
    unmount(place)
    mount("-o", "loop", image, place)
    again = report(place / "s.db")
    assert again.sound
    assert again.found.rows >= len(accepted) >= stored
    assert accepted == list(range(1, len(accepted) + 1))


def peak_mb():
    """Give the most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
