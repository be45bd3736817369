"""The platform stand-in, which shares no code with the agent, computes the same rates."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from agent.config.destination import Destination
from agent.config.ledger import (
    ControlSet,
    ControlType,
    Enterprise,
    Equipment,
    IndustryKind,
    Process,
    Rate,
)
from agent.config.model import AgentConfig, Gateway
from agent.kpi.days import Calendar
from agent.kpi.evidence import CONTROL_METRICS, RULES
from agent.kpi.observe import Observer
from agent.kpi.rates import NullReason
from agent.kpi.result import compute
from drivers.api import Frame, Quality
from simulators.platform import rate as platform
from simulators.platform.evidence import Evidence
from simulators.platform.rows import Point

ZONE = "Asia/Shanghai"
AS_OF = date(2026, 7, 31)
MS = 1_000_000
NAMES = {
    "d0": ("program.line", "power.active"),
    "d1": ("machine.state", "axis.x.position"),
    "d2": ("power.active", "energy.total"),
}
"""Two machines with a controller, and a meter."""
DAYS = st.none() | st.none() | st.integers(-8, 8).map(lambda n: AS_OF + timedelta(days=n))


@st.composite
def configs(draw):
    """Random ledgers with random rules."""
    processes = tuple(
        Process(
            id=f"p{n}",
            key=draw(st.integers(0, 3)) > 0,
            outsourced=draw(st.sampled_from(["", "", "", "elsewhere"])),
            valid_from=draw(DAYS),
            valid_to=draw(DAYS),
        )
        for n in range(draw(st.integers(0, 4)))
    )
    ids = [p.id for p in processes]
    equipment = tuple(
        Equipment(
            id=f"m{n}",
            control_type=draw(st.sampled_from([ControlType.CNC, *ControlType])),
            processes=draw(st.lists(st.sampled_from(ids), unique=True)) if ids else (),
            device=draw(st.sampled_from([None, *NAMES])),
            in_service_from=draw(DAYS),
            in_service_to=draw(DAYS),
        )
        for n in range(draw(st.integers(0, 6)))
    )
    period = draw(st.integers(1, 6))
    return AgentConfig(
        gateway=Gateway(id="gw1"),
        enterprise=Enterprise(id="e1", industry_kind=draw(st.sampled_from(IndustryKind))),
        publish=(Destination(url="mqtt://127.0.0.1:1883"),),
        rate=Rate(
            control_set=draw(st.sampled_from(ControlSet)),
            period_days=period,
            min_days=draw(st.integers(1, 3)),
            min_day_share=draw(st.sampled_from([0, 0.1, 0.5, 0.7, 1])),
            scheduled_days=draw(st.none() | st.integers(1, period)),
        ),
        processes=processes,
        equipment=equipment,
    )


@st.composite
def frames(draw):
    """Random readings of the three devices over some days, in the order of their time."""
    noon = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 12, tzinfo=ZoneInfo(ZONE))
    noon_ms = int(noon.timestamp() * 1000)
    found = []
    for _ in range(draw(st.integers(0, 24))):
        time_ms = noon_ms - draw(st.integers(-1, 15)) * 43_200_000
        marks = draw(st.none() | st.lists(st.sampled_from([192, 64, 0]), min_size=2, max_size=2))
        found.append(
            Frame(
                draw(st.sampled_from(sorted(NAMES))),
                "g",
                time_ms * MS,
                tuple(draw(st.lists(st.integers(0, 1), min_size=2, max_size=2))),
                qualities=None if marks is None else bytes(marks),
            )
        )
    return sorted(found, key=lambda one: one.read_ns)


def meta_of(config):
    """Tell the platform what the agent's meta message tells."""
    rules = config.rate.model_dump(mode="json")
    rules["scheduled_days"] = rules["scheduled_days"] or rules["period_days"]
    return {
        "tz": ZONE,
        "enterprise": config.enterprise.model_dump(mode="json"),
        "ledger": {
            "processes": [p.model_dump(mode="json") for p in config.processes],
            "equipment": [e.model_dump(mode="json") for e in config.equipment],
        },
        "rate": rules | {"rules": RULES, "control_metrics": list(CONTROL_METRICS)},
    }


def arrived(frames_):
    """Give the platform the same values one by one, as a receiver unpacks them."""
    evidence = Evidence()
    words = {int(Quality.GOOD): "g", int(Quality.UNCERTAIN): "u", int(Quality.BAD): "b"}
    for one in frames_:
        marks = one.qualities or bytes([Quality.GOOD]) * 2
        evidence.add(
            one.device,
            [
                Point(metric=NAMES[one.device][at], time_ms=one.read_ns // MS, value=one.values[at],
                      quality=words[marks[at]], reason="")
                for at in range(2)
            ],
            zone=ZONE,
        )  # fmt: skip
    return evidence


def plain(figure):
    return None if isinstance(figure, NullReason) else figure


@given(configs(), frames())
def test_platform_comes_to_the_same_rates(config, seen):
    """From equal values and an equal ledger both compute equal fractions, and equal standings."""
    observer = Observer({(device, "g"): names for device, names in NAMES.items()}, Calendar(ZONE))
    for one in seen:
        observer.observe(one)
    ours = compute(config, observer.days(), now_ms=0, as_of=AS_OF)
    evidence, meta = arrived(seen), meta_of(config)
    for control_set, found in ours.sets.items():
        theirs = platform.compute(meta, evidence, today=AS_OF, control_set=control_set.value)
        for method, one in found.rates.items():
            assert plain(one.declared) == theirs.declared[method.value]
            assert plain(one.adjusted) == theirs.adjusted[method.value]
            assert plain(one.verified) == theirs.verified[method.value]
        if theirs.assessable:
            declared = found.declared
            assert {m.id: m.status for m in theirs.machines if m.id in declared} == {
                a.machine.id: a.standing for a in found.assessments if a.declared
            }
