"""The recomputed rate against worked examples: numbers in, rate out."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.platform.evidence import Evidence, is_control_metric, local_day
from simulators.platform.rate import METHODS, Machine, compute, formulas, needed_days
from simulators.platform.rows import Point

TODAY = date(2026, 11, 23)
NOON_MS = 1_795_406_400_000  # 2026-11-23 12:00 in Shanghai
DAY_MS = 86_400_000
RULES = {
    "rules": "1",
    "method": "mean",
    "control_set": "strict",
    "period_days": 30,
    "min_days": 5,
    "min_day_share": 0.5,
    "scheduled_days": 10,
    "control_metrics": ["spindle.", "program.name"],
}


def meta(machines, processes=("p1",), *, kind="discrete", extra=None, **rules):
    """A meta message: machines as {id: (control type, processes, device)}."""
    return {
        "enterprise": {"id": "acme", "industry_kind": kind},
        "ledger": {
            "processes": [
                {"id": item, "key": True} if isinstance(item, str) else item for item in processes
            ],
            "equipment": [
                {"id": name, "control_type": c, "processes": list(p), "device": d}
                | (extra or {}).get(name, {})
                for name, (c, p, d) in machines.items()
            ],
        },
        "rate": RULES | rules,
    }


def worked(evidence, device, *, days=10, metric="spindle.speed", quality="g", values=(1, 2)):
    """Let a device deliver two values on each of the last days."""
    for back in range(days):
        times = [NOON_MS - back * DAY_MS + n for n in range(len(values))]
        points = [Point(metric, t, v, quality, "") for t, v in zip(times, values, strict=True)]
        evidence.add(device, points, zone="Asia/Shanghai")


SHOP = {
    **{f"L{n}": ("CNC", ["turn"], f"l{n}") for n in range(1, 5)},
    **{f"L{n}": ("manual", ["turn"], None) for n in (5, 6)},
    **{f"V{n}": ("CNC", ["mill"], f"v{n}") for n in range(1, 4)},
    **{f"G{n}": ("manual", ["grind"], None) for n in (1, 2)},
    **{f"E{n}": ("NC", ["spark"], None) for n in (1, 2)},
}
SHOP_PROCESSES = (
    "turn",
    "mill",
    "grind",
    "spark",
    {"id": "heat", "key": True, "outsourced": "外协"},
    {"id": "inspect", "key": False},
)


@pytest.mark.parametrize(
    ("machines", "processes", "kind", "expected"),
    [
        (
            SHOP,
            SHOP_PROCESSES,
            "discrete",
            (Fraction(3, 4), Fraction(1, 2), Fraction(2, 3), Fraction(9, 13), Fraction(9, 13)),
        ),
        (
            {
                "a": ("PLC", ["mix"], None),
                "b": ("DCS", ["react"], None),
                "c": ("DCS", ["react"], None),
                "d": ("manual", ["dry"], None),
                "e": ("PLC", ["pack"], None),
            },
            ("mix", "react", "dry", "pack"),
            "process",
            (Fraction(3, 4), Fraction(3, 4), Fraction(3, 4), Fraction(4, 5), Fraction(4, 5)),
        ),
        (
            {"M1": ("CNC", ["p1", "p2"], None), "X1": ("manual", ["p2"], None)},
            ("p1", "p2"),
            "discrete",
            (Fraction(1), Fraction(1, 2), Fraction(3, 4), Fraction(2, 3), Fraction(1, 2)),
        ),
        (
            {"T1": ("CNC", ["turn"], None)},
            ("turn", "asm"),
            "discrete",
            (Fraction(1, 2), Fraction(1, 2), Fraction(1, 2), Fraction(1), Fraction(1)),
        ),
        ({"T1": ("CNC", ["turn"], None)}, (), "discrete", (None,) * 5),
        ({}, ("turn",), "discrete", (Fraction(0), Fraction(0), Fraction(0), None, None)),
    ],
    ids=["A-shop", "B-process", "C-shared", "D-manual", "E-no-process", "no-machine"],
)
def test_declared_examples(machines, processes, kind, expected):
    """The five formulas give the worked examples' exact fractions."""
    rate = compute(meta(machines, processes, kind=kind), Evidence(), today=TODAY)
    assert tuple(rate.declared[method] for method in METHODS) == expected


def test_verified_example():
    """Shop A with data from six of its nine NC machines: verified drops, declared stays."""
    evidence = Evidence()
    for device in ("l1", "l2", "l3", "v1", "v2", "v3"):
        worked(evidence, device)
    rate = compute(meta(SHOP, SHOP_PROCESSES), evidence, today=TODAY)
    verified = tuple(rate.verified[method] for method in METHODS)
    assert verified == (
        Fraction(1, 2),
        Fraction(1, 4),
        Fraction(3, 8),
        Fraction(6, 13),
        Fraction(6, 13),
    )
    assert rate.adjusted == rate.declared


@pytest.mark.parametrize(
    ("control_set", "expected"), [("strict", Fraction(1, 2)), ("broad", Fraction(1))]
)
def test_a_plc_counts_in_the_broad_set_only(control_set, expected):
    """A PLC in a discrete plant counts in the broad set and not in the strict one."""
    machines = {"press": ("PLC", ["p1"], None), "cnc": ("CNC", ["p2"], None)}
    described = meta(machines, ("p1", "p2"), control_set=control_set)
    assert compute(described, Evidence(), today=TODAY).declared["mean"] == expected


