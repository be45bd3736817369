"""Digests and indicators at the platform: each fault is found under its own name."""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from unit.simulators.platform.test_rate import NOON_MS, meta, worked

from simulators.platform.chain import check_chain
from simulators.platform.compare import compare
from simulators.platform.evidence import Evidence
from simulators.platform.judging import Window, day_starts_min
from simulators.platform.rate import METHODS, compute
from simulators.platform.rows import Point
from simulators.platform.told import Told, ledger_hash

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)) for n in (1, 2))
TODAY = date(2026, 11, 23)
DAY = TODAY.isoformat()
SHOP = {"L1": ("CNC", ["p1"], "d1"), "L2": ("CNC", ["p1"], None), "L3": ("manual", ["p1"], None)}


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def chain(count=3, key=KEY, journals=("", "", "")):
    """Give the lines of a chain, as the rules describe them, with a journal where there is one."""
    lines = []
    for nr in range(1, count + 1):
        prev = hashlib.sha256(lines[-1].encode()).hexdigest() if lines else ""
        body = {"day": f"2026-11-{22 + nr}", "devices": {}, "kind": "day", "nr": nr, "prev": prev,
                "sealed_ms": nr, "key": key.public_key().public_bytes_raw().hex()}  # fmt: skip
        body |= {"journal": journals[nr - 1]} if journals[nr - 1] else {}
        lines.append(canonical(body | {"sig": key.sign(canonical(body).encode()).hex()}))
    return lines


def faults(lines, key=""):
    return [(one.code, one.about) for one in check_chain(lines, key)]


def test_a_true_chain_is_believed_in_any_order():
    """Links that came by live and backlog, mixed, are one chain."""
    assert faults(chain()) == faults(chain()[::-1]) == []


def test_a_missing_link_is_named():
    """The number that did not come is told, and nothing else."""
    lines = chain()
    assert faults([lines[0], lines[2]]) == [("missing_digest", "2")]


def test_a_link_that_comes_again_is_named():
    """A second row with a number that is there already is a replay."""
    lines = chain()
    assert faults([*lines, lines[1]]) == [("replayed_digest", "2")]


def test_a_changed_link_is_named_with_the_one_that_holds_its_hash():
    """A link changed after it was signed fails by its signature and by the next link."""
    lines = chain()
    lines[1] = lines[1].replace('"sealed_ms":2', '"sealed_ms":9')
    assert faults(lines) == [("false_signature", "2"), ("broken_chain", "3")]


def test_another_key_is_named():
    """A chain signed by another key than announced is told link by link."""
    announced = KEY.public_key().public_bytes_raw().hex()
    assert faults(chain(key=OTHER), announced) == [("other_key", str(n)) for n in (1, 2, 3)]


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"nr":1}', chain(1)[0].replace(":", ": ")])
def test_what_is_no_link_is_named(line):
    """Anything but a link in its one form is unreadable; it is never repaired."""
    assert [code for code, _ in faults([line])] == ["unreadable_digest"]


def told(described, evidence):
    """Give what a true gateway tells of a day."""
    rates, machines = {}, {}
    for name in ("strict", "broad"):
        rate = compute(described, evidence, today=TODAY, control_set=name)
        rates[name] = {
            method: {
                figure: None if (share := getattr(rate, figure)[method]) is None
                else [share.numerator, share.denominator]
                for figure in ("declared", "adjusted", "verified")
            }
            for method in METHODS
        }  # fmt: skip
        machines[name] = [[one.id, *one.verdict, "E0"] for one in rate.machines]
    found = Told(links=chain(1))
    found.take_meta(described)
    total = {"ledger": ledger_hash(described), "journal": "", "rates": rates}
    found.indicators.append({"day": DAY, "sum": total, "machines": machines})
    return found


@pytest.fixture
def evidence():
    found = Evidence()
    worked(found, "d1", days=30)
    return found


@pytest.fixture
def described():
    return meta(SHOP, extra={"L2": {"part_of": None}})


def test_a_true_indicator_leaves_nothing_to_find(described, evidence):
    """Equal figures and equal standings are no finding."""
    assert compare(told(described, evidence), evidence) == []


def test_a_raised_rate_is_named_by_figure(described, evidence):
    """A figure that does not follow from the machines is told with both values."""
    found = told(described, evidence)
    found.indicators[0]["sum"]["rates"]["strict"]["mean"]["verified"] = [1, 1]
    (one,) = compare(found, evidence)
    assert (one.code, one.about, one.told, one.found) == (
        "rate_differs", "strict mean verified", "[1, 1]", "[1, 3]",
    )  # fmt: skip


def test_a_machine_verified_by_decree_is_named(described, evidence):
    """A machine told as verified without data is told with what the data say."""
    found = told(described, evidence)
    found.indicators[0]["machines"]["strict"][1][1:3] = ["verified", "verified"]
    (one,) = compare(found, evidence)
    assert (one.about, one.found) == ("strict L2", "unverified/no_device")


