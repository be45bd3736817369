"""What the rows of the fault matrix share: chance that can be had again, and all their time."""

from __future__ import annotations

import os
import random
import zlib

import pytest
from faults.scale import SEED, is_full

UNBOUNDED = pytest.mark.timeout(0)
"""In `make test-faults` the runner bounds a row, by its own figure."""


def pytest_collection_modifyitems(items):
    """Lift the limit of a test's time where all rounds are run."""
    if is_full():
        for item in items:
            item.add_marker(UNBOUNDED, append=False)


@pytest.fixture
def dice(request):
    """Give chance from a seed that is told; the same seed is the same run, test by test."""
    told = os.environ.get(SEED)
    base = random.SystemRandom().randrange(2**32) if told is None else int(told)
    seed = base ^ zlib.crc32(request.node.nodeid.encode())
    print(f"seed {base}")
    request.node.user_properties.append(("seed", base))
    return random.Random(seed)
