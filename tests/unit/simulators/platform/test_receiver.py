"""What the platform counts: rows once, holes, announced losses, order, early rows."""

import orjson
import pytest

from simulators.platform.checks import Checker
from simulators.platform.receiver import Receiver

EP = "01KAR5Z8Q4"
T = 1_795_406_400_000
META = {
    "v": 1,
    "gw": "gw",
    "ep": EP,
    "mv": 1,
    "t": T,
    "tz": "Asia/Shanghai",
    "enterprise": {"id": "acme", "industry_kind": "discrete"},
    "devices": [{"d": "cnc", "driver": "opcua", "m": []}],
    "ledger": {
        "processes": [{"id": "p", "key": True}],
        "equipment": [{"id": "E", "control_type": "CNC", "processes": ["p"], "device": "cnc"}],
    },
    "rate": {
        "rules": "1",
        "method": "mean",
        "control_set": "strict",
        "period_days": 1,
        "min_days": 1,
        "min_day_share": 0,
        "scheduled_days": 1,
        "control_metrics": ["x"],
    },
}


@pytest.fixture
def receiver():
    """A receiver that runs the schema on everything."""
    return Receiver(checker=Checker(full_first=1000))


def row(n, value=1.5, t=T):
    return {"n": n, "t0": t, "d": "cnc", "g": "g", "t": [0], "s": {"x": [value]}}


def send(receiver, kind, items, *, ep=EP, arrived_ms=T + 100, clk="sync"):
    """Send rows or events in one message; gives the number of new rows."""
    numbers = [item["n"] for item in items]
    body = {"v": 1, "gw": "gw", "ep": ep, "seq": min(numbers), "sent": T + 40, "clk": clk}
    body |= {"mv": 1, "e" if kind == "event" else "b": items}
    new = receiver.receive(f"hb/v1/acme/gw/{kind}", orjson.dumps(body), arrived_ms)
    assert receiver.errors == []
    return new


def send_meta(receiver, **changes):
    receiver.receive("hb/v1/acme/gw/meta", orjson.dumps(META | changes), T)
    assert receiver.errors == []


def test_rows_count_once_however_they_come(receiver):
    """Regrouped, repeated and late rows count once; live and backlog are told apart."""
    seen = []
    receiver.on_row(lambda item: seen.append(item.number))
    assert send(receiver, "data", [row(1), row(2)]) == 2
    assert send(receiver, "hist", [row(2), row(3)]) == 1
    assert send(receiver, "data", [row(1)]) == 0
    assert seen == [1, 2, 3]
    summary = receiver.summary(T)
    counts = ("rows", "values", "duplicates", "live_rows", "backlog_rows", "altered_duplicates")
    assert [summary[name] for name in counts] == [3, 3, 2, 2, 1, 0]


def test_same_number_in_another_epoch_is_another_row(receiver):
    """(gw, ep, n) is the identity: a new epoch starts again at 1."""
    send(receiver, "data", [row(1)])
    assert send(receiver, "data", [row(1)], ep="01KAR5Z8Q5") == 1
    assert receiver.holes() == []


def test_a_repeat_with_other_content_is_told(receiver):
    """A number that comes again with other values is counted as altered and changes nothing."""
    send(receiver, "data", [row(1, 1.5)])
    send(receiver, "data", [row(1, 9.9)])
    assert receiver.summary(T)["altered_duplicates"] == 1
    assert receiver.latest("gw", "cnc", "x").value == 1.5


def test_holes_are_what_is_neither_seen_nor_announced(receiver):
    """Numbers from 1 on that never came are holes until an event accounts for them."""
    send(receiver, "data", [row(3), row(8)])
    assert receiver.holes() == [("gw", EP, 1, 2), ("gw", EP, 4, 7)]
    lost = {"type": "dropped", "from": 4, "to": 6, "rows": 3, "values": 3, "reason": "size"}
    send(receiver, "event", [{"n": 9, "t": T, **lost}])
    assert receiver.holes() == [("gw", EP, 1, 2), ("gw", EP, 7, 7)]
    send(receiver, "hist", [row(1), row(2), row(7)])
    assert receiver.holes() == []
    stream = receiver.summary(T)["gateways"]["gw"]["streams"][EP]
    assert (stream["lost_rows_announced"], stream["lost_rows_missing"]) == (3, 3)


def test_announced_loss_that_arrived_after_all_shows(receiver):
    """A range announced as lost of which a row is there tells itself apart by its counts."""
    send(receiver, "data", [row(1), row(2), row(3)])
    lost = {"type": "rejected", "from": 2, "to": 2, "rows": 1, "values": 1, "reason": "x"}
    send(receiver, "event", [{"n": 4, "t": T, "code": 153, **lost}])
    stream = receiver.summary(T)["gateways"]["gw"]["streams"][EP]
    assert (stream["lost_rows_announced"], stream["lost_rows_missing"]) == (1, 0)


