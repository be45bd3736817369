"""How much of a row is run: a few rounds in `make test`, all of them in `make test-faults`."""

from __future__ import annotations

import os

SCALE = "CHULIAN_FAULTS_SCALE"
"""Share of the full number of rounds, 1 being all; not set: the short form."""
SEED = "CHULIAN_FAULTS_SEED"
"""What all chance of a run comes from; not set: chance itself."""


def rounds(*, short, full):
    """Give how many rounds to run; a share of the full number is never less than the short one."""
    share = os.environ.get(SCALE)
    return short if share is None else max(short, round(full * float(share)))


def is_full():
    """Tell whether this is `make test-faults`: rounds may take minutes."""
    return SCALE in os.environ