@pytest.mark.parametrize(
    ("work", "status"),
    [
        ({"days": 5}, "verified"),
        ({"days": 4}, "unverified"),
        ({"values": (7, 7)}, "unverified"),
        ({"metric": "power.active"}, "unverified"),
        ({"metric": "program.name", "values": ("O1", "O2")}, "verified"),
        ({"metric": "program.name.x"}, "unverified"),
        ({"quality": "u"}, "unverified"),
        ({"quality": "b"}, "unverified"),
        ({"values": (None, None)}, "unverified"),
    ],
)
def test_what_verifies_a_machine(work, status):
    """Enough good days, a change and a value only a controller can tell, or it is unverified."""
    evidence = Evidence()
    worked(evidence, "d1", **work)
    rate = compute(meta({"M": ("CNC", ["p1"], "d1")}), evidence, today=TODAY)
    assert rate.machines[0].status == status
    assert rate.verified["mean"] == Fraction(status == "verified")


def test_two_machines_on_one_device_contradict_each_other():
    """Two declared machines that name the same device are contradicted and leave `adjusted`."""
    evidence = Evidence()
    worked(evidence, "d1")
    machines = {name: ("CNC", ["p1"], "d1") for name in "ab"} | {"c": ("manual", ["p1"], "d1")}
    rate = compute(meta(machines), evidence, today=TODAY)
    assert [m.status for m in rate.machines] == ["contradicted", "contradicted", "not_claimed"]
    assert (rate.declared["pool"], rate.adjusted["pool"], rate.verified["pool"]) == (
        Fraction(2, 3),
        0,
        0,
    )


@pytest.mark.parametrize(
    ("scheduled", "needed", "assessable"), [(22, 11, True), (6, 5, True), (4, 5, False)]
)
def test_needed_days(scheduled, needed, assessable):
    """Needed days are max(5, half, rounded up); fewer scheduled than 5 cannot be assessed."""
    described = meta({"M": ("CNC", ["p1"], "d")}, scheduled_days=scheduled)
    rate = compute(described, Evidence(), today=TODAY)
    assert (rate.needed_days, rate.assessable) == (needed, assessable)
    assert (rate.verified["mean"] is None) is not assessable
    assert rate.declared["mean"] == 1


def test_the_share_is_the_decimal_it_shows():
    """0.1 of 30 days is 3 days, not 4: a float's hidden digits do not ask for one more."""
    assert needed_days(RULES | {"min_day_share": 0.1, "scheduled_days": 30, "min_days": 1}) == 3


def test_window_ends_today_and_is_period_days_long():
    """Days before the window do not count, the first day of the window does."""
    evidence = Evidence()
    worked(evidence, "d1", days=40)
    described = meta({"M": ("CNC", ["p1"], "d1")}, period_days=30)
    assert compute(described, evidence, today=TODAY).machines[0].proof.good_days == 30


def test_retired_machines_and_old_processes_do_not_count():
    """Only equipment in service and processes valid today count; both ends are included."""
    machines = {name: ("CNC", ["p1"], None) for name in "abc"}
    extra = {
        "a": {"in_service_to": "2026-11-22"},
        "b": {"in_service_to": "2026-11-23"},
        "c": {"in_service_from": "2026-11-24"},
    }
    processes = ("p1", {"id": "p2", "key": True, "valid_to": "2026-11-22"})
    rate = compute(meta(machines, processes, extra=extra), Evidence(), today=TODAY)
    assert [machine.id for machine in rate.machines] == ["b"]
    assert rate.declared["mean"] == 1


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Machine,
            st.uuids().map(str),
            st.none(),
            st.frozensets(st.sampled_from("pqrs")),
            st.booleans(),
            st.sampled_from(["verified", "unverified"]),
            st.none(),
        ),
        max_size=12,
    ),
    st.lists(st.sampled_from("pqrst"), unique=True),
)
def test_all_is_at_most_mean_at_most_any(machines, processes):
    """The order all <= mean <= any always holds; fewer machines never raise a rate."""
    rates = formulas(processes, machines, lambda m: m.declared)
    fewer = formulas(processes, machines, lambda m: m.declared and m.status == "verified")
    if processes:
        assert 0 <= rates["all"] <= rates["mean"] <= rates["any"] <= 1
    for method in METHODS:
        assert rates[method] is fewer[method] is None or fewer[method] <= rates[method]


@settings(deadline=None)
@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)), st.integers(0, 86_399_999))
def test_local_day_is_shanghais(day, time_ms):
    """The day of a value is Shanghai's calendar day (modern offset, +8 h)."""
    utc_ms = (day - date(1970, 1, 1)) // timedelta(days=1) * DAY_MS + time_ms - 8 * 3_600_000
    if not 1986 <= day.year <= 1991:  # summer time was tried then
        assert local_day(utc_ms, "Asia/Shanghai") == day


def test_control_metrics_are_names_or_prefixes():
    """An entry ending in a dot is a prefix, any other the whole name."""
    entries = ["axis.", "machine.mode"]
    names = ["axis.x.load", "axis", "axisx", "machine.mode", "machine.mode.x", "machine"]
    assert [is_control_metric(name, entries) for name in names] == [
        True,
        False,
        False,
        True,
        False,
        False,
    ]
