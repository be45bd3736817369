"""The events `indicator` and `digest`: valid, exact, and in parts where they are long."""

from __future__ import annotations

from datetime import date

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from unit.agent.indicator.conftest import LAST, machine, worked

from agent.config.shifts import Shifts
from agent.indicator.message import digest_parts, indicator_parts
from agent.kpi.calendar import ShopCalendar
from agent.kpi.deviceday import DeviceDay
from agent.kpi.digest import DigestChain
from agent.kpi.result import compute
from agent.kpi.signing import KeyInHand
from agent.store.events import event_body
from simulators.platform.checks import Checker

CHECKER = Checker()
KEY = KeyInHand(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def parts(config, days):
    result = compute(config, days, now_ms=0, as_of=LAST)
    return indicator_parts(result, ledger="a" * 64, journal="")


def check(kind, fields):
    record = orjson.loads(b"{" + event_body(kind, t_ms=1, **fields)) | {"n": 1}
    body = {"v": 1, "gw": "gw", "ep": "01KAR5Z8Q4XN", "seq": 1, "sent": 1, "clk": "sync", "mv": 1,
            "e": [record]}  # fmt: skip
    CHECKER.check("event", body, gateway="gw")
    return record


def test_an_indicator_is_valid_and_exact(config):
    """Every formula of both sets is told as fractions, and every machine with its reason."""
    (fields,) = parts(config, worked("d1", 5))
    record = check("indicator", fields)
    assert record["sum"]["rates"]["strict"]["mean"] == {
        "declared": [2, 3], "adjusted": [2, 3], "verified": [1, 3],
    }  # fmt: skip
    assert [one[:3] for one in record["machines"]["strict"]] == [
        ["L1", "verified", "verified"],
        ["L2", "unverified", "no_data"],
        ["L3", "not_claimed", "not_claimed"],
    ]
    assert (record["day"], record["sum"]["from"]) == ("2026-07-31", "2026-07-27")


def test_a_rate_that_cannot_be_given_says_why(config):
    """Without a key process every figure is null, each with its reason, never 0."""
    bare = config.model_copy(update={"processes": (), "equipment": ()})
    (fields,) = parts(bare, [])
    one = check("indicator", fields)["sum"]["rates"]["strict"]["mean"]
    assert one["declared"] is one["verified"] is None
    assert set(one["why"]) == {"declared", "adjusted", "verified"}
    assert one["why"]["declared"] == "no_key_process"


def test_many_machines_come_in_parts(config):
    """A large ledger is told in several events that hold every machine once."""
    many = config.model_copy(update={"equipment": tuple(machine(f"M{n}") for n in range(250))})
    found = parts(many, [])
    assert [fields["part"] for fields in found] == [[1, 3], [2, 3], [3, 3]]
    told = [one[0] for fields in found for one in fields["machines"]["strict"]]
    assert told == [f"M{n}" for n in range(250)]
    for fields in found:
        assert len(orjson.dumps(check("indicator", fields))) < 20_000


def test_a_link_is_told_byte_by_byte():
    """A link longer than one event is cut, and joined again it is the line that was signed."""
    days = [DeviceDay(f"d{n}", date(2026, 7, 1), 9, True, 1, 1, 2) for n in range(500)]
    chain = DigestChain()
    calendar = ShopCalendar(Shifts(), "Asia/Shanghai")
    now_ms = calendar.span(date(2026, 7, 3)).until_ns // 1_000_000
    made = chain.seal_due(days, now_ms=now_ms, calendar=calendar, key=KEY)
    found = digest_parts(made[0])
    assert len(found) == found[0]["part"][1] > 1
    for fields in found:
        check("digest", fields)
    assert "".join(fields["link"] for fields in found).encode() == chain.lines()[0]
