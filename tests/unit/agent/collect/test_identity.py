"""Who a device says it is: asked rarely and in its turn, told, kept, and never at a cost to it."""

from __future__ import annotations

import asyncio
import json

import pytest
from unit.agent.collect.machines import Shop, hurry, machine
from unit.agent.store.patience import until

from agent.collect import identity as identity_module
from agent.collect.identity import RAW_PAIRS, TEXT_CHARS, kept_identity
from agent.telemetry.status import DeviceState
from drivers.api import AddressError, AddressProblem, Busy, Identity, NoReply, Silent
from drivers.testing.scripted import PollingSession
from simulators.platform.checks import Checker

LATHE = Identity(maker="Acme", model="CK6150", serial="0042", raw=(("VendorName", "Acme"),))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)


def session_that(outcomes):
    """Make sessions whose questions end as listed, the last for ever, and count them."""

    class Asked(PollingSession):
        asked = 0

        async def identify(self, plan):
            """Do what the list says."""
            number, Asked.asked = Asked.asked, Asked.asked + 1
            outcome = outcomes[min(number, len(outcomes) - 1)]
            await asyncio.sleep(0)
            if isinstance(outcome, NoReply):
                self.ear.lost = True
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

    return Asked


async def test_who_a_device_is_is_told_and_kept():
    """After the first good read it is asked once; an event, the status and the store have it."""
    session = session_that([LATHE])
    async with Shop({"a": machine()}, session=session) as shop:
        await until(lambda: shop.status("a").identity)
        for _ in range(2):
            shop.wire("a").drop()
            await shop.reads("a", 2)
    assert shop.status("a").identity == LATHE
    assert session.asked == 1
    (event,) = [e for e in shop.sink.events if e["type"] == "identity"]
    assert event == {
        "t": event["t"], "type": "identity", "d": "a", "maker": "Acme", "model": "CK6150",
        "serial": "0042", "raw": [["VendorName", "Acme"]],
    }  # fmt: skip
    record = {"n": 1, **event}
    envelope = {"v": 1, "gw": "g", "ep": "01KAR5Z8Q4XN", "seq": 1, "sent": 1, "clk": "sync"}
    Checker(full_first=1).check("event", {**envelope, "mv": 0, "e": [record]}, gateway="g")
    ((device, group, text, _),) = shop.sink.lessons
    assert (device, group) == ("a", "")
    assert kept_identity(text) == LATHE


async def test_it_is_known_again_after_a_restart():
    """What was kept is shown before the device is asked anew."""
    row = ("a", "", json.dumps({"maker": "Acme"}), 1)
    shop = Shop({"a": machine()}, lessons=[row])
    assert shop.status("a").identity == Identity(maker="Acme")


async def test_a_device_that_must_not_be_asked_is_not():
    """`ask_identity: false` in the device's settings is kept to."""
    session = session_that([LATHE])
    shop = Shop({"a": machine()}, session=session)
    object.__setattr__(shop.plans[0].config, "__dict__", {
        **shop.plans[0].config.__dict__, "ask_identity": False})  # fmt: skip
    async with shop:
        await shop.reads("a", 5)
        assert shop.status("a").identity == Identity(), "it was settled that it says nothing"
    assert session.asked == 0


@pytest.mark.parametrize(
    "outcome",
    [
        Silent("no answer"),
        NoReply("no answer", device="a"),
        AddressError([AddressProblem("x", "y", "no such")]),
        Identity(),
        TimeoutError(),
    ],
    ids=["silent", "no reply", "refused", "empty", "late"],
)
async def test_a_question_that_is_not_answered_costs_the_device_nothing(outcome):
    """The device stays online without a BAD frame, and is left alone until tomorrow."""
    session = session_that([outcome])
    scripts = {"a": machine(), "b": machine()}
    shop = Shop(scripts, wires=dict.fromkeys(scripts, "line"), session=session)
    async with shop:
        await until(lambda: session.asked >= 2)
        await shop.reads("a", 5)
        await shop.reads("b", 5)
        assert shop.status("a").state is shop.status("b").state is DeviceState.ONLINE
    assert session.asked == 2
    assert all(f.qualities is None for id_ in scripts for f in shop.sink.of(id_))
    waits = isinstance(outcome, NoReply | TimeoutError)
    assert shop.status("a").identity == (None if waits else Identity())
    assert shop.sink.told("a") == shop.sink.told("b") == [("online", "")]
    assert shop.run_of("a").failures == 0


async def test_a_busy_device_is_asked_again(monkeypatch):
    """Busy is no refusal: the question is repeated later."""
    monkeypatch.setattr(identity_module, "AGAIN_S", 0.02)
    session = session_that([Busy("later", wait_s=0.01), LATHE])
    async with Shop({"a": machine()}, session=session) as shop:
        await until(lambda: shop.status("a").identity == LATHE)


async def test_what_a_device_says_is_bounded():
    """Endless texts, lone surrogates and thousands of pairs are cut to what JSON can carry."""
    wild = Identity(maker="x" * 9999, model="\ud800", raw=(("a", "b" * 9999),) * 999)
    async with Shop({"a": machine()}, session=session_that([wild])) as shop:
        await until(lambda: shop.status("a").identity)
        known = shop.status("a").identity
    assert (known.maker, known.model) == ("x" * TEXT_CHARS, "?")
    assert len(known.raw) == RAW_PAIRS
    assert len(known.raw[0][1]) == TEXT_CHARS


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"maker": 5}', '{"other": "x"}', '{"raw": [["a"]]}', '{"raw": [[1, 2]]}'],
)
def test_what_cannot_be_understood_is_nobody(text):
    """A damaged note is dropped, never shown."""
    assert kept_identity(text) is None
