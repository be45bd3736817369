"""What speaks against a machine, and what does not: each code by name."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.destination import Destination
from agent.config.ledger import (
    ControlType,
    Enterprise,
    Equipment,
    MachineDocument,
    Process,
    RateMethod,
    Witness,
)
from agent.config.model import AgentConfig, Gateway
from agent.config.shifts import Shifts
from agent.kpi.calendar import ShopCalendar
from agent.kpi.coverage import coverage_of
from agent.kpi.deviceday import CounterDay, DeviceDay, Sketch
from agent.kpi.evidence import Level, Standing, demand
from agent.kpi.findings import findings_of
from agent.kpi.identity import DeviceFacts, mismatch, simulator
from agent.kpi.neighbours import points
from agent.kpi.reasons import Reason, sentence
from agent.kpi.report import rate_status
from agent.kpi.result import compute
from agent.kpi.sources import duplicates, facts_of
from agent.losses.spans import LossSpan
from drivers.api import Identity

AS_OF = date(2026, 7, 31)
CALENDAR = ShopCalendar(Shifts(), "Asia/Shanghai")
H = 3600


def days(count=20, device="d1", **more):
    plain = {
        "hours": 0xFF00, "states": {"running": 5 * H, "idle": 3 * H}, "transitions": 40,
        "running": {8: H, 9: H}, "movers": 3, "moved": True,
    }  # fmt: skip
    return [
        DeviceDay(device, AS_OF - timedelta(days=n), 100, True, 10, 0, 1, **(plain | more))
        for n in range(count)
    ]


def found(observed, calendar=CALENDAR):
    return [one.reason for one in findings_of(observed, calendar)]


def test_an_honest_machine_has_nothing_against_it():
    """Working days with breaks, moves and transitions raise no finding."""
    assert found(days()) == []
    assert found([]) == []


def test_flat_line_while_claiming_to_run():
    """Told as running for hours on several days, and nothing moved that must."""
    assert Reason.FLAT_LINE in found(days(3, moved=False))


@pytest.mark.parametrize(
    "honest",
    [
        {"states": {"idle": 24 * H}, "transitions": 1},
        {"states": {"running": 3 * H, "idle": H}},
        {"movers": 1},
        {"movers": 0},
    ],
    ids=["at rest", "short runs", "one coarse point", "state only"],
)
def test_a_flat_day_is_no_flat_line_without_the_claim(honest):
    """Rest, short runs, and too few points to tell are not held against a machine."""
    assert Reason.FLAT_LINE not in found(days(20, **({"moved": False} | honest)))


def test_one_moving_day_clears_the_flat_ones():
    """A machine that moved within the window is one; the flat days need another explanation."""
    assert Reason.FLAT_LINE not in found([*days(5, moved=False), *days(6)[5:]])


def test_a_state_that_never_changes():
    """One state for forty hours and no transition."""
    still = {"states": {"idle": 24 * H}, "transitions": 0}
    assert found(days(2, **still)) == [Reason.NO_TRANSITION]
    assert found(days(1, **still)) == []
    assert found(days(2, states={}, transitions=0)) == []


def test_a_counter_that_goes_back():
    """Three steps back in the window; resets are none."""
    back = CounterDay("part.count", 1, 2, 1, back=1)
    assert found(days(3, counters=(back,))) == [Reason.COUNTER_BACK]
    assert found(days(2, counters=(back,))) == []
    assert found(days(20, counters=(replace(back, back=0, resets=9),))) == []


def test_clockwork():
    """Equal stays round the clock on every day; a break on one day makes it a machine."""
    even = {"hours": (1 << 24) - 1, "stays": Sketch(400), "even": 400}
    assert found(days(5, **even)) == [Reason.TOO_REGULAR]
    assert found([*days(5, **even), *days(6, **(even | {"even": 380}))[5:]]) == []
    assert found(days(5, **(even | {"hours": 0xFF}))) == []


def test_running_outside_the_shifts():
    """Hours of running that touch no planned shift, unless shifts are not known at all."""
    shifts = Shifts.model_validate({"shifts": [{"name": "day", "start": "08:00", "end": "16:00"}]})
    planned = ShopCalendar(shifts, "Asia/Shanghai")
    night = days(20, running={1: H, 2: H})
    assert found(night, planned) == [Reason.OUTSIDE_SHIFTS]
    assert found(night) == []
    assert found(days(20, running={8: H, 20: H}), planned) == []


def machine(**more):
    return Equipment(**{"id": "M", "control_type": ControlType.CNC, "device": "d1"} | more)


def facts(**identity):
    return DeviceFacts(Identity(**identity))


@pytest.mark.parametrize(
    ("ledger", "device", "what"),
    [
        ({"controller": "FANUC 0i-MF"}, {"model": "SINUMERIK 828D"}, "controller"),
        (
            {"maker": "沈阳机床", "model": "VMC850"},
            {"maker": "沈阳机床", "model": "CAK50"},
            "model",
        ),
        (
            {"maker": "DMG MORI", "model": "NLX", "serial": "NL-1234567"},
            {"maker": "DMG Mori", "model": "NLX 2500", "serial": "NL1234568"},
            "serial",
        ),
    ],
)
def test_identity_that_contradicts_the_ledger(ledger, device, what):
    """Only what speaks of the same thing is compared, and both sides are told."""
    finding = mismatch(machine(**ledger), facts(**device))
    assert finding.reason is Reason.IDENTITY_MISMATCH
    assert finding.about["what"] == what
    assert finding.about["ledger_says"] in ledger.values()
    assert finding.about["device_says"] in device.values()


@pytest.mark.parametrize(
    ("ledger", "device"),
    [
        ({"controller": "FANUC 0i-MF"}, {"maker": "Siemens", "model": "SIMATIC IOT2050"}),
        ({"maker": "沈阳机床", "serial": "SY-778"}, {"maker": "FANUC", "serial": "F123456"}),
        ({"maker": "沈阳机床", "serial": "SY-778"}, {"maker": "沈阳机床", "serial": "0000"}),
        ({"controller": "华中 HNC-848"}, {"model": "HNC-8"}),
        ({"model": "VMC-850"}, {"model": "vmc850 L"}),
        ({}, {"maker": "Anybody", "model": "X", "serial": "123456789A"}),
        ({"maker": "A", "model": "B", "serial": "C12345"}, {}),
    ],
    ids=["gateway", "own serial", "default serial", "family", "spelling", "empty", "silent"],
)
def test_identity_that_only_differs(ledger, device):
    """A gateway, another part's number, or another spelling contradicts nothing."""
    assert mismatch(machine(**ledger), facts(**device)) is None


