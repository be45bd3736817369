"""A machine that two gateways or two enterprises claim, as the platform sees it."""

from __future__ import annotations

import pytest

from simulators.platform.claims import conflicts
from simulators.platform.gateway import GatewayState

PLATE = {"maker": "沈阳机床", "model": "VMC850E", "serial": "SY2019-0417"}


def gateway(enterprise, name, machine="V1", *, said=None, **ledger):
    """Give a gateway with one machine, whose device says who it is."""
    state = GatewayState(enterprise, name, from_start=True)
    item = {"id": machine, "control_type": "CNC", "device": "d1", "processes": ["p"], **ledger}
    state.meta = {"ledger": {"equipment": [item]}}
    if said is not None:
        state.identities["d1"] = said
    return state


def test_two_enterprises_claim_one_machine():
    """Who counts it, where and under which number is told; spelling hides nothing."""
    other = PLATE | {"model": "VMC-850E", "serial": "sy 2019 0417"}
    (found,) = conflicts(
        [gateway("b", "g2", "X9", said=other), gateway("a", "g1", said=PLATE),
         gateway("c", "g3", said=PLATE | {"serial": "SY2019-0418"})]
    )  # fmt: skip
    assert [(one.enterprise, one.gateway, one.machine) for one in found.claims] == [
        ("a", "g1", "V1"), ("b", "g2", "X9"),
    ]  # fmt: skip
    assert found.across_enterprises
    assert found.as_dict()["serial"] == "sy20190417"


def test_two_gateways_of_one_enterprise():
    """The same machine at two gateways of one enterprise counts twice there, and is told."""
    (found,) = conflicts([gateway("a", "g1", said=PLATE), gateway("a", "g2", said=PLATE)])
    assert not found.across_enterprises


@pytest.mark.parametrize(
    "other",
    [
        gateway("b", "g2"),
        gateway("b", "g2", said=PLATE, control_type="manual"),
        gateway("b", "g2", said=PLATE, part_of="K1"),
        gateway("b", "g2", said=PLATE, device=None),
        gateway("b", "g2", said=PLATE | {"serial": "0000"}),
        gateway("b", "g2", said=PLATE | {"model": ""}),
        gateway("b", "g2", said={"maker": "FANUC", "model": "0i-MF", "serial": "E1234567"}),
    ],
    ids=["silent", "manual", "part", "no device", "default number", "no model", "another"],
)
def test_honest_neighbours_are_no_conflict(other):
    """Machines that say nothing, are not counted, or share a default number accuse nobody."""
    assert conflicts([gateway("a", "g1", said=PLATE), other]) == []


def test_what_a_device_says_arrives_as_an_event():
    """The whole identity of the event is kept, the latest of each device."""
    state = gateway("a", "g1")
    for serial in ("SY1", PLATE["serial"]):
        event = {"n": 1, "type": "identity", "t": 1, "d": "d1", **PLATE, "serial": serial}
        state._take_event(event, state.stream("ep"))
    assert conflicts([state, gateway("b", "g2", said=PLATE)])[0].claims[0].machine == "V1"
