"""What servers declare, and what is made of it."""

from __future__ import annotations

import pytest

from drivers.opcua.calls import UNLIMITED, Limits
from drivers.opcua.limits import declare, met


@pytest.mark.parametrize("nothing", [0, None, "", "100", True, -1, 2.5])
def test_what_says_nothing_limits_nothing(nothing):
    """0, absent, text: the server did not say, which is not none at all."""
    limits = Limits()
    declare(limits, {"read": nothing, "monitor": nothing})
    assert (limits.read, limits.monitor) == (UNLIMITED, UNLIMITED)
    assert met(limits) == {}


def test_declared_limits_hold():
    """A number is a limit, and never lifts one that was learned."""
    limits = Limits(monitor=50)
    declare(limits, {"read": 10, "monitor": 1000, "items_per_subscription": 300, "queue": 1})
    assert met(limits) == {"read": 10, "monitor": 50, "items_per_subscription": 300, "queue": 1}