def test_simulators_tell_on_themselves():
    """The project's own simulators are recognised like anybody's, by any text they give."""
    assert simulator(facts(uri="urn:chulian:simulator")).about["said"] == "urn:chulian:simulator"
    assert simulator(facts(maker="Chulian simulator"))
    assert simulator(DeviceFacts(Identity(raw=(("ProductName", "Prosys Simulation Server"),))))
    assert simulator(facts(maker="FANUC", model="Series 0i-MF Plus")) is None


def test_one_source_under_two_names():
    """Equal link and equal control points are one source; one address with other points is not."""
    one = DeviceFacts(endpoint="opcua e1", controls=frozenset({"1:ns=2;s=mode"}))
    other = replace(one, controls=frozenset({"1:ns=3;s=mode"}))
    assert duplicates({"a": one, "b": other}) == {}
    doubled = duplicates({"a": one, "b": one})
    assert [f.reason for f in doubled["a"]] == [Reason.DUPLICATE_ENDPOINT]
    assert doubled["b"][0].rivals == ("a",)


def test_one_serial_at_two_addresses_is_a_doubt():
    """Two devices of one serial number are told, defaults are not."""
    said = Identity(model="0i-MF", serial="E12345678")
    both = {"a": DeviceFacts(said, "e1"), "b": DeviceFacts(said, "e2")}
    assert [f.reason for f in duplicates(both)["b"]] == [Reason.DUPLICATE_SERIAL]
    plain = replace(said, serial="00000000")
    assert duplicates({"a": DeviceFacts(plain, "e1"), "b": DeviceFacts(plain, "e2")}) == {}


