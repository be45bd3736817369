"""Regions, targets and rounding: exact figures, worked examples."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.kpi.rates import NullReason
from agent.kpi.region import (
    CLOUD_TARGET,
    RATE_TARGET,
    EnterpriseRate,
    percent_text,
    region,
    weighted_mean,
)


def test_region():
    """Example F: three assessed of four give mean 62.22, pooled 37.78, floor 46.67."""
    found = region(
        [
            EnterpriseRate(Fraction(2, 3), 4),
            EnterpriseRate(Fraction(1), 1),
            EnterpriseRate(Fraction(1, 5), 10),
            EnterpriseRate(None, 3),
        ]
    )
    assert percent_text(found.mean_ent) == "62.22"
    assert found.pooled == Fraction(17, 45)
    assert percent_text(found.pooled) == "37.78"
    assert percent_text(found.floor) == "46.67"
    assert (found.assessed, found.in_scope) == (3, 4)


def test_weighted_by_revenue():
    """Example F: weighted by revenue 12, 3, 85 the same three are 28.00."""
    rates = (Fraction(2, 3), 12), (Fraction(1), 3), (Fraction(1, 5), 85)
    assert percent_text(weighted_mean(rates)) == "28.00"


def test_no_key_process_is_in_scope_not_assessed():
    """Example E: an enterprise without key process lowers the floor and nothing else."""
    found = region([EnterpriseRate(Fraction(1), 2), EnterpriseRate(NullReason.NO_KEY_PROCESS, 0)])
    assert (found.mean_ent, found.pooled, found.floor) == (1, 1, Fraction(1, 2))
    assert (found.assessed, found.in_scope) == (1, 2)


def test_empty_region():
    """A region without enterprises, or without assessed ones, has no mean and says why."""
    assert region([]).floor is NullReason.NO_ENTERPRISE_IN_SCOPE
    silent = region([EnterpriseRate(None, 1)])
    assert silent.mean_ent is silent.pooled is NullReason.NO_ENTERPRISE_ASSESSED
    assert silent.floor == 0


@pytest.mark.parametrize(
    ("rate", "text", "met"),
    [
        (Fraction(29999, 40000), "75.00", False),
        (Fraction(2999, 4000), "74.98", False),
        (Fraction(3, 4), "75.00", True),
    ],
)
def test_target_compares_the_fraction(rate, text, met):
    """Example G: what displays as 75.00 may still miss the target of 75."""
    assert percent_text(rate) == text
    assert RATE_TARGET.met(rate) is met


def test_cloud_target_must_be_exceeded():
    """More than 50 is asked for the cloud: 50 exactly fails."""
    assert CLOUD_TARGET.met(Fraction(1, 2)) is False
    assert CLOUD_TARGET.met(Fraction(501, 1000)) is True


def test_no_rate_neither_meets_nor_misses():
    """A rate that cannot be given is not compared."""
    assert RATE_TARGET.met(NullReason.NO_KEY_PROCESS) is None


@pytest.mark.parametrize(
    ("rate", "places", "text"),
    [
        (Fraction(625, 1000), 0, "63"),
        (Fraction("0.02675"), 2, "2.68"),
        (Fraction(2999, 4000), 1, "75.0"),
        (Fraction(0), 2, "0.00"),
        (Fraction(1), 2, "100.00"),
        (Fraction(1, 2000), 2, "0.05"),
    ],
)
def test_halves_round_up(rate, places, text):
    """Example G: 62.5 is 63 and 2.675 is 2.68, where floats and banker's rounding say less."""
    assert percent_text(rate, places=places) == text


@given(st.integers(0, 10**6), st.integers(0, 4))
def test_rounding_agrees_with_decimal(parts, places):
    """Rounding equals ROUND_HALF_UP of the decimal library wherever the share is a decimal."""
    exact = Decimal(parts) / Decimal(10**4)
    expected = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    assert percent_text(Fraction(parts, 10**6), places=places) == str(expected)
