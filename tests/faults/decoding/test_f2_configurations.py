"""F2: a million broken configurations: refused with place and text, and never anything else."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

import pytest
from faults.decoding.configurations import feed, prepare
from faults.scale import is_full, rounds

CHUNK = 5000
MOST_TOLERATED = 0.6
"""Share of changes that may leave a configuration whole: the others prove something."""


WAYS = {"text": (20, 5_000), "tree": (60, 20_000), "part": (2_000, 975_000)}
"""How many go each way, in short and in full."""


@pytest.mark.parametrize("way", WAYS)
def test_f2_broken_configurations_are_only_ever_told(tmp_path, dice, figure, way):
    """Whatever is changed, the answer is a configuration or problems one can print."""
    short, full = WAYS[way]
    wanted = rounds(short=short, full=full)
    sizes = [CHUNK] * (wanted // CHUNK) + [wanted % CHUNK]
    seeds = [dice.randrange(2**32) for _ in sizes]
    began_s = time.monotonic()
    if is_full():
        refused = _on_every_core(way, sizes, seeds, tmp_path)
    else:
        prepare(tmp_path)
        refused = sum(
            feed(way, size, seed, tmp_path) for size, seed in zip(sizes, seeds, strict=True)
        )
    figure(f"configurations by {way}", wanted)
    figure("refused", refused)
    figure("seconds", round(time.monotonic() - began_s))
    assert refused >= wanted * (1 - MOST_TOLERATED)


def _on_every_core(way, sizes, seeds, folder):
    """Share the work among processes, each in a folder of its own."""
    fresh = multiprocessing.get_context("spawn")
    places = [folder / str(at) for at in range(len(sizes))]
    for place in places:
        prepare(place)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=fresh) as cores:
        return sum(cores.map(feed, repeat(way), sizes, seeds, places))
