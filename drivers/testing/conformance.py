"""The conformance battery: what any driver must do to be run by the host.

Subclass it in a test file of your own and say what the battery needs to know:

    class TestS7(Conformance):
        case = S7Case()

Every test is one point of the contract, numbered as in docs/specs/driver. It runs against the
driver's real code and a real server (see `Case`); nothing is patched.
A failure is a `Violation` that says what was seen and what was due. Needs pytest.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.testing.battery.declaring import Declaring
from drivers.testing.battery.failing import Failing
from drivers.testing.battery.living import Living
from drivers.testing.battery.observing import Observing
from drivers.testing.battery.offering import Offering
from drivers.testing.battery.planning import Planning
from drivers.testing.battery.subscribing import Subscribing
from drivers.testing.case import SECRET, Case, TcpCase
from drivers.testing.expect import Violation, require
from drivers.testing.frames import assert_frame_valid
from drivers.testing.stage import unneeded

__all__ = ["SECRET", "Case", "Conformance", "TcpCase", "Violation", "assert_frame_valid"]

_NEEDED = ("driver", "reference", "expected", "change", "malformed", "timeout_s")


class Conformance(Declaring, Planning, Offering, Observing, Failing, Living, Subscribing):
    """All points of the battery; a subclass named `Test...` sets `case`."""

    case: ClassVar[Case]

    def __init_subclass__(cls) -> None:
        """Leave out the points that the driver's sessions, by their class, need not keep."""
        super().__init_subclass__()
        if hasattr(cls, "case"):
            for name in list(unneeded(cls, cls.case.driver.session)):
                setattr(cls, name, None)

    def test_00_case_is_complete(self) -> None:
        """The case says everything the battery needs to judge by."""
        case = self.case
        missing = [name for name in _NEEDED if not hasattr(case, name)]
        require(not missing, f"{type(case).__name__} does not set {missing}")
        require(len(case.expected) > 1, "expected: two tags at least")
        require(len(case.malformed) > 1, "malformed: two tags at least")
        tag, value = case.change
        require(tag in case.expected, "change: its tag is none of expected")
        require(case.expected[tag] != value, "change: another value than the expected one")
        values = list(case.expected.values())
        require(values[0] != values[1], "expected: other values for the first two tags")
