"""What needs no server: the clock, the limits, the portions, the oddities, the words."""

import math
import time
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import variant_from_binary, variant_to_binary

from simulators.opcua import odd
from simulators.opcua.browsing import MOST_POINTS, Portions
from simulators.opcua.clock import DeviceClock, stamp_of
from simulators.opcua.faults import Faults
from simulators.opcua.limits import OPERATIONS, PROFILES, per_call


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("true", timedelta()),
        ("+1y", timedelta(days=365)),
        ("-90s", timedelta(seconds=-90)),
        ("+2h", timedelta(hours=2)),
    ],
)
def test_clock_is_as_far_off_as_told(setting, expected):
    """A difference is added to the truth, exactly."""
    now_ns = time.time_ns()
    assert DeviceClock(setting).stamp(now_ns) - stamp_of(now_ns) == expected


def test_clock_starts_at_a_date():
    """A date is what it shows now; it runs on from there."""
    assert abs(DeviceClock("2000-01-01").now() - datetime(2000, 1, 1, tzinfo=UTC)) < timedelta(
        seconds=2
    )


@pytest.mark.parametrize("setting", ["", "yesterday", "+1", "1y"])
def test_clock_refuses_what_it_does_not_understand(setting):
    """What is no setting is refused with what would be one."""
    with pytest.raises(ValueError, match=r"\+1y"):
        DeviceClock(setting)


def test_limits_per_call():
    """One number is for all operations, named ones for themselves."""
    assert per_call("100") == dict.fromkeys(OPERATIONS, 100)
    assert per_call("read=7,items=9") == {"read": 7, "items": 9}
    for wrong in ("reed=7", "read", "read=-1"):
        with pytest.raises(ValueError, match="items"):
            per_call(wrong)


def test_profiles_keep_to_the_standard():
    """No profile has smaller buffers than the standard allows, and each has a queue."""
    assert all(each.buffer_bytes >= 8_192 and each.queue >= 1 for each in PROFILES.values())


def result(count):
    return ua.BrowseResult(References=list(range(count)))


def test_portions_give_everything_once():
    """What did not fit comes with the next calls, in order, and then no more."""
    portions = Portions(most=4)
    [first] = portions.cut([result(10)], asked=0)
    found, point = list(first.References), first.ContinuationPoint
    while point:
        [more] = portions.resume([point], release=False)
        found += more.References
        point = more.ContinuationPoint
    assert found == list(range(10))


def test_portions_obey_the_smaller_maximum():
    """Of the client's and the server's own maximum the smaller one holds."""
    assert len(Portions(most=4).cut([result(10)], asked=3)[0].References) == 3
    assert len(Portions(most=4).cut([result(10)], asked=9)[0].References) == 4
    assert Portions().cut([result(10)], asked=0)[0].ContinuationPoint is None


def test_portions_forget():
    """A released point and one of too many are invalid."""
    portions = Portions(most=1)
    points = [
        portions.cut([result(3)], asked=0)[0].ContinuationPoint for _ in range(MOST_POINTS + 1)
    ]
    released = points[-1]
    portions.resume([released], release=True)
    for point in (points[0], released):
        [answer] = portions.resume([point], release=False)
        assert answer.StatusCode.name == "BadContinuationPointInvalid"


def packed(kind):
    value = odd.disguise(kind, ua.DataValue(ua.Variant(1.0))).Value
    return variant_to_binary(value)


def test_text_in_other_encodings_goes_out_byte_by_byte():
    """GBK, Latin-1 and half a surrogate pair are on the wire what a bad server sends."""
    assert "主轴过载".encode("gbk") in packed("gbk")
    assert "Türe".encode("latin-1") in packed("latin1")
    assert b"\xed\xa0\x80" in packed("surrogate")


@pytest.mark.parametrize("kind", sorted(odd.KINDS))
def test_every_oddity_can_be_sent(kind):
    """Each oddity is encoded, and asyncua's decoder reads what it is."""
    data = packed(kind)
    found = variant_from_binary(Buffer(data)).Value
    expected = {
        "inf": math.inf,
        "minus-inf": -math.inf,
        "nul": "O\x000001",
        "topic": "+/#/$SYS",
        "matrix": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        "empty": None,
        "null-text": None,
    }
    if kind in expected:
        assert found == expected[kind]
    if kind in {"long", "array"}:
        assert len(data) > 1_000_000
    if kind == "nan":
        assert math.isnan(found)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("0xC0000000", 0xC0000000),
        ("UncertainLastUsableValue", 0x40900000),
        ("80310000", 0x80310000),
    ],
)
def test_a_status_code_stands_in_place_of_good(kind, code):
    """Any 32 bits can be a status code; the value stays."""
    value = odd.disguise(kind, ua.DataValue(ua.Variant(7)))
    assert (value.StatusCode.value, value.Value.Value) == (code, 7)


@pytest.mark.parametrize("kind", ["nothing", "0x1FFFFFFFF", "-1"])
def test_no_oddity_is_invented(kind):
    """What is neither an oddity nor a status code is refused."""
    with pytest.raises(ValueError, match=r"nan|32"):
        odd.check(kind)


def test_faults_recover():
    """Recovering ends every fault and keeps the counts."""
    faults = Faults()
    faults.on.add("freeze")
    faults.refused.add("^V1$")
    faults.lose = 1
    faults.forget_nodes(60)
    assert faults.takes_loss()
    assert faults.refuses("V1")
    assert not faults.refuses("V10")
    assert not faults.knows_nodes()
    faults.recover()
    assert faults.knows_nodes()
    assert not faults.on
    assert not faults.refused
    assert not faults.takes_loss()
    assert faults.counts["lost"] == 1
