"""The presets of machine states, against the tables of their sources."""

import pytest

from agent.config.model import MachineState
from agent.config.presets import preset_names, read_preset
from agent.derive.expression import compile_expression
from agent.derive.projection import Projection, Rule

CASES = [
    ("opc-40001", {"item": "Executing"}, "running"),
    ("opc-40001", {"item": 3}, "running"),
    ("opc-40001", {"item": "NotExecuting"}, "idle"),
    ("opc-40001", {"item": "OutOfService"}, "alarm"),
    ("opc-40001", {"item": "NotAvailable"}, "off"),
    ("opc-40001", {"item": "Executing", "mode": "Setup"}, "setup"),
    ("opc-40001", {"item": "Executing", "mode": "Processing"}, "running"),
    ("opc-40001", {"item": "Something"}, "unknown"),
    ("opc-40501", {"channel": 0, "mode": 1}, "running"),
    ("opc-40501", {"channel": 0, "mode": 2}, "setup"),
    ("opc-40501", {"channel": 1, "mode": 1}, "idle"),
    ("opc-40501", {"channel": 2, "mode": 0}, "setup"),
    ("opc-40501", {"channel": 0, "mode": 1, "alarm": True}, "alarm"),
    ("opc-40501", {"channel": 0, "mode": 5}, "unknown"),
    ("opc-40502", {"program": "Running", "mode": "Automatic"}, "running"),
    ("opc-40502", {"program": 3, "mode": 2}, "idle"),
    ("opc-40502", {"program": 0, "mode": 0}, "setup"),
    ("opc-40502", {"program": 4, "mode": 2, "alarm": True}, "alarm"),
    ("mtconnect", {"execution": "ACTIVE"}, "running"),
    ("mtconnect", {"execution": "ACTIVE", "mode": "MANUAL"}, "running"),
    ("mtconnect", {"execution": "STOPPED", "mode": "EDIT"}, "setup"),
    ("mtconnect", {"execution": "FEED_HOLD", "mode": "AUTOMATIC"}, "idle"),
    ("mtconnect", {"execution": "READY", "function": "MAINTENANCE"}, "setup"),
    ("mtconnect", {"execution": "ACTIVE", "emergency": "TRIGGERED"}, "alarm"),
    ("mtconnect", {"execution": "ACTIVE", "fault": True}, "alarm"),
    ("mtconnect", {"execution": "UNAVAILABLE"}, "unknown"),
    ("packml", {"state": 6}, "running"),
    ("packml", {"state": "Execute", "mode": 3}, "setup"),
    ("packml", {"state": 9, "mode": 3}, "alarm"),
    ("packml", {"state": 17}, "idle"),
    ("packml", {"state": 0}, "unknown"),
    ("fanuc", {"run": 3, "aut": 1}, "running"),
    ("fanuc", {"run": 3, "aut": 5}, "setup"),
    ("fanuc", {"run": 2, "aut": 1}, "idle"),
    ("fanuc", {"run": 3, "aut": 1, "alarm": 1}, "alarm"),
    ("fanuc", {"run": 3, "aut": 1, "alarm": 2}, "running"),
    ("fanuc", {"run": 3, "aut": 1, "emergency": 1}, "alarm"),
    ("nc-link", {"status": "running"}, "running"),
    ("nc-link", {"status": "holding"}, "idle"),
    ("nc-link", {"status": "running", "warning": True}, "alarm"),
    ("nc-link", {"status": "free", "mode": "manual"}, "setup"),
    ("plc-bits", {"running": True}, "running"),
    ("plc-bits", {"running": False}, "idle"),
    ("plc-bits", {"running": True, "alarm": True}, "alarm"),
    ("plc-bits", {"running": False, "setup": True}, "setup"),
    ("plc-bits", {"running": False, "alarm": True, "on": False}, "off"),
    ("power", {"power": 3.0}, "running"),
    ("power", {"power": 1.5}, "idle"),
    ("power", {"power": 0.2}, "off"),
]
LIMITS = {"power": {"running_kw": 1.5, "idle_kw": 0.2}}


def projection(name, given):
    preset, limits = read_preset(name), LIMITS.get(name, {})
    rules = []
    for state, when in preset.rules:
        expression = compile_expression(when)
        asked = [one for one in expression.names if one not in limits]
        if all(one in given for one in asked):
            rules.append(Rule(state, expression, {one: one for one in asked}, limits))
    return Projection(tuple(rules))


@pytest.mark.parametrize(("name", "given", "state"), CASES)
def test_a_preset_gives_the_state_of_its_source(name, given, state):
    """Each row of the sources' tables gives the canonical state; an unlisted word is unknown."""
    assert projection(name, given)(given).value == state


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_whole(name):
    """Rules name canonical states and what is asked for, in both languages; each is tried here."""
    preset = read_preset(name)
    asked = {**preset.inputs, **preset.optional, **preset.limits}
    for state, when in preset.rules:
        assert state in list(MachineState)
        assert set(compile_expression(when).names) <= set(asked)
    assert all(len(about.split("|")) == 2 for about in asked.values())
    assert name in {case[0] for case in CASES}