def test_facts_survive_json_and_come_from_the_plan():
    """Facts are gathered of units, addresses and links, and are the same after JSON."""
    tags = [SimpleNamespace(name=n, address=a) for n, a in (("program.line", "40001"), ("x", "2"))]
    plan = SimpleNamespace(
        id="d1", entry=SimpleNamespace(driver="modbus"), link="10.0.0.5:502",
        config=SimpleNamespace(unit_id=3), groups=[SimpleNamespace(tags=tags)],
    )  # fmt: skip
    found_ = facts_of([plan], {"d1": Identity(maker="M", raw=(("a", "b"),))})["d1"]
    assert found_.controls == {"3:40001"}
    assert DeviceFacts.of_document(found_.document()) == found_
    with pytest.raises(ValueError, match="facts"):
        DeviceFacts.of_document({})


@pytest.fixture
def judged(make_config):
    def judge(observed, given=None, shop=None, devices=None, **equipment):
        config = make_config(shop or {"p": {"M": "CNC"}}, devices=devices or {"M": "d1"})
        first = config.equipment[0].model_copy(update=equipment)
        config = config.model_copy(update={"equipment": (first, *config.equipment[1:])})
        return compute(config, observed, now_ms=0, as_of=AS_OF, facts=given)

    return judge


def first(result):
    one = result.headline_set.assessments[0]
    said = sentence(one, result.asked)
    assert not set("{}") & set(said.en + said.zh)
    return one.level, one.standing, one.reason


CONTRADICTED = [
    (Reason.FLAT_LINE, days(20, moved=False), None),
    (Reason.SIMULATOR, days(), {"d1": facts(uri="urn:chulian:simulator")}),
    (Reason.IDENTITY_MISMATCH, days(), {"d1": facts(model="SINUMERIK 840D")}),
]
DOUBTED = [
    (Reason.NO_TRANSITION, days(20, states={"idle": 24 * H}, transitions=0)),
    (Reason.COUNTER_BACK, days(20, counters=(CounterDay("part.count", 1, 2, 1, back=1),))),
    (
        Reason.TOO_REGULAR,
        days(20, hours=(1 << 24) - 1, stays=Sketch(400), even=400),
    ),
]


@pytest.mark.parametrize(
    ("reason", "observed", "given"), CONTRADICTED, ids=[c[0] for c in CONTRADICTED]
)
def test_contradicted_machines_leave_the_adjusted_rate(judged, reason, observed, given):
    """What the data cannot be is neither adjusted nor verified, and said in both languages."""
    result = judged(observed, given, controller="FANUC 0i")
    assert first(result) == (Level.OBSERVED, Standing.CONTRADICTED, reason)
    assert (result.headline.declared, result.headline.adjusted) == (1, 0)


@pytest.mark.parametrize(("reason", "observed"), DOUBTED, ids=[c[0] for c in DOUBTED])
def test_doubts_only_keep_from_being_verified(judged, reason, observed):
    """A doubt is not a contradiction: the machine stays in the adjusted rate."""
    result = judged(observed)
    assert first(result) == (Level.OBSERVED, Standing.UNVERIFIED, reason)
    assert (result.headline.adjusted, result.headline.verified) == (1, 0)