def test_what_only_the_gateway_can_find_is_taken_over(described, evidence):
    """A finding against a machine lowers the platform's own figure too; none raises it."""
    lower = copy.deepcopy(described)
    found = told(lower, evidence)
    for name in ("strict", "broad"):
        found.indicators[0]["machines"][name][0][1:3] = ["contradicted", "copied"]
    names = {one.about.split()[-1] for one in compare(found, evidence)}
    assert names == {"adjusted", "verified"}
    assert all(one.code == "rate_differs" for one in compare(found, evidence))


def test_an_unknown_ledger_is_named(described, evidence):
    """A figure over a ledger that never came cannot be checked, and is not believed."""
    found = told(described, evidence)
    found.indicators[0]["sum"]["ledger"] = "0" * 64
    assert [one.code for one in compare(found, evidence)] == ["unknown_ledger"]


def test_a_sealed_day_without_indicator_is_named(described, evidence):
    """After the first indicator every sealed day needs one."""
    found = told(described, evidence)
    found.links = chain(2)
    (one,) = compare(found, evidence)
    assert (one.code, one.day) == ("missing_indicator", "2026-11-24")


def test_parts_are_joined_in_their_order():
    """Events in parts count when all are there, whatever came first."""
    line = chain(1)[0]
    records = [
        {"type": "digest", "day": DAY, "nr": 1, "part": [nr, 2], "link": part}
        for nr, part in enumerate((line[:50], line[50:]), 1)
    ]
    found = Told()
    found.take(records[1])
    assert found.links == []
    found.take(records[0])
    assert found.links == [line]


def test_the_calendar_of_meta_decides_days():
    """Days off do not count, extra working days do, and a day begins when the shop's does."""
    rules = meta(SHOP)["rate"] | {
        "calendar": {
            "day_starts": "08:00",
            "weekdays": ["mon", "tue", "wed", "thu", "fri"],
            "holidays": ["2026-11-19/2026-11-20"],
            "workdays": ["2026-11-22"],
        },
        "period_days": 7,
    }
    window = Window.of(rules, TODAY)
    assert (window.scheduled_days, day_starts_min(rules)) == (4, 480)
    found = Evidence()
    early = NOON_MS - 5 * 3_600_000
    found.add("d", [Point("a", early, 1, "g", "")], zone="Asia/Shanghai", day_starts_min=480)
    before = found.proof("d", first=TODAY, last=TODAY, control_metrics=[])
    assert before.good_values == 0


def test_links_parts_and_witnesses_count_as_the_rules_say(evidence):
    """A timed process counts in its span, a part never, a witnessed machine without data."""
    extra = {
        "L1": {"processes": [], "links": [{"process": "p1", "valid_to": "2026-11-22"}]},
        "L2": {"witnessed": ["2026-06-01"]},
        "L3": {"control_type": "CNC", "part_of": "L2"},
    }
    rate = compute(meta(SHOP, extra=extra), evidence, today=TODAY)
    assert [one.verdict for one in rate.machines] == [
        ("not_claimed", "no_key_process"),
        ("verified", "witnessed"),
        ("not_claimed", "part_of"),
    ]


def test_a_controllers_own_name_proves_control(evidence):
    """A device that names the controller of the ledger needs no control metric."""
    plain = Evidence()
    worked(plain, "d1", days=30, metric="power.active")
    described = meta(SHOP, extra={"L1": {"controller": "FANUC 0i-MF"}})
    assert compute(described, plain, today=TODAY).machines[0].reason == "no_control_identity"
    plain.said["d1"] = "Fanuc 0i"
    assert compute(described, plain, today=TODAY).machines[0].reason == "verified"


def test_a_chain_may_begin_to_hold_the_journal_and_never_stop():
    """Links of the first form may come first; behind one that holds the hash all must."""
    hashed = "ab" * 32
    assert faults(chain(journals=["", hashed, hashed])) == []
    assert faults(chain(journals=["", hashed, ""])) == [("unbound_digest", "3")]
    codes = [code for code, _ in faults(chain(journals=["", "none", ""]))]
    assert codes == ["unreadable_digest", "missing_digest"]


def test_another_journal_than_was_signed_is_named(described, evidence):
    """An indicator rests on the journal that its day's newest digest holds."""
    found = told(described, evidence)
    found.links = chain(1, journals=["ab" * 32])
    (one,) = compare(found, evidence)
    assert (one.code, one.found) == ("journal_differs", "ab" * 32)
    found.indicators[0]["sum"]["journal"] = "ab" * 32
    assert compare(found, evidence) == []


def test_a_part_of_a_line_is_told_as_a_part(evidence):
    """Its line counts in its place: not claimed, by that reason, whatever it could run."""
    described = meta(SHOP, extra={"L2": {"part_of": "L1", "processes": []}})
    machines = compute(described, evidence, today=TODAY, control_set="strict").machines
    assert {m.id: m.verdict for m in machines}["L2"] == ("not_claimed", "part_of")
    assert compare(told(described, evidence), evidence) == []
