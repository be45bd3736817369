"""Which unit may be asked what while it still owes answers; with an in-order unit as the judge."""

from __future__ import annotations

import struct
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.drivers.modbus.rtu_peers import honest, register

from drivers.api import Busy
from drivers.modbus.points.address import Table
from drivers.modbus.terms import Terms
from drivers.modbus.wire.framing import ExceptionReply
from drivers.modbus.wire.pdu import framing_of, read_request, write_request
from drivers.modbus.wire.trust import Trust

RTU, TCP = framing_of("rtu"), framing_of("tcp")
TERMS = Terms(device="d", timeout_s=1, pause_s=0, ids="strict")


def ask(count, *, unit=1, start=0, table=Table.HOLDING_REGISTERS, framing=RTU):
    """Make a read request."""
    return read_request(framing, table, unit=unit, start=start, count=count)


def test_nothing_is_owed_where_answers_bear_ids():
    """On Modbus TCP with strict ids a late answer is told by its id: there is no doubt."""
    trust = Trust()
    trust.owe(ask(2, framing=TCP), TERMS, TCP)
    assert not trust.doubts
    trust.owe(ask(2, framing=TCP), Terms("d", 1, 0, "unit"), TCP)
    assert trust.doubts


def test_another_length_may_be_asked_at_once():
    """A request whose answer has another length than what is owed goes out unchanged."""
    trust = Trust()
    trust.owe(ask(2), TERMS, RTU)
    wanted = ask(3)
    assert trust.askable(wanted, [wanted], TERMS, RTU) is wanted
    assert trust.settle(wanted, bytes(6), "strict")
    assert not trust.doubts


def test_the_same_length_is_asked_shorter_first():
    """A request alike to what is owed is preceded by a read of fewer of the same addresses."""
    trust = Trust()
    trust.owe(ask(2, start=7), TERMS, RTU)
    wanted = ask(2, start=50)
    first = trust.askable(wanted, [wanted], TERMS, RTU)
    assert struct.unpack(">HH", first.data) == (50, 1)


def test_coils_are_shortened_by_whole_bytes():
    """Fewer coils in the same number of bytes could not be told apart."""
    trust = Trust()
    trust.owe(ask(17, table=Table.COILS), TERMS, RTU)
    wanted = ask(18, table=Table.COILS)
    first = trust.askable(wanted, [wanted], TERMS, RTU)
    assert struct.unpack(">HH", first.data) == (0, 16)


def test_a_write_is_never_sent_to_clear_a_doubt():
    """Only reads clear a doubt, whatever else the exchange will send."""
    trust = Trust()
    trust.owe(ask(1), TERMS, RTU)
    write = write_request(RTU, 6, b"\0\5\0\1", unit=1, asked="write hr:5")
    wanted = ask(1, start=5)
    with pytest.raises(Busy) as caught:
        trust.askable(wanted, [wanted, write], TERMS, RTU)
    assert 29 < caught.value.wait_s <= 30
    assert caught.value.device == "d"


def test_other_units_are_not_in_doubt():
    """What one unit owes does not concern another, unless units are not looked at."""
    trust = Trust()
    trust.owe(ask(1), TERMS, RTU)
    other = ask(1, unit=2)
    assert trust.askable(other, [other], TERMS, RTU) is other
    blind = Terms("d", 1, 0, "off")
    with pytest.raises(Busy):
        trust.askable(other, [other], blind, RTU)


def test_a_refusal_ends_no_doubt():
    """A refusal may be the late one; of a function that owes nothing it is an answer at least."""
    trust = Trust()
    trust.owe(ask(2), TERMS, RTU)
    assert not trust.settle(ask(1), ExceptionReply(2), "strict")
    assert trust.settle(ask(1, table=Table.INPUT_REGISTERS), ExceptionReply(2), "strict")
    assert trust.doubts


def test_a_doubt_ends_with_time():
    """After late_s nothing can come any more."""
    trust = Trust()
    trust.owe(ask(1), Terms("d", 1, 0, "strict", late_s=0.0), RTU)
    wanted = ask(1)
    assert trust.askable(wanted, [wanted], TERMS, RTU) is wanted
    assert not trust.doubts


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 4), st.sampled_from(["now", "late", "never"])),
        min_size=1,
        max_size=40,
    )
)
def test_no_late_answer_is_ever_taken_for_another(reads):
    """Against a unit that answers in order, late or never, a taken answer is the asked one's."""
    trust, owed = Trust(), deque()
    for start, count, fate in reads:
        wanted = ask(count, start=start)
        for _ in range(3):
            try:
                asked = trust.askable(wanted, [wanted], TERMS, RTU)
            except Busy:
                break
            arrived = [owed.popleft() for _ in range(len(owed))] if fate == "now" else []
            if fate == "now":
                arrived.append(honest(asked.tail))
            elif fate == "late":
                owed.append(honest(asked.tail))
            taken = next((each for each in arrived if len(each) == asked.size_bytes), None)
            if taken is None:
                trust.owe(asked, TERMS, RTU)
                break
            answer = RTU.check(taken, asked, transaction=0, ids="strict")
            assert trust.settle(asked, answer, "strict")
            first, number = struct.unpack(">HH", asked.data)
            assert answer == b"".join(
                register(first + at).to_bytes(2, "big") for at in range(number)
            )
            if asked is wanted:
                break