@pytest.mark.parametrize(
    ("visit", "standing"),
    [(AS_OF, "verified"), (AS_OF - timedelta(days=365), "verified"),
     (AS_OF - timedelta(days=366), "unverified"), (AS_OF + timedelta(days=1), "unverified")],
)  # fmt: skip
def test_a_witness_verifies_a_machine_without_port(judged, visit, standing):
    """A visit counts for a year, and not before it took place."""
    seen = Witness(on=visit, by="武汉市经信局 王工", saw="主轴启停")
    level, found_, reason = first(judged([], witnessed=(seen,)))
    assert found_.value == standing
    assert (level is Level.WITNESSED) == (reason is Reason.WITNESSED) == (standing == "verified")


def test_a_witness_does_not_clear_a_contradiction(judged):
    """What contradicts has to be put right in ledger or wiring first."""
    seen = Witness(on=AS_OF, by="somebody")
    result = judged(days(), {"d1": facts(maker="simulator")}, witnessed=(seen,))
    assert first(result)[1] is Standing.CONTRADICTED


def test_documents_are_e1(judged):
    """Papers without data are E1, and prove nothing alone."""
    paper = MachineDocument(kind="nameplate")
    assert first(judged([], documents=(paper,)))[0] is Level.DOCUMENTED


def test_the_controller_s_own_name_is_control_identity(judged):
    """A controller that gives the name the ledger declares needs no further point."""
    observed = [replace(one, control_good=0) for one in days()]
    given = {"d1": facts(model="SINUMERIK 828D")}
    assert first(judged(observed, given))[2] is Reason.NO_CONTROL_IDENTITY
    assert first(judged(observed, given, controller="西门子 828D"))[2] is Reason.VERIFIED


def test_duplicates_matter_between_declared_machines(judged):
    """A second device on the same points that no declared machine names accuses nobody."""
    one = DeviceFacts(endpoint="e", controls=frozenset({"1"}))
    both = {"d1": one, "d2": one}
    shop = {"p": {"M": "CNC", "N": "CNC"}}
    alone = judged([*days(), *days(device="d2")], both)
    assert first(alone)[2] is Reason.VERIFIED
    claimed = judged([*days(), *days(device="d2")], both, shop, {"M": "d1", "N": "d2"})
    assert first(claimed)[2] is Reason.DUPLICATE_ENDPOINT
    serial = Identity(model="0i", serial="E12345")
    doubted = judged(
        [*days(), *days(device="d2")],
        {"d1": DeviceFacts(serial, "e1"), "d2": DeviceFacts(serial, "e2")},
        shop,
        {"M": "d1", "N": "d2"},
    )
    assert first(doubted)[1:] == (Standing.UNVERIFIED, Reason.DUPLICATE_SERIAL)


@pytest.mark.parametrize(
    ("share", "given"),
    [("10", 0), ("10.01", 1.5), ("20", 1.5), ("40", 3), ("60", 4.5), ("60.01", 6), ("100", 6),
     ("0", 0)],
)  # fmt: skip
def test_bins_of_the_form(share, given):
    """Bounds belong to the lower bin, and are compared exactly."""
    assert points(Fraction(share) / 100) == given


def test_example_a_digital_and_networked(make_config, shop_a):
    """9/13 digital gives 6 points; 6/13 networked 4.5, over all equipment and not the digital."""
    names = ("L1", "L2", "L3", "V1", "V2", "V3")
    config = make_config(shop_a, devices={n: n.lower() for n in names})
    observed = [one for n in names for one in days(15, n.lower())]
    result = compute(config, observed, now_ms=0, as_of=AS_OF)
    document = rate_status(result).neighbours
    assert (document["digital"], document["networked"], document["equipment"]) == (9, 6, 13)
    assert (document["digital_rate"]["percent"], document["digital_rate"]["points"]) == ("69.23", 6)
    assert document["networked_rate"]["percent"] == "46.15"
    assert document["networked_rate"]["points"] == 4.5


