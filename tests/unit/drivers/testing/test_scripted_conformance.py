"""The scripted driver keeps the contract, whatever its sessions can do."""

from unit.drivers.testing.scripted_cases import PollingCase, PushingCase, ScriptedCase

from drivers.testing.conformance import Conformance


class TestScripted(Conformance):
    case = ScriptedCase()


class TestPolling(Conformance):
    case = PollingCase()


class TestPushing(Conformance):
    case = PushingCase()
