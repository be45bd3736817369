"""Errors are instructions to the host, and say what they are about."""

import pytest

from drivers.api import (
    AccessError,
    AddressError,
    AddressProblem,
    Busy,
    ConnectError,
    DriverError,
    NoReply,
    SessionLost,
)


@pytest.mark.parametrize("error", [AccessError, ConnectError, NoReply, SessionLost])
def test_error_carries_device_and_hint(error):
    """An error names its device and what to do, and prints its message alone."""
    raised = error("no answer from unit 3", device="lathe-1", hint="check the cable")
    assert (str(raised), raised.device, raised.hint) == (
        "no answer from unit 3",
        "lathe-1",
        "check the cable",
    )


def test_error_of_a_whole_link_names_no_device():
    """Device and hint are empty where there are none."""
    error = ConnectError("refused")
    assert (error.device, error.hint) == ("", "")


def test_no_reply_is_a_lost_session():
    """A host that knows SessionLost only still reopens when a device keeps silent."""
    assert issubclass(NoReply, SessionLost)
    assert not issubclass(ConnectError, SessionLost)


@pytest.mark.parametrize(
    "error", [AccessError, AddressError, Busy, ConnectError, NoReply, SessionLost]
)
def test_every_error_is_a_driver_error(error):
    """One except clause catches all that a driver may raise."""
    assert issubclass(error, DriverError)


def test_address_error_counts_the_others():
    """An address error prints its first problem and how many more there are."""
    one = AddressProblem("a", "4x", "no register")
    two = AddressProblem("b", "5x", "no register", why_zh="没有寄存器")
    assert str(AddressError([one])) == "a: '4x': no register"
    error = AddressError([one, two], device="lathe-1")
    assert str(error) == "a: '4x': no register (and 1 more)"
    assert (error.problems, error.device) == ((one, two), "lathe-1")


def test_busy_says_how_long():
    """Busy carries the time the device asks for."""
    assert Busy("busy", wait_s=0.5).wait_s == 0.5