def test_a_hole_inside_an_announced_range_shows(receiver):
    """A range of 4 numbers that announces 3 lost rows leaves one row unaccounted for."""
    lost = {"type": "dropped", "from": 1, "to": 4, "rows": 3, "values": 3, "reason": "size"}
    send(receiver, "event", [{"n": 5, "t": T, **lost}])
    assert receiver.holes() == []
    assert receiver.summary(T)["unaccounted_rows"] == 1
    send(receiver, "hist", [row(2)])
    assert receiver.summary(T)["unaccounted_rows"] == 0


def test_joined_late_forgives_the_rows_before():
    """A platform that joined late sees no hole before the first row it met."""
    receiver = Receiver(from_start=False)
    send(receiver, "data", [row(50), row(52)])
    assert receiver.holes() == [("gw", EP, 51, 51)]


def test_latest_is_by_the_values_own_time(receiver):
    """Backlog never overwrites a later value."""
    send(receiver, "data", [row(2, 2.0, T + 1000)])
    send(receiver, "hist", [row(1, 1.0, T)])
    point = receiver.latest("gw", "cnc", "x")
    assert (point.value, point.time_ms) == (2.0, T + 1000)
    assert receiver.latest("gw", "cnc", "y") is None


def test_latency_is_of_live_rows(receiver):
    """The age of values is told for live rows; backlog does not spoil it."""
    send(receiver, "data", [row(1)], arrived_ms=T + 100)
    send(receiver, "hist", [row(2, t=T - 3_600_000)], arrived_ms=T + 100)
    told = receiver.summary(T)["gateways"]["gw"]
    assert told["value_to_arrival"]["max_ms"] == 100
    assert told["sent_to_arrival"] == {
        "count": 2,
        "p50_ms": 60,
        "p95_ms": 60,
        "p99_ms": 60,
        "max_ms": 60,
    }


def test_rows_before_meta_count_for_the_rate(receiver):
    """Rows that came before the first meta wait for it, then count on their days."""
    send(receiver, "data", [row(1, 1.0), row(2, 2.0)])
    assert receiver.summary(T)["gateways"]["gw"]["rate"] is None
    send_meta(receiver)
    rate = receiver.summary(T)["gateways"]["gw"]["rate"]
    assert rate["verified"]["mean"] == [1, 1]
    assert rate["machines"]["E"]["control_values"] == 2


@pytest.mark.parametrize(
    ("clk", "verified"), [("sync", [1, 1]), ("hold", [1, 1]), ("free", [0, 1])]
)
def test_what_nobody_vouches_for_is_no_evidence(receiver, clk, verified):
    """Values of a clock that was never set are kept and shown, and prove no day."""
    send_meta(receiver)
    send(receiver, "data", [row(1, 1.0), row(2, 2.0, T + 1000)], clk=clk)
    gateway = receiver.summary(T)["gateways"]["gw"]
    assert gateway["values"] == 2
    assert gateway["rate"]["verified"]["mean"] == verified


def test_duplicates_prove_nothing(receiver):
    """Repeated rows add no value to the evidence."""
    send_meta(receiver)
    for _ in range(3):
        send(receiver, "data", [row(1, 1.0)])
    machine = receiver.summary(T)["gateways"]["gw"]["rate"]["machines"]["E"]
    assert (machine["good_values"], machine["changed"]) == (1, False)


def test_an_older_meta_does_not_replace_a_newer(receiver):
    """A retained meta that comes late is ignored; one of a new epoch is taken."""
    send_meta(receiver, mv=5)
    send_meta(receiver, mv=4, devices=[])
    assert receiver.gateways["gw"].devices == ("cnc",)
    send_meta(receiver, mv=1, ep="01KAR5Z8Q5", devices=[])
    assert receiver.gateways["gw"].devices == ()


def test_events_are_counted_by_what_they_say(receiver):
    """Missed polls, overflow and device states add up."""
    span = {"from": T, "to": T + 1, "reason": "device_down"}
    send(
        receiver,
        "event",
        [
            {"n": 1, "t": T, "type": "start", "clean": True},
            {"n": 2, "t": T, "type": "missed", "d": "cnc", "g": "g", "polls": 4, **span},
            {"n": 3, "t": T, "type": "overflow", "d": "cnc", "g": "g", "values": 7},
            {"n": 4, "t": T, "type": "device", "d": "cnc", "state": "backoff"},
        ],
    )
    told = receiver.summary(T)["gateways"]["gw"]
    assert (told["missed_polls"], told["overflow_values"]) == (4, 7)
    assert told["device_states"] == {"cnc": "backoff"}
    assert told["events"] == {"start": 1, "missed": 1, "overflow": 1, "device": 1}


def test_refused_messages_are_kept_to_read(receiver):
    """All refused messages count, the first twenty are kept with topic, reason and payload."""
    for _ in range(30):
        receiver.receive("hb/v1/acme/gw/data", b"\xff{", T)
    receiver.receive("other/topic", b"{}", T)
    assert receiver.error_count == 31
    assert len(receiver.errors) == 20
    assert receiver.errors[0]["reason"].startswith("not JSON")
