"""Size tiers, development zones, clusters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.codes.cluster import cluster_table, parse_cluster
from agent.config.codes.park import parse_park
from agent.config.codes.size import above_threshold, scale, wanted_level


@pytest.mark.parametrize(
    ("staff", "revenue_wan", "tier", "above"),
    [
        (30, 1200, "small", False),
        (30, 2500, "small", True),
        (30, 250, "micro", False),
        (1200, 30_000, "medium", True),
        (18, 5000, "micro", True),
        (1000, 40_000, "large", True),
        (999, 40_000, "medium", True),
        (300, 2000, "medium", True),
        (299, 2000, "small", True),
        (300, 1999.99, "small", False),
        (20, 300, "small", False),
        (19, 300, "micro", False),
        (0, 0, "micro", False),
    ],
)
def test_scale_and_threshold(staff, revenue_wan, tier, above):
    """Both figures must reach a tier, bounds included; 20 million yuan alone decide 规上."""
    assert (scale(staff, revenue_wan), above_threshold(revenue_wan)) == (tier, above)


def test_a_missing_figure_gives_no_tier():
    """What is not stated is unknown, not small."""
    assert scale(None, 5000) is None
    assert scale(30, None) is None
    assert above_threshold(None) is None
    assert wanted_level(None) is None


@pytest.mark.parametrize(
    ("output_wan", "level"),
    [
        (1999.99, None), (2000, "L2"), (9999.99, "L2"), (10_000, "L3"), (99_999, "L3"),
        (100_000, "L4"), (499_999, "L4"), (500_000, "L5"), (0, None),
    ],
)  # fmt: skip
def test_level_by_output_value(output_wan, level):
    """0.2, 1, 10 and 50 hundred million yuan begin L2 to L5, and belong to the upper level."""
    assert wanted_level(output_wan) == level


@pytest.mark.parametrize(
    ("text", "code", "name", "problems"),
    [
        ("G421001", "G421001", "", []),
        ("ｓ42 7001", "S427001", "", []),
        ("武汉东湖新技术开发区", "", "武汉东湖新技术开发区", []),
        ("G111001", "G111001", "", ["park_outside"]),
        ("G4210", "G4210", "", ["park_form"]),
    ],
)
def test_park(text, code, name, problems):
    """A zone may be given by code or by name; only a code can have a doubtful form."""
    found = parse_park(text)
    assert (found.code, found.name, [one.id for one in found.problems]) == (code, name, problems)


def test_cluster_by_name_or_code():
    """Each cluster of the table is found by both, and what is not there is unknown, not wrong."""
    for code, name in cluster_table().names.items():
        assert parse_cluster(code).code == parse_cluster(name).code == code
    unknown = parse_cluster("低空经济")
    assert (unknown.code, unknown.name) == ("", "低空经济")
    assert [one.severity for one in unknown.problems] == ["warning"]


def test_the_cluster_table_says_what_it_is():
    """The table bears its version, its source, and that it is not complete."""
    table = cluster_table()
    assert table.version
    assert "51020" in table.source
    assert table.complete is False


@given(st.text(max_size=12))
def test_any_text_gives_an_answer(text):
    """Nothing a person can type makes a lookup fail."""
    assert parse_park(text) is not None
    assert parse_cluster(text) is not None
