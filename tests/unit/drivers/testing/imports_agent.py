"""A driver that breaks the layering: it imports the agent."""

import agent  # noqa: F401 - the flaw
from drivers.testing.scripted import ScriptedDriver

DRIVER = ScriptedDriver()