def test_missing_days_are_put_down_to_what_was_noted(make_config):
    """Days and hours by source time; a whole day missing has the cause of the loss on it."""
    observed = [one for one in days(5) if one.day.day not in {29, 30}]
    observed[0] = replace(observed[0], gaps={"device_down": 60})
    noon = int(CALENDAR.span(date(2026, 7, 29)).from_ns / 1e6) + 1
    losses = [LossSpan("killed", "", noon, noon + 5)]
    asked = demand(make_config({}).rate, AS_OF)
    covered = coverage_of(sorted(observed, key=lambda d: d.day), asked, CALENDAR, losses)
    assert (covered.days, covered.scheduled_days, covered.hours) == (3, 30, 24)
    assert covered.gaps == {"device_down": 60, "agent_down": 86_400, "unknown": 86_400}


def test_days_off_do_not_count_where_the_calendar_is_known(make_config):
    """With a five-day week the window has fewer production days, and Sundays prove nothing."""
    config = make_config({"p": {"M": "CNC"}}, devices={"M": "d1"})
    weekdays = Shifts(weekdays=("mon", "tue", "wed", "thu", "fri"))
    config = config.model_copy(update={"shifts": weekdays})
    result = compute(config, days(30), now_ms=0, as_of=AS_OF)
    assert (result.asked.scheduled_days, result.asked.needed_days) == (22, 11)
    assert result.headline_set.assessments[0].seen.days == 22


@given(st.data())
def test_rates_keep_their_order_whatever_is_found(data):
    """Verified <= adjusted <= declared and all <= mean <= any, for any ledger and evidence."""
    devices = ["d1", "d2", "d3", None]
    some = st.sampled_from
    witness = (Witness(on=AS_OF, by="x"),)
    equipment = tuple(
        Equipment(
            id=f"m{n}",
            control_type=data.draw(some([ControlType.CNC, *ControlType])),
            device=data.draw(some(devices)),
            processes=data.draw(some([(), ("p0",), ("p1",), ("p0", "p1")])),
            witnessed=data.draw(some([(), (), witness])),
        )
        for n in range(data.draw(st.integers(0, 6)))
    )
    config = AgentConfig(
        gateway=Gateway(id="gw1"),
        enterprise=Enterprise(id="e1"),
        publish=(Destination(url="mqtt://127.0.0.1:1883"),),
        processes=(Process(id="p0"), Process(id="p1")),
        equipment=equipment,
    )
    kinds = ({}, {"moved": False}, {"states": {"idle": 24 * H}, "transitions": 0})
    observed = [one for d in devices[:3] for one in days(20, d, **data.draw(some(kinds)))]
    said = {d: facts(uri=data.draw(some(["", "simulator"]))) for d in devices[:3]}
    result = compute(config, observed, now_ms=0, as_of=AS_OF, facts=said)
    for one in result.sets.values():
        for triple in one.rates.values():
            if isinstance(triple.declared, Fraction):
                assert 0 <= triple.verified <= triple.adjusted <= triple.declared <= 1
        for part in ("declared", "adjusted", "verified"):
            every, mean, some_ = (
                getattr(one.rates[RateMethod(m)], part) for m in ("all", "mean", "any")
            )
            assert every <= mean <= some_


@pytest.mark.long
def test_a_year_of_a_hundred_machines(make_config):
    """Reading and judging 36,600 days takes seconds."""
    rng = random.Random(1)
    ids = [f"M{n}" for n in range(100)]
    config = make_config(
        {"p": dict.fromkeys(ids, "CNC")}, devices={i: i for i in ids}, period_days=366
    )
    rows = [
        replace(
            one, values=Sketch(900, rng.randbytes(96)), stays=Sketch(100, rng.randbytes(48))
        ).row()
        for i in ids
        for one in days(366, i)
    ]
    began_s = time.process_time()
    result = compute(config, map(DeviceDay.of, rows), now_ms=0, as_of=AS_OF)
    assert result.headline.verified == 1
    assert time.process_time() - began_s < 60
